"""A contender: which server runs, in which environment, and how clients speak to it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.wires import Wire

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, eq=False)
class Contender:
    """
    One column of a measurement.

    Args:
        name: as the report says it.
        app: the module that `benchmarks.serve` runs.
        wire: how a client subscribes, and reads an event.
        peer: the environment, `.venv-bench-<peer>`; empty is the project's own.
        environment: what the settings read.
    """

    name: str
    app: str
    wire: Wire
    peer: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        if not self.peer:
            return Path(sys.executable)
        return ROOT / f".venv-bench-{self.peer}" / "bin" / "python"
