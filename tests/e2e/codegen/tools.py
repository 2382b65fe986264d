"""
The generators and compilers, as commands: each bounded, each failure with what it wrote.

They are installed once: npm's beside this file, by its lock; ariadne-codegen in an environment of
its own in the root of the repository. After that they need no network.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SCHEMA = ROOT / "schema"
GENERATED = HERE / "generated"
ENVIRONMENT = ROOT / ".venv-ariadne-codegen"

INSTALL = 300.0
"""Seconds for an installation."""
RUN = 90.0
"""Seconds for a generator, a compiler or a program."""


class Failed(Exception):
    """A command did not do what it should; the message is what it wrote."""


def run(*command: str | Path, limit: float = RUN, cwd: Path = HERE, **environment: str) -> str:
    """
    Run a command.

    Returns:
        What it wrote to its standard output.

    Raises:
        Failed: when it fails, or does not end in time.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "NO_COLOR": "1", **environment},
            capture_output=True,
            text=True,
            timeout=limit,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise Failed(f"{command[0]} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def npm(name: str) -> Path:
    """A command of an npm package."""
    return HERE / "node_modules" / ".bin" / name


def install_packages() -> None:
    """`npm ci`, if the lock is newer than what is installed."""
    stamp, lock = HERE / "node_modules" / ".stamp", HERE / "package-lock.json"
    if not is_newer(stamp, lock):
        run("npm", "ci", "--no-audit", "--no-fund", limit=INSTALL)
        stamp.touch()


def install_ariadne_codegen() -> Path:
    """The environment of ariadne-codegen, made when its requirements are newer; its `bin`."""
    stamp, wanted = ENVIRONMENT / ".stamp", HERE / "ariadne-codegen.txt"
    if not is_newer(stamp, wanted):
        run(sys.executable, "-m", "venv", ENVIRONMENT, limit=INSTALL)
        pip = (ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet")
        run(*pip, "--disable-pip-version-check", "-r", wanted, limit=INSTALL)
        stamp.touch()
    return ENVIRONMENT / "bin"


def is_newer(stamp: Path, source: Path) -> bool:
    return stamp.exists() and stamp.stat().st_mtime >= source.stat().st_mtime


def sign_in(url: str, username: str, password: str) -> str:
    """The session of somebody who has logged in on the page, as a cookie header."""
    with httpx.Client(base_url=url, timeout=10) as client:
        client.get("/session/").raise_for_status()
        token = client.cookies["csrftoken"]
        login = client.post(
            "/session/",
            json={"username": username, "password": password},
            headers={"x-csrftoken": token},
        )
        login.raise_for_status()
        return f"sessionid={client.cookies['sessionid']}"
