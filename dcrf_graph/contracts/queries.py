"""
The ``query`` of a list: what its filter backends read, as JSON Schema.

The entries are those of the GraphQL arguments ``filter``, ``search`` and
``ordering``, under their native names. The server reads each as the text of a
query string, so numbers may come as numbers or as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dcrf_graph.configured import configured
from dcrf_graph.contracts.keywords import Schema, closed, described
from dcrf_graph.graphql.definitions import EnumDefinition, TypeDefinition
from dcrf_graph.graphql.operations import OperationArgument
from dcrf_graph.graphql.registered import RegisteredConsumer
from dcrf_graph.graphql.types import Types

ENTRIES: dict[str, Schema] = {
    "Boolean": {"enum": [True, False, "true", "false"]},
    "Int": {"type": ["integer", "string"]},
    "BigInt": {"type": ["integer", "string"]},
    "Float": {"type": ["number", "string"]},
    "Decimal": {"type": ["number", "string"]},
    "ID": {"type": ["integer", "string"]},
}
"""A GraphQL type and the schema of the native entry; any other is text."""

ANY_ENTRY: Schema = {"type": ["string", "number", "boolean", "array"]}


def query_schema(
    registered: RegisteredConsumer, arguments: Iterable[OperationArgument]
) -> Schema | None:
    """The schema of ``query``; None where no backend reads one.

    An app's own backends are not known from outside: where there is one, any
    entry may be sent.
    """
    properties: dict[str, Schema] = {}
    for argument in arguments:
        if argument.query is not None:
            properties.update(entries_of(registered.types, argument))
    backends = configured(registered.consumer, "filter_backends") or ()
    unknown = [each for each in backends if not each.__module__.startswith(KNOWN)]
    if not properties and not unknown:
        return None
    found = closed(properties, (), "What the list is narrowed to and sorted by.")
    return {**found, "additionalProperties": ANY_ENTRY} if unknown else found


KNOWN = ("rest_framework.", "django_filters.")


def entries_of(types: Types, argument: OperationArgument) -> Iterator[tuple[str, Schema]]:
    """The native entries of one GraphQL argument of a list."""
    query = argument.query
    assert query is not None
    if query.parameter is not None:
        commas = query.parameter in query.commas
        yield query.parameter, entry(types, query.type, query.description, commas=commas)
        return
    definition = types.definitions.get(query.type)
    if isinstance(definition, TypeDefinition):
        for field in definition.fields:
            commas = field.key in query.commas
            yield field.key, entry(types, field.type, field.description, commas=commas)


def entry(types: Types, text: str, description: str, *, commas: bool) -> Schema:
    """One entry by its GraphQL type; ``[CardOrdering!]`` is one text, joined by commas."""
    name = text.strip("[]!")
    definition: Any = types.definitions.get(name)
    one: Schema = dict(ENTRIES.get(name, {"type": "string"}))
    if isinstance(definition, EnumDefinition):
        one = {"enum": [value.value for value in definition.values]}
    if commas:
        choices = ": " + ", ".join(map(str, one["enum"])) if "enum" in one else ""
        many = f"Several are joined by commas{choices}."
        return {"type": "string", "description": f"{description} {many}".strip()}
    if text.startswith("["):
        one = {"anyOf": [one, {"type": "array", "items": one}]}
    return described(one, description)
