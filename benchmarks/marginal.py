"""
What an event costs, and what one more delivery of it costs.

A turn of a contender: one subscriber, then a few, then many; at each number so many events, one
after the other. The contenders take turns, forwards and backwards, until all rounds are done.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.contenders import Contender
from benchmarks.crowd import Crowd
from benchmarks.effort import Effort
from benchmarks.figures import Figure
from benchmarks.servers import Server, serving


@dataclass
class Cost:
    """
    Microseconds of server CPU.

    Args:
        alone: of an event with one subscriber, without what the control channel costs.
        few, many: of an event with so many subscribers.
        delivery: of one more delivery.
    """

    alone: Figure = field(default_factory=Figure)
    few: Figure = field(default_factory=Figure)
    many: Figure = field(default_factory=Figure)
    delivery: Figure = field(default_factory=Figure)


@dataclass
class Costs:
    """Who costs what, by the contender's name; ``failures`` says why a peer is missing."""

    contenders: list[Contender]
    of: dict[str, Cost] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, contender: Contender) -> Cost:
        return self.of[contender.name]


async def marginal(contenders: Sequence[Contender], effort: Effort) -> Costs:
    """Measure all contenders in turns; what is no peer has to succeed."""
    costs = Costs(list(contenders))
    async with AsyncExitStack() as stack:
        servers: list[Server] = []
        for contender in contenders:
            with forgiving(contender, costs.failures):
                servers.append(await stack.enter_async_context(serving(contender)))
                costs.of[contender.name] = Cost()
        for number in range(effort.rounds):
            for server in servers if number % 2 == 0 else reversed(servers):
                if server.contender.name not in costs.failures:
                    with forgiving(server.contender, costs.failures):
                        await turn(server, costs[server.contender], effort)
                    print(".", end="", file=sys.stderr, flush=True)
    for name in costs.failures:
        costs.of.pop(name, None)
    return costs


async def turn(server: Server, cost: Cost, effort: Effort) -> None:
    """One turn of one contender."""
    crowd = Crowd(server.contender.wire, server)
    control = await per_command(server, effort)
    # An event for one is short: it takes more of them to see it.
    alone = await per_event(crowd, 1, 4 * effort.events, effort.budget)
    at_few = await per_event(crowd, effort.few, effort.events, effort.budget)
    at_many = await per_event(crowd, effort.many, effort.events, effort.budget)
    await crowd.close()
    cost.alone.rounds.append(alone - control)
    cost.few.rounds.append(at_few)
    cost.many.rounds.append(at_many)
    cost.delivery.rounds.append((at_many - at_few) / (effort.many - effort.few))


@contextmanager
def forgiving(contender: Contender, failures: dict[str, str]) -> Iterator[None]:
    """Go on without a peer that fails, and keep why."""
    try:
        yield
    except Exception as error:
        if not contender.peer:
            raise
        failures[contender.name] = str(error).strip().splitlines()[-1]


async def per_event(crowd: Crowd, size: int, count: int, budget: float) -> float:
    """The CPU of one event with so many subscribers, in microseconds."""
    await crowd.grow(size)
    await crowd.server.quiet()
    begin = crowd.server.cpu
    count = await crowd.events(count, budget)
    await crowd.server.quiet()
    return (crowd.server.cpu - begin) / count / 1_000


async def per_command(server: Server, effort: Effort) -> float:
    """The CPU of a command that does nothing, in microseconds."""
    count = 4 * effort.events
    begin = server.cpu
    for _ in range(count):
        await server.call("nothing")
    return (server.cpu - begin) / count / 1_000


def table_row(cost: Cost, limit: Cost) -> dict[str, Figure]:
    """A cost, and how many times the limit's it is."""
    return {
        "a delivery": cost.delivery,
        "over the limit": cost.delivery.over(limit.delivery),
        "an event": cost.alone,
        "over the limit's": cost.alone.over(limit.alone),
    }
