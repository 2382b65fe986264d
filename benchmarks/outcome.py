"""What a scenario found: lines that have a bound, and a table of everything measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.contenders import Contender
from benchmarks.figures import Figure


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


@dataclass
class Outcome:
    """
    One section of the report.

    Args:
        rows: what was measured, by the contender's name and by column.
        contenders: who took part.
        failures: the peers that could not be measured, and why.
    """

    title: str
    text: str
    rows: dict[str, dict[str, Figure]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    contenders: list[Contender] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
