"""The problems of an installation, and how Django shows a problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.checks import CheckMessage, Error, Info, Warning

from dcrf_graph.apps import TAG
from dcrf_graph.graphql.problems import LEVELS, Level, Problem

KINDS: dict[str, str] = {
    "E101": "The setting ROUTER names no router.",
    "E102": "The value of a setting cannot be used.",
    "E103": "The channel layer cannot be made.",
    "E104": "Deriving the schema failed.",
    "W101": "No channel layer is configured: processes do not hear each other.",
    "W102": "The channel layer is in memory, and DEBUG is off: workers do not hear each other.",
    "W103": "Permissions ask for the user, and no middleware of Django's finds one.",
    "W104": "A setting does not exist.",
    "W105": "A manager of an observed model does not tell of its bulk writes, and another does.",
    "W106": "An observed model is abstract: it has no rows.",
    "W107": "A child model has the trigger, and its parent has not: writes to that are not heard.",
    "W108": "A list is offered to be followed that cannot be.",
    "I101": "No router is known: no schema is checked.",
    "I102": "Bulk writes of observed models are not heard.",
}
"""Every kind of problem of the installation, by the id that follows ``dcrf_graph.``."""

MESSAGES: dict[Level, type[CheckMessage]] = {"error": Error, "warning": Warning, "info": Info}


def problem(kind: str, breadcrumb: str, cause: str, consequence: str, remedy: str) -> Problem:
    """A problem of the installation, e.g. ``"W101"``."""
    return Problem(f"{TAG}.{kind}", breadcrumb, cause, consequence, remedy, LEVELS[kind[0]])


def message(found: Problem, obj: Any = None) -> CheckMessage:
    """A problem as Django shows it: the remedy is its hint."""
    sentences = " ".join(part for part in (found.cause, found.consequence) if part)
    make: Callable[..., CheckMessage] = MESSAGES[found.level]
    return make(f"{found.breadcrumb}: {sentences}", hint=found.remedy or None, obj=obj, id=found.id)
