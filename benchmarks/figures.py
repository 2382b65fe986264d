"""What was measured: one figure over several rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, log10
from statistics import median, quantiles


@dataclass
class Figure:
    """The same quantity in each round; ``unit`` is e.g. ``"us"``."""

    unit: str = "µs"
    rounds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.rounds)

    @property
    def least(self) -> float:
        return min(self.rounds)

    @property
    def most(self) -> float:
        return max(self.rounds)

    def over(self, other: Figure) -> Figure:
        """This as a multiple of another, round by round: what disturbs a round disturbs both."""
        return Figure("×", [a / b for a, b in zip(self.rounds, other.rounds, strict=True)])

    def __str__(self) -> str:
        return f"{short(self.median)} {self.unit} ({short(self.least)} to {short(self.most)})"


def short(value: float) -> str:
    """Three digits that mean something: 0.0123, 1.75, 2,590."""
    if not value:
        return "0"
    places = max(0, 2 - floor(log10(abs(value))))
    return f"{round(value, places if abs(value) < 100 else 0):,.{places}f}"


def lower_quartile(values: Sequence[float]) -> float:
    """What the same work costs while nothing disturbs it: that makes it dearer, never cheaper."""
    return quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]
