"""What a scenario found: lines that have a bound, and everything that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.turns import Measured


@dataclass(frozen=True)
class Line:
    """A figure that has to be reached."""

    what: str
    at_most: float
    figure: Figure

    @property
    def reached(self) -> bool:
        """Whether the median is within the bound."""
        return self.figure.median <= self.at_most


@dataclass(frozen=True)
class Outcome:
    """One section of the report."""

    title: str
    text: str
    measured: Measured
    lines: Sequence[Line] = ()
