"""
What a scenario is: a sentence, a coroutine that plays it on a stage, and what may differ.

Knows no Django and neither of the two libraries, so that the names can be listed without them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from tests.comparison.stage import Stage

Play: TypeAlias = "Callable[[Stage], Awaitable[None]]"
Recording: TypeAlias = list[Any]


@dataclass(frozen=True)
class Scenario:
    """One story told to both libraries; `ours` is our recording where `differs` is set."""

    name: str
    play: Play
    differs: str | None
    ours: Recording | None
    settings: str


SCENARIOS: dict[str, Scenario] = {}
"""Every scenario by its sentence, in the order of the files."""


def scenario(
    name: str,
    *,
    differs: str | None = None,
    ours: Recording | None = None,
    settings: str = "plain",
) -> Callable[[Play], Play]:
    """
    Register the decorated coroutine under a sentence.

    Args:
        differs: a row of docs/differences.md, e.g. ``"D03"``; then the recordings must differ.
        ours: what this library records then, e.g. ``[reply("list", data=[])]``.
        settings: which settings of tests/comparison/configuration.py the process has.
    """
    if (differs is None) != (ours is None):
        raise ValueError(f"{name}: differs and ours belong together")

    def register(play: Play) -> Play:
        if name in SCENARIOS:
            raise ValueError(f"two scenarios are called {name!r}")
        SCENARIOS[name] = Scenario(name, play, differs, ours, settings)
        return play

    return register


def reply(
    action: str | None,
    data: Any = None,
    status: int = 200,
    *,
    errors: list[Any] | None = None,
    request_id: Any = 1,
) -> dict[str, Any]:
    """The frame both libraries answer with, for the expectations of a declared difference."""
    return {
        "errors": errors or [],
        "data": data,
        "action": action,
        "response_status": status,
        "request_id": request_id,
    }
