"""
What an event costs, and what one more delivery of it costs.

A turn of a contender: one subscriber, then a few, then many; at each number so many events, one
after the other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from benchmarks.contenders import Contender
from benchmarks.crowd import Crowd
from benchmarks.effort import Effort
from benchmarks.figures import lower_quartile
from benchmarks.servers import Server
from benchmarks.turns import Measured, Pieces, take_turns
from benchmarks.wires import Wire

DELIVERY = "a delivery"
"""The marginal cost of one more subscriber, in microseconds of server CPU."""
EVENT = "an event"
"""The cost of an event with one subscriber, without what the control channel costs."""


async def marginal(wires: Mapping[Contender, Wire], effort: Effort) -> Measured:
    """Measure all contenders; the first is the limit that the others are compared with."""

    def turn(server: Server) -> Pieces:
        return measure(Crowd(wires[server.contender], server), effort)

    limit, *_ = contenders = list(wires)
    measured = await take_turns(contenders, turn, effort.rounds)
    measured.compare(limit, DELIVERY, "over the limit")
    measured.compare(limit, EVENT, "over the limit's")
    return measured


async def measure(crowd: Crowd, effort: Effort) -> Pieces:
    """One turn of one contender."""
    found = []
    commands: list[int] = []
    # An event for one is short: it takes more of them to see it.
    for size, factor in ((1, 4), (effort.few, 1), (effort.many, 1)):
        await crowd.grow(size)
        costs: list[int] = []
        for _ in range(effort.pieces):
            yield None
            costs += await events(crowd, effort, factor)
            if size == 1:
                commands += await nothing(crowd.server, factor * effort.events)
        found.append(lower_quartile(costs) / 1_000)
    yield None
    await crowd.close()
    alone, few, many = found
    delivery = (many - few) / (effort.many - effort.few)
    yield {DELIVERY: delivery, EVENT: alone - lower_quartile(commands) / 1_000}


async def events(crowd: Crowd, effort: Effort, factor: int = 1) -> list[int]:
    """The CPU of each event of a piece, in nanoseconds, when the server is warm again.

    There are ``factor`` times as many of them as the effort says.
    """
    await crowd.events(effort.warm, effort.warming)
    budget = factor * effort.budget
    end = time.monotonic() + budget
    costs: list[int] = []
    while len(costs) < factor * effort.events and (not costs or time.monotonic() < end):
        begin = crowd.server.cpu
        await crowd.events(1, budget)
        costs.append(crowd.server.cpu - begin)
    return costs


async def nothing(server: Server, count: int) -> list[int]:
    """The CPU of each of so many commands that do nothing, in nanoseconds."""
    costs = []
    for _ in range(count):
        begin = server.cpu
        await server.call("nothing")
        costs.append(server.cpu - begin)
    return costs
