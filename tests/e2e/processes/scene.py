"""The processes of the scenario: started, killed, started again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.own_redis import free_port

ROOT = Path(__file__).parents[3]
START = 60.0
"""Seconds until a server must listen."""


@contextmanager
def own_database(postgres_url: str) -> Iterator[str]:
    """A database of one's own on a PostgreSQL: its URL."""
    name = f"dcrf_graph_e2e_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Scene:
    """What all processes have in common, and the servers."""

    def __init__(self, database: str, redis: str, layer: str, directory: Path) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.e2e.processes.settings",
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "LAYER": layer,
        }
        self.ports = [free_port() for _ in range(2)]
        self.log = directory / "log"
        self._servers: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def urls(self) -> list[str]:
        """Where the servers are."""
        return [f"ws://127.0.0.1:{port}/" for port in self.ports]

    def prepare(self) -> None:
        """Make the tables."""
        command = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "-v0"]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True)

    async def serve(self, port: int) -> None:
        """Start a server, and wait until it listens."""
        self._start(port)
        async with asyncio.timeout(START):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    return writer.close()
                except OSError:
                    await asyncio.sleep(0.05)

    def _start(self, port: int) -> None:
        command = [sys.executable, "-m", "uvicorn", "tests.e2e.processes.asgi:application"]
        options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
        with self.log.open("ab") as log:
            self._servers[port] = subprocess.Popen(
                [*command, *options], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def kill(self, port: int) -> None:
        """End a server as ``kill -9`` does."""
        self._servers[port].kill()
        self._servers[port].wait()

    def end(self) -> None:
        """End everything."""
        for server in self._servers.values():
            server.kill()
            server.wait()

    @asynccontextmanager
    async def changes(
        self, count: int, rate: int, first: int = 1
    ) -> AsyncIterator[asyncio.StreamReader]:
        """A process that changes items; what it says of them."""
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.e2e.processes.changes"),
                *map(str, (count, rate, first)),
                cwd=ROOT,
                env=self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert process.stdout is not None
        try:
            yield process.stdout
            assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
