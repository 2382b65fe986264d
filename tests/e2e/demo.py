"""
The demo as a person starts it, and the programs that drive it.

It knows the demo's command, its environment and `/health/`, and nothing of what is inside.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx

T = TypeVar("T")

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
START = 60.0
"""Seconds until the demo, which migrates and seeds first, must answer."""
REST = 10.0
"""Seconds until what a client has left must be gone."""
PROGRAM = 120.0
"""Seconds until a client program, which has bounds of its own, is ended."""

TROUBLE = re.compile(
    r"Traceback|Exception|\bERROR\b|\bCRITICAL\b|Warning:|Internal Server Error"
    r"|never retrieved|never awaited|was destroyed but it is pending"
)
QUIET = {"connections": 0, "subscriptions": 0, "tasks": 0}


@dataclass
class Demo:
    """A running demo: its URL without the slash at the end, its process and its log."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def health(self) -> dict[str, Any]:
        """What `/health/` says now."""
        counts: dict[str, Any] = httpx.get(f"{self.url}/health/", timeout=5).json()
        return counts

    def troubles(self) -> list[str]:
        """The lines of the log that a healthy server does not write."""
        return [line for line in self.log.read_text().splitlines() if TROUBLE.search(line)]

    def settled(self) -> dict[str, Any]:
        """The counts of `/health/`, as soon as all are 0, or as they are when time is up."""
        return eventually(lambda: {name: self.health()[name] for name in QUIET}, QUIET)

    def play(self, program: str, scenario: str, **environment: str) -> Any:
        """
        Run one scenario of a client program.

        Returns:
            The JSON document that it printed.

        Raises:
            AssertionError: with what the program and the demo wrote, when it failed or hangs.
        """
        try:
            done = subprocess.run(
                ["node", program, scenario],
                cwd=HERE,
                env={**os.environ, "BOARD_URL": self.url, **environment},
                capture_output=True,
                text=True,
                timeout=PROGRAM,
            )
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{program} {scenario} does not end: {error.stderr!r}") from None
        wrote = f"{done.stderr}\n--- the demo's log\n{self.log.read_text()[-4000:]}"
        assert done.returncode == 0, f"{program} {scenario} failed:\n{wrote}"
        assert not done.stderr, f"{program} {scenario} complained:\n{wrote}"
        return json.loads(done.stdout)


def eventually(look: Callable[[], T], expected: T, limit: float = REST) -> T:
    """What `look` gives: as soon as it is as expected, else at the end of `limit` seconds."""
    end = time.monotonic() + limit
    while (seen := look()) != expected and time.monotonic() < end:
        time.sleep(0.05)
    return seen


def start(directory: Path, module: str = "examples.board", **settings: str) -> Demo:
    """Start the demo with a database and a log of its own, and wait until it answers.

    Args:
        directory: for the database and the log.
        module: what Python runs; another one serves the same addresses and more.
        settings: more of the environment.

    Raises:
        AssertionError: with the log, when it ends or does not answer in time.
    """
    port = free_port()
    log = directory / "demo.log"
    # Not the settings of the tests, nor the services of whoever runs them.
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "examples.board.settings",
        "DATABASE_URL": f"sqlite:///{directory / 'board.sqlite3'}",
        "REDIS_URL": "",
        "DEBUG": "1",
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    with log.open("wb") as output:
        process = launch(module, environment, output)
    demo = Demo(f"http://127.0.0.1:{port}", process, log)
    if not eventually(lambda: answers(demo), True, START) or process.poll() is not None:
        process.kill()
        process.wait()
        raise AssertionError(f"the demo does not answer at {demo.url}:\n{log.read_text()}")
    return demo


def launch(module: str, environment: dict[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    """The demo's process."""
    command = [sys.executable, "-m", module]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)


def stop(demo: Demo) -> int:
    """Ctrl-C; the exit code, -9 when it had to be killed."""
    demo.process.send_signal(signal.SIGINT)
    try:
        return demo.process.wait(timeout=REST)
    except subprocess.TimeoutExpired:
        demo.process.kill()
        return demo.process.wait()


def answers(demo: Demo) -> bool:
    """Whether the demo is up, or will never be."""
    if demo.process.poll() is not None:
        return True
    try:
        return bool(demo.health()["status"] == "ok")
    except httpx.TransportError:
        return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
