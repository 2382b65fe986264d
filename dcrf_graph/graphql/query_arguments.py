"""
Arguments that natively are entries of ``"query": {...}``, as text, and how they are written there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class QueryArgument:
    """An argument that natively is one or more entries of ``query``.

    ``parameter`` is the entry's key; None for ``filter``, whose fields are the
    entries, and for what only a connection understands. ``commas``: the
    entries whose lists are one text, joined by commas.
    """

    name: str
    type: str
    description: str
    parameter: str | None
    commas: frozenset[str] = frozenset()


def query_text(value: Any) -> str:
    """A value as a URL's query would say it: ``True`` -> ``true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def query_of(arguments: Iterable[QueryArgument], values: Mapping[str, Any]) -> dict[str, Any]:
    """The native ``query`` of a list's GraphQL arguments; nulls are left out."""
    entries: dict[str, Any] = {}
    for argument in arguments:
        value = values.get(argument.name)
        if argument.parameter is not None:
            given: Mapping[str, Any] = {argument.parameter: value}
        else:
            given = value if isinstance(value, Mapping) else {}
        for key, item in given.items():
            if item is not None:
                entries[key] = in_query(item, key in argument.commas)
    return entries


def in_query(value: Any, comma: bool) -> Any:
    if not isinstance(value, list):
        return query_text(value)
    texts = [query_text(item) for item in value]
    return ",".join(texts) if comma else texts
