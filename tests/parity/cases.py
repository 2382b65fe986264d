"""
What is asked of every operation: cases by stream and action, made from a few rows and values.

Standard actions are asked about every row of `KEYS`, with every value of `DATA`; other actions are
in `OTHERS`. An action of which nothing is known here gets no case, and `test_completeness` fails.
Arguments are as in a native frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dcrf_graph.graphql.operations import Operation
from tests.parity.world import KEYS, VISITORS

Arguments: TypeAlias = Mapping[str, Any]
Example: TypeAlias = tuple[str, Arguments] | tuple[str, Arguments, tuple[str, ...]]

WRITERS = ("stranger", "member")

NO_ROW = {"unknown": 999, "no key": "none", "empty key": ""}

DATA: dict[str, dict[str, Arguments]] = {
    "boards": {
        "name": {"name": "Plans"},
        "everything": {"name": "Plans", "public": True, "member_ids": [2, 3]},
        "nobody": {"name": "Plans", "member_ids": []},
        "blank name": {"name": ""},
        "long name": {"name": "x" * 81},
        "unknown member": {"name": "Plans", "member_ids": [999]},
    },
    "columns": {
        "public board": {"board": 1, "title": "Later", "position": 5},
        "private board": {"board": 2, "title": "Later"},
        "unknown board": {"board": 999, "title": "Later"},
        "negative position": {"board": 1, "title": "Later", "position": -1},
        "blank title": {"board": 1, "title": " "},
    },
    "labels": {
        "name": {"name": "Garden"},
        "colour": {"name": "Garden", "colour": "amber"},
        "name that is taken": {"name": "Paper"},
        "long name": {"name": "x" * 41},
    },
    "cards": {
        "public column": {"column": 11, "title": "Mow the lawn"},
        "private column": {"column": 22, "title": "Mow the lawn", "status": "blocked"},
        "everything": {
            "column": 12,
            "title": "Mow the lawn",
            "description": "All of it",
            "status": "at-risk",
            "estimate": "2.5",
            "due": "2026-09-01",
            "label_ids": [2, 3],
            "assignee_id": 3,
        },
        "nulls": {
            "column": 11,
            "title": "Mow",
            "estimate": None,
            "due": None,
            "assignee_id": None,
        },
        "no labels": {"column": 11, "title": "Mow", "label_ids": []},
        "unknown column": {"column": 999, "title": "Mow"},
        "unknown label and assignee": {
            "column": 11,
            "title": "Mow",
            "label_ids": [1, 999],
            "assignee_id": 999,
        },
        "estimate with too many digits": {"column": 11, "title": "Mow", "estimate": "123456.78"},
        "blank title": {"column": 11, "title": ""},
        "null for a title": {"column": 11, "title": None},
    },
    "comments": {
        "public card": {"card": 101, "text": "Yes, please."},
        "private card": {"card": 201, "text": "Yes, please."},
        "unknown card": {"card": 999, "text": "Yes, please."},
        "blank text": {"card": 101, "text": ""},
        "long text": {"card": 101, "text": "x" * 2001},
    },
}
"""By stream, what is written; the first value is one that is fine."""

LISTS: dict[str, dict[str, Arguments]] = {
    "columns": {"of a board": {"query": {"board": "1"}}, "unknown": {"query": {"board": "999"}}},
    "comments": {"of a card": {"query": {"card": "101"}}, "unknown": {"query": {"card": "9"}}},
    "chat": {"of a board": {"query": {"board": "2"}}, "no key": {"query": {"board": "x"}}},
    "cards": {
        "page": {"limit": 2, "offset": 1},
        "no such page": {"limit": 2, "offset": 77},
        "unusual page": {"limit": 0, "offset": -1},
        "everything": {
            "limit": 3,
            "query": {"board": "1", "status": "at-risk", "ordering": "-title", "search": "Card"},
        },
        "nothing found": {"query": {"search": "elephants"}},
        "unknown column": {"query": {"column": "999"}},
    },
    "stats": {
        "of a board": {"query": {"board": "1"}},
        "no key": {"query": {"board": "x"}},
        "unknown parameter": {"parameters": {"page": 1}},
    },
    "activities": {
        "single rows": {"limit": 1},
        "pairs": {"limit": 2, "offset": 1},
        "of a board": {"query": {"board": "1"}, "limit": 2},
        "unknown board": {"query": {"board": "999"}},
    },
}

OTHERS: dict[tuple[str, str], dict[str, Arguments]] = {
    ("boards", "summary"): {
        **{name: {"pk": key} for name, key in {**KEYS["boards"], **NO_ROW}.items()},
    },
    ("cards", "move"): {
        "to another column": {"pk": 101, "column": 12},
        "to a place": {"pk": 102, "column": 11, "position": 0},
        "to where it is": {"pk": 101, "column": 11, "position": 0},
        "past the end": {"pk": 101, "column": 12, "position": 77},
        "before the beginning": {"pk": 102, "column": 12, "position": -1},
        "on the private board": {"pk": 201, "column": 22},
        "to the private board": {"pk": 101, "column": 21},
        "to an unknown column": {"pk": 101, "column": 999},
        **{name: {"pk": key, "column": 12} for name, key in NO_ROW.items()},
    },
    ("chat", "post"): {
        "public": {"board": 1, "text": "Hello"},
        "private": {"board": 2, "text": "Hello"},
        "unknown": {"board": 999, "text": "Hello"},
        "blank": {"board": 1, "text": ""},
        "long": {"board": 1, "text": "x" * 1001},
    },
    ("chat", "join"): {name: {"board": key} for name, key in [*KEYS["boards"].items(), ("no", 9)]},
    ("cards", "subscribe_list"): {
        "plain": {},
        "what is found": {
            "query": {"board": "1", "status": "at-risk", "ordering": "-title", "search": "Card"},
        },
        "unknown column": {"query": {"column": "999"}},
    },
    ("cards", "subscribe_card_activity"): {
        name: {"board": key} for name, key in [*KEYS["boards"].items(), ("unknown", 999)]
    },
    ("comments", "subscribe_comment_activity"): {
        name: {"card": key} for name, key in [*KEYS["cards"].items(), ("unknown", 999)]
    },
}


@dataclass(frozen=True)
class Case:
    """One thing to ask, and who asks it; only comments have authors."""

    operation: Operation
    title: str
    arguments: Arguments = field(compare=False)
    visitors: tuple[str, ...] = VISITORS

    def __str__(self) -> str:
        return f"{self.operation.stream}.{self.operation.action}, {self.title}"


def cases_of(operation: Operation) -> list[Case]:
    """Every case of an operation; none if nothing is known of it."""
    everybody = VISITORS if operation.stream == "comments" else VISITORS[:-1]
    return [
        Case(operation, title, given, everybody if asked == VISITORS else asked)
        for title, given, *rest in examples(operation)
        for asked in (rest or [VISITORS])
    ]


def examples(operation: Operation) -> Iterator[Example]:
    stream, action = operation.stream, operation.action
    yield from OTHERS.get((stream, action), {}).items()
    match action:
        case "list":
            yield "plain", {}
            yield from LISTS.get(stream, {}).items()
        case "retrieve" | "delete" | "subscribe_instance":
            for place, key in rows(stream):
                yield place, {"pk": key}, askers(place)
        case "create":
            for number, (title, data) in enumerate(DATA.get(stream, {}).items()):
                yield title, {"data": data}, VISITORS if number < 2 else WRITERS
        case "update" | "patch" if stream in DATA:
            yield from changes(stream, action)


def rows(stream: str) -> Iterable[tuple[str, Any]]:
    """The rows of a stream, and those that it does not have; nothing for an unknown stream."""
    return {**KEYS[stream], **NO_ROW}.items() if stream in KEYS else ()


def askers(place: str) -> tuple[str, ...]:
    """Everybody asks about the rows that there are; two about others."""
    return WRITERS if place in NO_ROW else VISITORS


def changes(stream: str, action: str) -> Iterator[Example]:
    """The first data for every row; all data for the first row; for a patch, every field alone.

    Who may change a row is asked by everybody, what may be written by two.
    """
    values = DATA[stream]
    fine = next(iter(values.values()))
    for place, key in rows(stream):
        yield f"{place}: fine", {"pk": key, "data": fine}, askers(place)
    place, key = next(iter(rows(stream)))
    for title, data in list(values.items())[1:]:
        yield f"{place}: {title}", {"pk": key, "data": data}, WRITERS
    if action == "patch":
        yield f"{place}: nothing", {"pk": key, "data": {}}, WRITERS
        for name, value in fields_of(values.values()):
            yield (
                f"{place}: only {name}={value!r:.20}",
                {"pk": key, "data": {name: value}},
                ("author",),
            )


def fields_of(values: Iterable[Arguments]) -> Iterator[tuple[str, Any]]:
    """Every field with every value that it has in the data."""
    seen = []
    for data in values:
        for item in data.items():
            if item not in seen:
                seen.append(item)
                yield item
