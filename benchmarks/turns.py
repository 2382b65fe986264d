"""
Contenders that take turns, so that what disturbs the machine disturbs all of them.

Forwards in one round, backwards in the next. A peer that fails is left out, with the reason;
whoever is no peer has to succeed.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.contenders import Contender
from benchmarks.figures import Figure
from benchmarks.servers import Server, serving

Turn = Callable[[Server], Awaitable[dict[str, float]]]
"""Measures one server once: values by the name of the quantity."""


@dataclass
class Measured:
    """
    The figures of all contenders.

    Args:
        rows: by the contender's name and the name of the quantity.
        failures: why a peer is missing.
    """

    contenders: list[Contender]
    rows: dict[str, dict[str, Figure]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, contender: Contender, values: dict[str, float], unit: str) -> None:
        """Add what a turn measured."""
        row = self.rows.setdefault(contender.name, {})
        for name, value in values.items():
            row.setdefault(name, Figure(unit)).rounds.append(value)

    def over(self, contender: Contender, limit: Contender, name: str) -> Figure:
        """A quantity of one as a multiple of another's."""
        return self.rows[contender.name][name].over(self.rows[limit.name][name])

    def compare(self, limit: Contender, name: str, column: str) -> None:
        """Add a column to all rows: a quantity as a multiple of the limit's."""
        for row in self.rows.values():
            row[column] = row[name].over(self.rows[limit.name][name])

    def fail(self, contender: Contender, error: Exception) -> None:
        """Leave a peer out."""
        self.rows.pop(contender.name, None)
        self.failures[contender.name] = str(error).strip().splitlines()[-1]


async def take_turns(
    contenders: Sequence[Contender],
    turn: Turn,
    rounds: int,
    *,
    unit: str = "µs",
    cards: int = 100,
) -> Measured:
    """Start all servers, and measure each in every round."""
    measured = Measured(list(contenders))
    async with AsyncExitStack() as stack:
        servers: list[Server] = []
        for contender in contenders:
            with forgiving(contender, measured):
                servers.append(await stack.enter_async_context(serving(contender, cards)))
        for number in range(rounds):
            for server in servers if number % 2 == 0 else reversed(servers):
                if server.contender.name not in measured.failures:
                    with forgiving(server.contender, measured):
                        measured.add(server.contender, await turn(server), unit)
                    dot()
    return measured


async def take_fresh_turns(
    contenders: Sequence[Contender], turn: Turn, rounds: int, *, unit: str
) -> Measured:
    """The same with a new server for each turn, one at a time."""
    measured = Measured(list(contenders))
    for _ in range(rounds):
        for contender in contenders:
            if contender.name not in measured.failures:
                with forgiving(contender, measured):
                    async with serving(contender) as server:
                        measured.add(contender, await turn(server), unit)
                dot()
    return measured


@contextmanager
def forgiving(contender: Contender, measured: Measured) -> Iterator[None]:
    """Go on without a peer that fails."""
    try:
        yield
    except Exception as error:
        if not contender.peer:
            raise
        measured.fail(contender, error)


def dot() -> None:
    """Show that a turn is over."""
    print(".", end="", file=sys.stderr, flush=True)
