"""A Redis of a test's own, to be killed, and started again without its data."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redis


def free_port() -> int:
    """A port that nobody listens to, now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class OwnRedis:
    """A server that keeps nothing on disk."""

    def __init__(self, directory: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._directory]
        self._process = subprocess.Popen(
            ["redis-server", *options, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        with self.client() as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """A crash, and a start at once."""
        self.kill()
        self.start()

    @contextmanager
    def client(self) -> Iterator[Any]:
        """A connection to look at it, or to harm it."""
        with redis.Redis.from_url(self.url) as client:
            yield client


@contextmanager
def started() -> Iterator[OwnRedis]:
    """A Redis that runs; a loud skip where there is none to start, or with REQUIRE_SERVICES=1 a
    failure."""
    if shutil.which("redis-server") is None:
        reason = "THERE IS NO redis-server TO START: what this test promises was NOT tested"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with TemporaryDirectory() as directory:
        server = OwnRedis(directory)
        try:
            server.start()
            yield server
        finally:
            server.kill()
