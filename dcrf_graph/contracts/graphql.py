"""The GraphQL contracts: the schema as SDL and as introspection JSON, and what breaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    introspection_from_schema,
    is_specified_scalar_type,
    print_schema,
)

BUILT_IN: dict[str, Any] = {
    "deprecated": {
        "name": "deprecated",
        "description": "Marks an element as no longer supported.",
        "isRepeatable": False,
        "locations": [
            "FIELD_DEFINITION",
            "ARGUMENT_DEFINITION",
            "INPUT_FIELD_DEFINITION",
            "ENUM_VALUE",
        ],
        "args": [
            {
                "name": "reason",
                "description": "Why, and what to use instead.",
                "type": {"kind": "SCALAR", "name": "String", "ofType": None},
                "defaultValue": '"No longer supported"',
            }
        ],
    }
}
"""Directives whose definition differs between the supported versions of graphql-core."""


class Severity(Enum):
    """What a change means for clients that exist."""

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    SAFE = "safe"


@dataclass(frozen=True)
class SchemaChange:
    """One difference between two schemas, in words."""

    severity: Severity
    description: str


def sdl(text: str) -> str:
    """The schema's own text, as a file: one newline at the end."""
    return text.rstrip("\n") + "\n"


def introspection(schema: GraphQLSchema) -> str:
    """
    The schema as code generators read it: the result of the introspection query.

    The introspection types and the built-in directives are GraphQL's, not the
    schema's, and differ between versions of graphql-core; the types are left
    out, and of the directives those are kept, in one form, that operations and
    definitions use.
    """
    found: Any = introspection_from_schema(schema)
    described = found["__schema"]
    described["types"] = [each for each in described["types"] if not each["name"].startswith("__")]
    described["directives"] = [
        BUILT_IN.get(each["name"], each)
        for each in described["directives"]
        if each["name"] not in ("oneOf", "defer", "stream")
    ]
    return json.dumps({"data": found}, indent=2, sort_keys=True) + "\n"


def changes(published: str, schema: GraphQLSchema) -> list[SchemaChange]:
    """
    What clients of a published schema would notice of this one, the worst first.

    Args:
        published: SDL text.

    Raises:
        GraphQLError: if the text is no schema.
    """
    before = built(published)
    found = [
        SchemaChange(severity, change.description)
        for severity, compare in (
            (Severity.BREAKING, find_breaking_changes),
            (Severity.DANGEROUS, find_dangerous_changes),
        )
        for change in compare(before, schema)
    ]
    said = [set(re.findall(r"\w+", change.description)) for change in found]
    for place, text in additions(before, schema):
        # What is worse than safe has been said, in words that differ between versions.
        if not any(words.issuperset(place.split(".")) for words in said):
            found.append(SchemaChange(Severity.SAFE, text))
    if not found and print_schema(before) != print_schema(schema):
        found.append(SchemaChange(Severity.SAFE, "Something is in another order."))
    return found


def additions(before: GraphQLSchema, after: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """What was added, promises more, or is described anew: each place, and a sentence."""
    known = dict(places(before))
    for place, member in places(after):
        if place not in known:
            if place.rpartition(".")[0] in ("", *known):
                yield place, f"{place} was added."
            continue
        old = known[place]
        if member.type != old.type:
            yield place, f"{place} changed type from {old.type} to {member.type}."
        if member.deprecated != old.deprecated:
            yield (
                place,
                f"{place} is {'no longer ' if member.deprecated is None else ''}deprecated.",
            )
        if member.description != old.description:
            yield place, f"{place} is described anew."


@dataclass(frozen=True)
class Member:
    """What a schema says of a type, a field or a value."""

    description: str | None
    type: str | None = None
    deprecated: str | None = None


def places(schema: GraphQLSchema) -> Iterator[tuple[str, Member]]:
    """Every type, field, argument and value of a schema, as ``Card.title``."""
    for name, type_ in sorted(schema.type_map.items()):
        if name.startswith("__") or is_specified_scalar_type(type_):
            continue
        yield name, Member(type_.description)
        for key, field in getattr(type_, "fields", {}).items():
            yield (
                f"{name}.{key}",
                Member(field.description, str(field.type), field.deprecation_reason),
            )
            for argument, each in getattr(field, "args", {}).items():
                yield f"{name}.{key}.{argument}", Member(each.description, str(each.type))
        for key, value in getattr(type_, "values", {}).items():
            yield f"{name}.{key}", Member(value.description, None, value.deprecation_reason)


def built(text: str) -> GraphQLSchema:
    """The schema of a text.

    Raises:
        GraphQLError: if it is none, e.g. because it names a type that it does not define.
    """
    try:
        # A subgraph's text uses directives that the specification defines, not the text.
        return build_schema(text, assume_valid_sdl=True)
    except (TypeError, ValueError) as error:
        # What is assumed to be valid, graphql-core finds out by its own types.
        raise GraphQLError(str(error)) from error
