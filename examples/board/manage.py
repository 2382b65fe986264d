#!/usr/bin/env python
"""Django's commands for the board, from any directory: `examples/board/manage.py seed`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.board.settings")
    # This directory is a package of its parent's parent; it must not hide the real `board`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
