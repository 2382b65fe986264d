"""A contender: which server runs, and in which environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = "dcrf_graph"


@dataclass(frozen=True, eq=False)
class Contender:
    """
    One row of a measurement.

    Args:
        name: as the report says it.
        app: the module that `benchmarks.serve` runs.
        peer: the environment, `.venv-bench-<peer>`; empty is this library's, plain Django's and
            the limits'.
        environment: what its settings read.
    """

    name: str
    app: str
    peer: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter of its environment; the harness's tests name another for ours."""
        if not self.peer and (own := os.environ.get("BENCH_PYTHON")):
            return Path(own)
        return ROOT / f".venv-bench-{self.peer or OURS}" / "bin" / "python"
