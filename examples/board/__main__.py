"""
`python -m examples.board` serves the board; with a command's name it runs one of Django's.

    python -m examples.board [--port 8000]
    python -m examples.board seed
"""

from __future__ import annotations

import os
import sys


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.board.settings")
    if arguments and not arguments[0].startswith("-"):
        from django.core.management import execute_from_command_line

        execute_from_command_line(["python -m examples.board", *arguments])
    else:
        from examples.board.serve import main as serve

        serve(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
