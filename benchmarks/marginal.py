"""
What an event costs, and what one more delivery of it costs.

A turn of a contender: one subscriber, then a few, then many; at each number so many events, one
after the other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import quantiles

from benchmarks.contenders import Contender
from benchmarks.crowd import Crowd
from benchmarks.effort import Effort
from benchmarks.servers import Server
from benchmarks.turns import Measured, take_turns
from benchmarks.wires import Wire

DELIVERY = "a delivery"
"""The marginal cost of one more subscriber, in microseconds of server CPU."""
EVENT = "an event"
"""The cost of an event with one subscriber, without what the control channel costs."""


async def marginal(wires: Mapping[Contender, Wire], effort: Effort) -> Measured:
    """Measure all contenders; the first is the limit that the others are compared with."""

    async def turn(server: Server) -> dict[str, float]:
        return await measure(Crowd(wires[server.contender], server), effort)

    limit, *_ = contenders = list(wires)
    measured = await take_turns(contenders, turn, effort.rounds)
    measured.compare(limit, DELIVERY, "over the limit")
    measured.compare(limit, EVENT, "over the limit's")
    return measured


async def measure(crowd: Crowd, effort: Effort) -> dict[str, float]:
    """One turn of one contender."""
    control = await per_command(crowd.server, 4 * effort.events)
    # An event for one is short: it takes more of them to see it.
    alone = await per_event(crowd, 1, 4 * effort.events, effort.budget)
    few = await per_event(crowd, effort.few, effort.events, effort.budget)
    many = await per_event(crowd, effort.many, effort.events, effort.budget)
    await crowd.close()
    return {DELIVERY: (many - few) / (effort.many - effort.few), EVENT: alone - control}


async def per_event(crowd: Crowd, size: int, count: int, budget: float) -> float:
    """The CPU of one event with so many subscribers, in microseconds, when it is warm.

    The lower quartile of so many: whatever else the machine does makes an event dearer, never
    cheaper, and a marginal cost is the difference of two of these.
    """
    await crowd.grow(size)
    # The first events meet cold caches, and connections that have not sent anything yet.
    await crowd.events(count // 2, budget)
    costs: list[int] = []
    end = time.monotonic() + budget
    while len(costs) < count and (len(costs) < 2 or time.monotonic() < end):
        begin = crowd.server.cpu
        await crowd.events(1, budget)
        costs.append(crowd.server.cpu - begin)
    return quantiles(costs, n=4, method="inclusive")[0] / 1_000


async def per_command(server: Server, count: int) -> float:
    """The CPU of a command that does nothing, in microseconds."""
    begin = server.cpu
    for _ in range(count):
        await server.call("nothing")
    return (server.cpu - begin) / count / 1_000
