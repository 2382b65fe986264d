"""
What several processes cost: bytes that Redis sends per event, and CPU of a delivery.

Two server processes have half of the subscribers each, one of them saves the row. The Redis is the
benchmark's own, so all that it sends is theirs: the event, what is asked and answered for it, the
heartbeats that fall into the time. The in-memory figure is that of one process with all of them.

The limit does the same: one process with all sockets, and two that tell each other through Redis.
What two processes cost *it* more is the machine's: two servers, Redis and the clients share its
processors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from statistics import median
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.crowd import Crowd
from benchmarks.effort import Effort
from benchmarks.figures import lower_quartile
from benchmarks.marginal import events
from benchmarks.outcome import Line, Outcome
from benchmarks.redis_server import RedisServer, redis_server
from benchmarks.servers import Server, serving
from benchmarks.turns import Measured, Pieces, alternate
from benchmarks.wires import Bare, Native, Wire

APP = "benchmarks.apps.cards"
LIMIT = "benchmarks.apps.limit"
LIMIT_OF_MANY = "benchmarks.apps.limit_of_many"
MEMORY = Contender("in memory, 1 process", APP)
BARE = Contender("limit: bare ASGI, 1 process", LIMIT)
BARE_OF_MANY = "limit: bare ASGI and Redis, 2 processes"
LAYERS = ("core", "pubsub")
FEW, MANY = 40, 200
BYTES = "bytes of Redis per event"
IDLE = "bytes of Redis per idle second"
IN_BYTES = {BYTES, IDLE}
DELIVERY = "a delivery"
EVENT = "an event, fixed"
OVER = "over 1 process"
TEXT = """\
One `save()` of a row in one of two processes is sent to {many} subscribers, half of them in the
other process. *Bytes* are what Redis says that it has sent, over all connections. *A delivery* is
what an event costs more in all server processes with {many} subscribers than with {few}, for each
of the difference; *fixed* is what remains without any. What two processes cost the limit more is
the machine's: two servers, Redis and the clients share its processors.
"""


class Several:
    """Several servers as one: connections go to each in turn, commands to the first."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers
        self._turn = 0

    @property
    def port(self) -> int:
        """The port of the next connection."""
        self._turn += 1
        return self._servers[self._turn % len(self._servers)].port

    @property
    def cpu(self) -> int:
        """Nanoseconds of CPU of all."""
        return sum(server.cpu for server in self._servers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._servers[0], name)

    async def quiet(self) -> None:
        """Wait until all have nothing left to do."""
        for server in self._servers:
            await server.quiet()

    async def call(self, command: str, *arguments: Any) -> Any:
        """Have all carry out a command."""
        return [await server.call(command, *arguments) for server in self._servers]


async def measure(
    wire: Wire, servers: Sequence[Server], redis: RedisServer | None, effort: Effort
) -> Pieces:
    """One turn of one contender."""
    several: Any = Several(servers)
    crowd = Crowd(wire, several)
    found = {}
    sent: list[float] = []
    for size in (FEW, MANY):
        await crowd.grow(size)
        costs: list[int] = []
        for _ in range(effort.pieces):
            yield None
            await several.quiet()
            before = 0 if redis is None else await redis.sent()
            already = crowd.position
            costs += await events(crowd, effort, factor=4)
            await several.quiet()
            if redis is not None and size == MANY:
                sent.append((await redis.sent() - before) / (crowd.position - already))
        found[size] = lower_quartile(costs) / 1_000
    idle = 0.0
    if redis is not None:
        yield None
        before, begin = await redis.sent(), time.monotonic_ns()
        await asyncio.sleep(2.0)
        idle = (await redis.sent() - before) / ((time.monotonic_ns() - begin) / 1e9)
    await crowd.close()
    delivery = (found[MANY] - found[FEW]) / (MANY - FEW)
    values = {DELIVERY: delivery, EVENT: found[MANY] - MANY * delivery}
    yield values if redis is None else {**values, BYTES: median(sent), IDLE: idle}


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure both layers of channels_redis, one process without Redis, and the limit of each."""
    measured = Measured([])
    players: dict[Contender, tuple[Wire, list[Server], RedisServer | None]] = {}
    async with AsyncExitStack() as stack:

        async def play(
            contender: Contender, wire: Wire, processes: int, redis: RedisServer | None = None
        ) -> None:
            servers = [
                await stack.enter_async_context(serving(contender)) for _ in range(processes)
            ]
            players[contender] = wire, servers, redis
            measured.contenders.append(contender)

        async def play_by_redis(name: str, app: str, wire: Wire, layer: str) -> None:
            redis = await stack.enter_async_context(redis_server())
            environment = {"BENCH_REDIS": redis.address, "BENCH_LAYER": layer}
            await play(Contender(name, app, environment=environment), wire, 2, redis)

        await play(BARE, Bare(), 1)
        await play_by_redis(BARE_OF_MANY, LIMIT_OF_MANY, Bare(), "pubsub")
        await play(MEMORY, Native(), 1)
        for layer in LAYERS:
            await play_by_redis(f"Redis ({layer}), 2 processes", APP, Native(), layer)
        for _ in range(effort.rounds):
            turns = {each: measure(*those, effort) for each, those in players.items()}
            for contender, values in (await alternate(turns, measured)).items():
                for name, value in values.items():
                    measured.add(contender, {name: value}, "B" if name in IN_BYTES else "µs")
    lines = []
    for contender, (_, _, redis) in players.items():
        if redis is not None:
            ours = contender.app == APP
            row = measured.rows[contender.name]
            row[OVER] = measured.over(contender, MEMORY if ours else BARE, DELIVERY)
            if ours:
                lines.append(Line(f"bytes per event, {contender.name}", 2048, row[BYTES]))
                lines.append(Line(f"fan-out, {contender.name}, over in memory", 1.3, row[OVER]))
    text = TEXT.format(few=FEW, many=MANY)
    return Outcome("Several processes", text, measured, lines)
