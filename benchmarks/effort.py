"""How much is measured: more makes the spread smaller, never the work another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """
    Args:
        few, many: numbers of subscribers between which the marginal cost is taken.
        rounds: how often each contender has its turn.
        events: events of a turn, for each number of subscribers.
        budget: seconds after which a turn begins no further event: a slow contender has fewer.
        lists: lists that are read in a turn.
        saves: rows that are saved in a turn.
        idle: connections whose memory is measured.
    """

    few: int = 100
    many: int = 500
    rounds: int = 5
    events: int = 30
    budget: float = 2.0
    lists: int = 30
    saves: int = 300
    idle: int = 800


FULL = Effort()
QUICK = Effort(rounds=3, events=15, budget=1.5, lists=15, saves=150, idle=400)
LEAST = Effort(few=2, many=3, rounds=1, events=2, lists=1, saves=2, idle=10)
"""What a test of the harness needs."""
