"""
How many instructions a delivery takes before the server has it. Needs valgrind.

    python -m benchmarks.instructions                          all of ours
    python -m benchmarks.instructions "dcrf_graph, GraphQL"    one of them, in two minutes

The clients are in the process, and their `send` does nothing. What is counted does not depend on
what else the machine does, so it shows a change of one percent, where a time does not.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.contenders import ROOT, Contender
from benchmarks.scenarios import distinct, fanout, instance
from benchmarks.wires import Wire

WIRES: dict[Contender, Wire] = {**fanout.WIRES, **instance.WIRES, distinct.OURS: distinct.WIRE}
SUBSCRIBERS = (20, 120)
EVENTS = (10, 60)
"""Numbers between which the marginal costs are taken."""
MODULE = "benchmarks.instructions"
TURNS = 20
"""Turns of the loop after an event, the same whatever the number of subscribers."""
PATIENCE = 60.0
"""Seconds to wait for an event, which valgrind makes long."""
CACHEGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
COUNTED = re.compile(r"I +refs: +([\d,]+)")


class Client:
    """One client, as the application sees it."""

    def __init__(self, wire: Wire, number: int) -> None:
        self.wire = wire
        self.number = number
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.inbox: asyncio.Queue[Any] | None = asyncio.Queue()
        self.heard = 0
        self.hears: Callable[[], None] | None = None

    async def receive(self) -> Any:
        """The next ASGI message of the client."""
        return await self.said.get()

    async def send(self, message: Any) -> None:
        """Take what the application sends."""
        if message["type"] == "websocket.send":
            self.heard += 1
            if self.hears is not None:
                self.hears()
            elif self.inbox is not None:
                self.inbox.put_nowait(json.loads(message["text"]))

    async def join(self, application: Any) -> asyncio.Task[None]:
        """Connect, and say what a client of this wire says."""
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "path": self.wire.path,
            "query_string": self.wire.query(self.number).encode(),
            "headers": [(b"host", b"127.0.0.1")],
            "subprotocols": [self.wire.subprotocol] if self.wire.subprotocol else [],
        }
        self.said.put_nowait({"type": "websocket.connect"})
        served = asyncio.create_task(application(scope, self.receive, self.send))
        talk, frame = self.wire.subscribe(self.number), None
        assert self.inbox is not None
        while True:
            try:
                text = talk.send(frame)
            except StopIteration:
                break
            frame = None
            if text is None:
                frame = await self.inbox.get()
            else:
                self.said.put_nowait({"type": "websocket.receive", "text": text})
        self.inbox = None
        return served


async def subscribed(clients: list[Client]) -> None:
    """Wait until nobody is told anything any more; valgrind is slow."""
    quiet, told = 0, -1
    while quiet < 10:
        await asyncio.sleep(0.2)
        now = sum(client.heard for client in clients)
        quiet, told = (quiet + 1 if now == told else 0), now


async def deliver(app: Any, wire: Wire, subscribers: int, events: int) -> None:
    """Connect so many clients, and have so many events reach all of them."""
    clients = [Client(wire, number) for number in range(subscribers)]
    served = [await client.join(app.application) for client in clients]
    await subscribed(clients)
    missing, complete = 0, asyncio.Event()

    def heard_one() -> None:
        nonlocal missing
        missing -= 1
        if not missing:
            complete.set()

    for client in clients:
        client.hears = heard_one
    for position in range(1, 1 + events):
        before = [client.heard for client in clients]
        missing = subscribers
        complete.clear()
        await app.commands["event"](position)
        # A row that is read in a thread comes when it comes.
        await asyncio.wait_for(complete.wait(), PATIENCE)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        heard = [client.heard - had for client, had in zip(clients, before, strict=True)]
        if set(heard) != {1}:
            raise SystemExit(f"event {position} reached clients {heard} times")
    for task in served:
        task.cancel()
    await asyncio.gather(*served, return_exceptions=True)


def serve(name: str, subscribers: str, events: str) -> None:
    """What runs under valgrind."""
    import django

    django.setup()
    from benchmarks.world.tables import create

    create(100)
    [(contender, wire)] = [each for each in WIRES.items() if each[0].name == name]
    app = importlib.import_module(contender.app)
    asyncio.run(deliver(app, wire, int(subscribers), int(events)))


def run(
    contender: Contender, subscribers: int, events: int, *under: str
) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own, under a command."""
    with tempfile.TemporaryDirectory() as directory:
        numbers = str(subscribers), str(events)
        return subprocess.run(
            [*under, sys.executable, "-m", MODULE, "serve", contender.name, *numbers],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "benchmarks.world.settings",
                "BENCH_DATABASE": str(Path(directory) / "world.sqlite3"),
                "PYTHONHASHSEED": "0",
                **contender.environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )


def counted(contender: Contender, subscribers: int, events: int) -> int:
    """The instructions of one process."""
    done = run(contender, subscribers, events, *CACHEGRIND)
    found = COUNTED.search(done.stderr)
    if done.returncode or found is None:
        raise SystemExit(done.stderr)
    return int(found[1].replace(",", ""))


def main(*names: str) -> None:
    """Count, and print."""
    few, many = SUBSCRIBERS
    short, long = EVENTS
    for contender in WIRES:
        if names and contender.name not in names:
            continue
        events = [
            (counted(contender, size, long) - counted(contender, size, short)) / (long - short)
            for size in SUBSCRIBERS
        ]
        delivery = (events[1] - events[0]) / (many - few)
        print(f"{contender.name:36}{delivery:10,.0f} a delivery", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
