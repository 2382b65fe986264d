"""
Lists by cursor as Relay's connections: ``edges``, ``pageInfo``, ``first`` and ``after``.

The native call is DRF's: one cursor and, where the paginator lets clients
choose, a page size. A cursor of a connection holds both of DRF's, the one after
its row and the one before it. Where clients cannot choose the size natively,
the edges beyond ``first`` are left out of what was answered.

Source: https://relay.dev/graphql/connections.htm and
docs/decisions/0008-connections-over-drfs-cursors.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcrf_graph.graphql.definitions import FieldDefinition, TypeDefinition
from dcrf_graph.graphql.naming import camel
from dcrf_graph.graphql.query_arguments import QueryArgument
from dcrf_graph.graphql.types import RENAME, Types

BETWEEN = "."
"""Between the two of DRF's cursors in a connection's; base64 has no such character."""
FROM_THE_END = "cj0x"
"""DRF's cursor for the page before the end: ``r=1`` in base64."""
PAIRS = (("first", "last"), ("after", "before"), ("first", "before"), ("last", "after"))
PAGE_INFO = TypeDefinition(
    "type",
    "PageInfo",
    (
        FieldDefinition(camel("has_next_page"), "Boolean!", "has_next_page"),
        FieldDefinition(camel("has_previous_page"), "Boolean!", "has_previous_page"),
        FieldDefinition(camel("start_cursor"), "String", "start_cursor", "Of the first edge."),
        FieldDefinition(camel("end_cursor"), "String", "end_cursor", "Of the last edge."),
    ),
    "Where a page stands in its list.",
)


# -- in the schema ---------------------------------------------------------------------------------


def connection_arguments(paginator: Any) -> Iterator[QueryArgument]:
    """``first`` and ``after``, ``last`` and ``before``; natively a size and a cursor."""
    size, where = paginator.page_size_query_param, paginator.cursor_query_param
    yield QueryArgument("first", "Int", "How many to give at most, from the start.", size)
    yield QueryArgument("after", "String", "The cursor to go on after.", where)
    yield QueryArgument("last", "Int", "How many to give at most, from the end.", None)
    yield QueryArgument("before", "String", "The cursor to go back from.", None)


def connection_type(types: Types, item: str) -> str:
    """``CardConnection``, with ``CardEdge`` and ``PageInfo``."""
    name, edge = f"{item}Connection", f"{item}Edge"
    node = "JSON" if item == "JSON" else f"{item}!"
    define(types, PAGE_INFO)
    define(
        types,
        TypeDefinition(
            "type",
            edge,
            (
                FieldDefinition("cursor", "String!", "cursor", "For `after` and `before`."),
                FieldDefinition("node", node, "node"),
            ),
            "One of a list, and where it stands.",
        ),
    )
    define(
        types,
        TypeDefinition(
            "type",
            name,
            (
                FieldDefinition("edges", f"[{edge}!]!", "edges"),
                FieldDefinition(camel("page_info"), "PageInfo!", "page_info"),
            ),
            "A part of a list, by cursor.",
        ),
    )
    return name


def define(types: Types, definition: TypeDefinition) -> None:
    name = definition.name
    if types.definitions.reserve(name, ("connection", name), f"the connections' {name}", RENAME):
        types.definitions.add(definition)


# -- to the native call -------------------------------------------------------------------------


def wrong_arguments(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the arguments of a connection, by argument; empty if nothing is."""
    given = {name for name, value in values.items() if value is not None}
    for one, other in PAIRS:
        if {one, other} <= given:
            return {other: [f"This cannot be given together with `{one}`."]}
    return {
        name: ["Ensure this value is greater than or equal to 1."]
        for name in ("first", "last")
        if name in given and values[name] < 1
    }


def cursor_query(paginator: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of the native ``query`` that ask for this part of a connection."""
    query: dict[str, Any] = {}
    after, before = values.get("after"), values.get("before")
    size = values.get("first") or values.get("last")
    if size and paginator.page_size_query_param:
        query[paginator.page_size_query_param] = str(size)
    if after is not None:
        query[paginator.cursor_query_param] = after.split(BETWEEN)[0]
    elif before is not None:
        query[paginator.cursor_query_param] = before.split(BETWEEN)[-1]
    elif values.get("last"):
        query[paginator.cursor_query_param] = FROM_THE_END
    return query


# -- from the native reply ------------------------------------------------------------------------


def connection(data: Any, cursors: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """A native page as a connection.

    Args:
        data: DRF's ``{"next", "previous", "results"}``; a list where the paginator made no pages.
        cursors: those of the rows, after and before each.
        values: the arguments that were given.
    """
    whole = isinstance(data, list)
    rows = data if whole else data["results"]
    # An action of the application may have changed the rows; then no cursor belongs to any.
    known = cursors if cursors is not None and len(cursors) == len(rows) else [("", "")] * len(rows)
    edges = [
        {"cursor": BETWEEN.join(pair) if any(pair) else "", "node": row}
        for pair, row in zip(known, rows, strict=True)
    ]
    first, last = values.get("first"), values.get("last")
    more = {
        "next": not whole and data["next"] is not None,
        "previous": not whole and data["previous"] is not None,
    }
    if first and len(edges) > first:
        edges, more["next"] = edges[:first], True
    if last and len(edges) > last:
        edges, more["previous"] = edges[-last:], True
    return {
        "edges": edges,
        "page_info": {
            "has_next_page": more["next"],
            "has_previous_page": more["previous"],
            "start_cursor": edges[0]["cursor"] if edges else None,
            "end_cursor": edges[-1]["cursor"] if edges else None,
        },
    }
