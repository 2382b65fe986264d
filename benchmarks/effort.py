"""How much is measured: more makes the spread smaller, never the work another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """
    Args:
        few, many: numbers of subscribers between which the marginal cost is taken.
        rounds: how often each contender has its turn.
        pieces: into how many each turn is cut.
        warm: events that begin a piece and are not counted: others had the processor before.
        warming: seconds after which a piece is warm, however few they were.
        events: events of a piece that are counted.
        budget: seconds after which a piece begins no further event: a slow contender has fewer.
        lists: lists that are read in a piece.
        saves: rows that are saved in a piece.
        idle: connections whose memory is measured.
    """

    few: int = 100
    many: int = 500
    rounds: int = 5
    pieces: int = 6
    warm: int = 30
    warming: float = 0.2
    events: int = 6
    budget: float = 0.5
    lists: int = 5
    saves: int = 50
    idle: int = 800


FULL = Effort()
QUICK = Effort(rounds=3, pieces=4, idle=400)
LEAST = Effort(few=2, many=3, rounds=1, pieces=1, warm=1, events=2, lists=1, saves=2, idle=10)
"""What a test of the harness needs."""
