"""The servers of the contenders, as the driver sees them: processes that it starts and ends."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks import system
from benchmarks.contenders import ROOT, Contender

START = 60.0
"""Seconds until a server must listen."""
PATIENCE = 120.0
"""Seconds that a command may take."""


class ServerError(Exception):
    """A server did not start, or a command failed; says what the server said."""


class Server:
    """One contender's process."""

    def __init__(self, contender: Contender, process: asyncio.subprocess.Process) -> None:
        self.contender = contender
        self.process = process
        self.port = 0
        self._fired = 0

    @property
    def cpu(self) -> int:
        """Nanoseconds of CPU that it has used."""
        return system.cpu(self.process.pid)

    @property
    def memory(self) -> int:
        """Bytes of it that are in RAM."""
        return system.memory(self.process.pid)

    def fire(self, command: str, *arguments: Any) -> None:
        """Send a command; `answers` waits until it was carried out."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, *arguments]).encode() + b"\n")
        self._fired += 1

    async def answers(self) -> Any:
        """Wait for everything that was fired; the last result.

        Raises:
            ServerError: when a command failed.
        """
        result = None
        while self._fired:
            result = await self.answer(PATIENCE)
            self._fired -= 1
        return result

    async def answer(self, patience: float) -> Any:
        """Read one answer."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), patience)
        if not line:
            raise ServerError(f"{self.contender.name} ended")
        answer = json.loads(line)
        if "error" in answer:
            raise ServerError(f"{self.contender.name}: {answer['error']}")
        return answer["result"]

    async def call(self, command: str, *arguments: Any) -> Any:
        """Send a command and wait for its result."""
        self.fire(command, *arguments)
        return await self.answers()

    async def quiet(self) -> None:
        """Wait until it has nothing left to do: 40 ms with less than 1 ms of CPU."""
        before, calm = self.cpu, 0
        while calm < 2:
            await asyncio.sleep(0.02)
            now = self.cpu
            calm = calm + 1 if now - before < 1_000_000 else 0
            before = now

    async def end(self) -> None:
        """End it, by its end of input, else by its pid."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 5)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def serving(contender: Contender, cards: int = 100) -> AsyncGenerator[Server]:
    """Run a contender's server, with a database of its own.

    Raises:
        ServerError: when its environment was not made, or when it does not start.
    """
    environment = contender.python.parent.parent
    if not environment.exists():
        made = f"make {environment.name}/.stamp"
        raise ServerError(f"{contender.name} has no environment yet; `{made}` makes it")
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    errors = (directory / "stderr").open("w+b")
    process = await asyncio.create_subprocess_exec(
        *(contender.python, "-m", "benchmarks.serve", contender.app, str(cards)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.world.settings",
            "BENCH_DATABASE": str(directory / "world.sqlite3"),
            **contender.environment,
        },
    )
    server = Server(contender, process)
    try:
        server.port = await server.answer(START)
        yield server
    except Exception as error:
        errors.seek(0)
        if said := errors.read().decode(errors="replace").strip():
            error.add_note(f"{contender.name} said:\n{said[-4000:]}")
        raise
    finally:
        await server.end()
        errors.close()
        shutil.rmtree(directory, ignore_errors=True)
