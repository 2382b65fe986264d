"""
What several processes cost: bytes that Redis sends per event, and CPU of a delivery.

Two server processes have half of the subscribers each, one of them saves the row. The Redis is the
benchmark's own, so all that it sends is theirs: the event, what is asked and answered for it, the
heartbeats that fall into the time. The in-memory figure is that of one process with all of them.
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
from benchmarks.outcome import Line, Outcome
from benchmarks.redis_server import RedisServer, redis_server
from benchmarks.servers import Server, serving
from benchmarks.turns import Measured, Pieces, alternate
from benchmarks.wires import Native

APP = "benchmarks.apps.cards"
MEMORY = Contender("in memory, 1 process", APP)
LAYERS = ("core", "pubsub")
FEW, MANY = 40, 200
BYTES = "bytes of Redis per event"
IDLE = "bytes of Redis per idle second"
IN_BYTES = {BYTES, IDLE}
DELIVERY = "a delivery"
EVENT = "an event, fixed"
TEXT = """\
One `save()` of a row in one of two processes is sent to {many} subscribers, half of them in the
other process. *Bytes* are what Redis says that it has sent, over all connections. *A delivery* is
what an event costs more in all server processes with {many} subscribers than with {few}, for each
of the difference; *fixed* is what remains without any.
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


async def measure(servers: Sequence[Server], redis: RedisServer | None, effort: Effort) -> Pieces:
    """One turn of one contender."""
    several: Any = Several(servers)
    crowd = Crowd(Native(), several)
    found = {}
    sent: list[float] = []
    for size in (FEW, MANY):
        await crowd.grow(size)
        costs = []
        for _ in range(effort.pieces):
            yield None
            await crowd.events(1, effort.budget)
            await several.quiet()
            before, begin = 0 if redis is None else await redis.sent(), several.cpu
            count = await crowd.events(4 * effort.events, 4 * effort.budget)
            await several.quiet()
            costs.append((several.cpu - begin) / count / 1_000)
            if redis is not None and size == MANY:
                sent.append((await redis.sent() - before) / count)
        found[size] = lower_quartile(costs)
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
    """Measure both layers of channels_redis, and one process without Redis."""
    measured = Measured([MEMORY])
    lines = []
    async with AsyncExitStack() as stack:
        alone = await stack.enter_async_context(serving(MEMORY))
        players: dict[Contender, tuple[list[Server], RedisServer | None]] = {
            MEMORY: ([alone], None)
        }
        redis: RedisServer | None
        for layer in LAYERS:
            redis = await stack.enter_async_context(redis_server())
            environment = {"BENCH_REDIS": redis.address, "BENCH_LAYER": layer}
            name = f"Redis ({layer}), 2 processes"
            contender = Contender(name, APP, environment=environment)
            pair = [await stack.enter_async_context(serving(contender)) for _ in range(2)]
            players[contender] = pair, redis
            measured.contenders.append(contender)
        for _ in range(effort.rounds):
            turns = {each: measure(*those, effort) for each, those in players.items()}
            for contender, values in (await alternate(turns, measured)).items():
                for name, value in values.items():
                    measured.add(contender, {name: value}, "B" if name in IN_BYTES else "µs")
    for contender, (_, redis) in players.items():
        if redis is not None:
            row, over = measured.rows[contender.name], measured.over(contender, MEMORY, DELIVERY)
            row["over memory"] = over
            lines.append(Line(f"bytes per event, {contender.name}", 2048, row[BYTES]))
            lines.append(Line(f"fan-out, {contender.name}, over in memory", 1.3, over))
    text = TEXT.format(few=FEW, many=MANY)
    return Outcome("Several processes", text, measured, lines)
