"""
The operations: what clients can ask for, as data.

One list for the schema, the parity suite and the contracts: each action of each
registered consumer becomes at most one operation of each kind, with its name,
arguments and result. Nothing is executed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from dcrf_graph.configured import configured
from dcrf_graph.graphql.query_arguments import QueryArgument, query_of
from dcrf_graph.graphql.relay import cursor_query

Kind: TypeAlias = Literal["query", "mutation", "subscription"]
Shape: TypeAlias = Literal[
    "object",
    "list",
    "page",
    "connection",
    "key",
    "event",
    "live",
    "signal",
    "pages",
    "replies",
    "json",
]


class Registered(Protocol):
    """What the router knows of a consumer."""

    @property
    def prefix(self) -> str: ...
    @property
    def consumer(self) -> Any: ...
    @property
    def singular(self) -> str: ...


@dataclass(frozen=True)
class OperationArgument:
    """An argument of an operation: ``id: ID!`` is natively ``pk``.

    ``key`` is the native argument's name; for an entry of the native ``query``
    it is None and ``query`` says which. ``skip_null``: null is as good as left out.
    ``inside``: it is this entry of the native argument, which is an object.
    """

    name: str
    type: str
    key: str | None
    description: str = ""
    default: str | None = None
    query: QueryArgument | None = None
    skip_null: bool = False
    inside: str | None = None


@dataclass(frozen=True)
class Operation:
    """One root field, and the native call that it stands for.

    ``result`` is SDL text. ``shape`` says what the native data is: an
    ``object``, a ``list``, a ``page``, a page that becomes a ``connection``,
    nothing but the ``key`` (of a delete), an ``event`` of a model, a ``live`` list, the data of
    a ``signal``, ``pages`` or other ``replies`` as they come, or any ``json``.
    ``data`` is the name of the type inside: of the object, the items, or the
    event's data. ``lookup`` is the argument that is the object's key.
    """

    stream: str
    action: str
    kind: Kind
    name: str
    arguments: tuple[OperationArgument, ...]
    result: str
    shape: Shape
    data: str = "JSON"
    description: str = ""
    deprecated: str | None = None
    lookup: str | None = None
    consumer: Any = field(default=None, compare=False)

    def native_arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a native client would send for these GraphQL arguments.

        What was left out stays out: unset is not null.
        """
        native: dict[str, Any] = {}
        entries: dict[str, dict[str, Any]] = {}
        for argument in self.arguments:
            if argument.key is None or argument.name not in values:
                continue
            value = values[argument.name]
            if value is None and argument.skip_null:
                continue
            if argument.inside is None:
                native[argument.key] = value
            else:
                entries.setdefault(argument.key, {})[argument.inside] = value
        query = query_of(self.query_arguments(), values)
        if self.shape == "connection":
            query.update(cursor_query(configured(self.consumer, "pagination_class"), values))
        if query:
            entries["query"] = query
        for key, inside in entries.items():
            given = native.get(key)
            native[key] = {**given, **inside} if isinstance(given, Mapping) else inside
        return native

    def query_arguments(self) -> Iterator[QueryArgument]:
        return (argument.query for argument in self.arguments if argument.query is not None)


def duplicates(operations: Iterable[Operation]) -> Iterator[tuple[Operation, Operation]]:
    """Pairs of operations that want one root field."""
    seen: dict[tuple[str, str], Operation] = {}
    for operation in operations:
        place = (operation.kind, operation.name)
        if place in seen:
            yield seen[place], operation
        else:
            seen[place] = operation
