"""
Copies GraphiQL and React from npm to where the GraphQL view serves them.

`make graphiql` runs it, and so does the build of the wheel. What it copies is never committed.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "dcrf_graph" / "transports" / "graphiql"
FILES = {
    "graphiql.css": "graphiql/graphiql.min.css",
    "graphiql.js": "graphiql/graphiql.min.js",
    "react.js": "react/umd/react.production.min.js",
    "react-dom.js": "react-dom/umd/react-dom.production.min.js",
    "LICENSE.graphiql": "graphiql/LICENSE",
    "LICENSE.react": "react/LICENSE",
}


def build() -> None:
    """Install what the lock file says, and copy.

    Raises:
        FileNotFoundError: if there is no npm.
        subprocess.CalledProcessError: if npm cannot install it.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([npm, "ci", *options], cwd=HERE, check=True)
    TARGET.mkdir(exist_ok=True)
    for name, source in FILES.items():
        shutil.copyfile(HERE / "node_modules" / source, TARGET / name)


if __name__ == "__main__":
    build()
