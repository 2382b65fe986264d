"""
A contender's server: its application on a free loopback port, its commands on stdin.

    python -m benchmarks.serve benchmarks.apps.limit [cards]

A line of stdin is `[name, *arguments]` in JSON, one of stdout `{"result": ...}`: a control channel
that costs the same few microseconds whatever is measured. Ends with stdin. It runs in
the environments of the peers, so it imports nothing but what all of them have.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TextIO

import uvicorn
import uvloop

Command = Callable[..., Awaitable[Any]]


class Application:
    """Knows whether connections of an application are open."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.open = 0
        self.changed = asyncio.Condition()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.open += 1
        try:
            await self.application(scope, receive, send)
        finally:
            self.open -= 1
            async with self.changed:
                self.changed.notify_all()

    async def emptied(self) -> None:
        """Wait until all clients have left, and clean up after them."""
        async with self.changed:
            await self.changed.wait_for(lambda: not self.open)
        await collect()


async def obey(commands: dict[str, Command], answers: TextIO) -> None:
    """Carry out what comes on stdin, one after the other, until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        name, *arguments = json.loads(line)
        try:
            answer = {"result": await commands[name](*arguments)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


async def nothing() -> None:
    """What the control channel itself costs."""


async def collect() -> None:
    """Collect garbage."""
    gc.collect()


async def serve(contender: Any, answers: TextIO) -> None:
    """Serve a contender until stdin ends."""
    application = Application(contender.application)

    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
    config.load()
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen(config.backlog)  # who connects before it serves waits
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    print(json.dumps({"result": socket.getsockname()[1]}), file=answers, flush=True)
    common: dict[str, Command] = {"nothing": nothing, "collect": collect}
    await obey({**common, "emptied": application.emptied, **contender.commands}, answers)
    server.should_exit = server.force_exit = True
    await serving


def main(name: str, cards: str = "100") -> None:
    """Set Django up, make the tables, serve the contender's module."""
    import django

    # What the contender prints is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    django.setup()
    from benchmarks.world.tables import create

    create(int(cards))
    contender = importlib.import_module(name)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(contender, answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
