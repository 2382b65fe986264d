"""One module for each thing that is measured; each says what it found in an `Outcome`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from benchmarks.effort import Effort
from benchmarks.outcome import Outcome
from benchmarks.scenarios import distinct, fanout, frames, instance, lists, memory, processes, saves

Scenario = Callable[[Effort, bool], Awaitable[Outcome]]
"""Measures, with so much effort, and with the peers or without."""

SCENARIOS: dict[str, Scenario] = {
    "fanout": fanout.run,
    "instance": instance.run,
    "distinct": distinct.run,
    "lists": lists.run,
    "saves": saves.run,
    "redis": processes.run,
    "frames": frames.run,
    "memory": memory.run,
}
