"""
What could not be derived, as data: for Django's system checks and for whoever asks.

Deriving a schema never guesses silently. Where it knows no type, or leaves an
action out, it reports a ``Problem``; where it cannot go on, it raises a
``DerivationError`` that carries one. An explicit ``Any`` is an answer, and no
problem. Knows nothing of Django's check framework.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dcrf_graph.exceptions import ConfigurationError

Level: TypeAlias = Literal["error", "warning", "info"]

KINDS: dict[str, str] = {
    # What stops the schema.
    "E001": "Two things want one GraphQL name.",
    "E002": "A name is not legal in GraphQL.",
    "E003": "The fields of a serializer cannot be read without a request.",
    "E004": "subscribes= names no observer of the consumer.",
    "E005": "The router's own SDL or bindables do not fit the schema.",
    "E006": "The members of a union cannot be told apart.",
    # What makes the schema poorer than the code.
    "W001": "A method field has no return annotation: its type is JSON.",
    "W002": "A field class has no type in the table: its type is JSON.",
    "W003": "Nothing says the type of a read-only field's source: its type is JSON.",
    "W004": "A parameter of an action is not annotated: its type is JSON, and nothing checks it.",
    "W005": "Nothing says what an action answers: its type is JSON.",
    "W006": "It is not clear what a subscribing action subscribes: GraphQL does not have it.",
    "W007": "No action subscribes an observer: GraphQL does not have it.",
    "W008": "An observer has no serializer: the data of its events is JSON.",
    "W009": "A consumer has no serializer: its data is JSON.",
    "W010": "An annotation has no GraphQL type: it is JSON.",
    "W011": "A serializer writes itself, in a shape that nothing says.",
    "W012": "A paginator makes pages of a shape that nothing says: they are JSON.",
    "W013": "A link leads to no query of a registered consumer: it is JSON.",
    "W014": "A polymorphic serializer reads by one that has no fields: as an input it is JSON.",
    # What may be meant so.
    "I001": "A view has no serializer: its data is JSON.",
    "I002": "The serializer depends on the client: the schema has the declared one.",
    "I003": "An attribute is a property that wants a client: the schema does not have it.",
}
"""Every kind of problem of derivation, by the id that follows ``dcrf_graph.``.

Numbers from 100 on belong to the checks of the installation.
"""

LEVELS: dict[str, Level] = {"E": "error", "W": "warning", "I": "info"}


@dataclass(frozen=True)
class Problem:
    """One place that cannot be derived.

    ``breadcrumb`` leads there: ``CardConsumer > CardSerializer > word_count``.
    ``cause``, ``consequence`` and ``remedy`` are sentences.
    """

    id: str
    breadcrumb: str
    cause: str
    consequence: str
    remedy: str
    level: Level

    def __str__(self) -> str:
        parts = (self.cause, self.consequence, self.remedy)
        return f"{self.breadcrumb}: {' '.join(part for part in parts if part)}"


def problem(kind: str, breadcrumb: str, cause: str, consequence: str, remedy: str) -> Problem:
    """A problem of a known kind, e.g. ``"W001"``."""
    assert kind in KINDS, kind
    return Problem(f"dcrf_graph.{kind}", breadcrumb, cause, consequence, remedy, LEVELS[kind[0]])


class DerivationError(ConfigurationError):
    """A problem without whose remedy there is no schema."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def refuse(kind: str, breadcrumb: str, cause: str, remedy: str) -> DerivationError:
    """The error to raise for a problem that stops the schema."""
    return DerivationError(problem(kind, breadcrumb, cause, "", remedy))


class Problems:
    """The problems of one schema, each once, in the order of the places."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Problem] = {}

    def report(self, kind: str, breadcrumb: str, cause: str, consequence: str, remedy: str) -> None:
        """Note a problem; one of this kind at this place is noted already, or is now."""
        found = problem(kind, breadcrumb, cause, consequence, remedy)
        self._found.setdefault((found.id, found.breadcrumb), found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found.values())
