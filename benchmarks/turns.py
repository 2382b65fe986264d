"""
Contenders that take turns, so that what disturbs the machine disturbs all of them.

A machine can be half as fast for a second, and then fast again. So a turn is cut into pieces of a
fraction of that: all contenders measure their first, then all their second, forwards and backwards
in turn. A peer that fails is left out, with the reason; whoever is no peer has to succeed.
"""

from __future__ import annotations

import sys
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from benchmarks.contenders import Contender
from benchmarks.figures import Figure
from benchmarks.servers import Server, serving

Pieces: TypeAlias = AsyncGenerator[dict[str, float] | None]
"""
One turn: None where another may go on, at last the values by the name of the quantity.

What is waited for between two of these is one piece of measuring.
"""
Turn = Callable[[Server], Pieces]
"""Measures one server once."""


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

    def still(self, servers: Iterable[Server]) -> list[Server]:
        """Those of servers whose contender has not failed."""
        return [each for each in servers if each.contender.name not in self.failures]

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
        for _ in range(rounds):
            turns = {server.contender: turn(server) for server in measured.still(servers)}
            for contender, values in (await alternate(turns, measured)).items():
                measured.add(contender, values, unit)
    return measured


async def alternate(
    turns: Mapping[Contender, Pieces], measured: Measured
) -> dict[Contender, dict[str, float]]:
    """One round: a piece of each turn, then the next of each, until all have their values."""
    found = {}
    playing = list(turns)
    while playing:
        for contender in list(playing):
            with forgiving(contender, measured):
                values = await anext(turns[contender])
                if values is None:
                    continue
                found[contender] = values
            await turns[contender].aclose()
            playing.remove(contender)
            dot()
        playing.reverse()
    return {each: found[each] for each in turns if each in found}


async def take_fresh_turns(
    contenders: Sequence[Contender],
    turn: Callable[[Server], Awaitable[dict[str, float]]],
    rounds: int,
    *,
    unit: str,
) -> Measured:
    """Measure a new server each time, one at a time."""
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
