"""
How often a test repeats itself: a part of the count in every run, all of it in `make soak`.

    FRAMES = Count("frames of a native client", full=100_000, part=200)

    @FRAMES.mark
    @FRAMES.settings  # of hypothesis: so many examples
    @given(st.text())
    def test_any_frame_is_answered(text): ...

A test without hypothesis repeats itself `FRAMES.now` times. The mark has `make soak` choose the
test, and the end of the run print how many of how many it was. A `part` of 0 leaves the test to
`make soak`. A state machine: `TestIt = FRAMES.mark(It.TestCase)` and
`TestIt.settings = FRAMES.settings`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings

SOAKING = os.environ.get("SOAK") == "1"


def soak_fraction(full: int, part: int) -> int:
    """How many times, now: `full` with SOAK=1, else `part`."""
    return full if SOAKING else part


@dataclass(frozen=True)
class Count:
    """So many of `what`: `full` in `make soak`, `part` in any other run."""

    what: str
    full: int
    part: int

    @property
    def now(self) -> int:
        """The count of this run."""
        return soak_fraction(self.full, self.part)

    @property
    def mark(self) -> pytest.MarkDecorator:
        """Chosen by `make soak`, and printed."""
        return pytest.mark.soak(self)

    @property
    def settings(self) -> settings:
        """Hypothesis tries `now` examples, and is never failed by the speed of the machine."""
        return settings(
            max_examples=max(self.now, 1),
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
