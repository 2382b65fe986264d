"""
The few forms of JSON Schema that the contracts are written in.

Only keywords that mean the same in draft 7, which AsyncAPI's schemas extend, and
in 2020-12. Knows nothing of what is described.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

SUCCESS: Schema = {"type": "integer", "minimum": 200, "maximum": 299}
REFUSAL: Schema = {"type": "integer", "minimum": 400, "maximum": 599}

NARROWING = ("enum", "const", "anyOf", "allOf", "oneOf", "not")
"""Keywords that a null has to fit too, whatever its type."""


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if not schema:
        return schema
    kind = schema.get("type")
    if "enum" in schema and kind is None:
        return {**schema, "enum": [*schema["enum"], *([] if None in schema["enum"] else [None])]}
    if kind is None or not schema.keys().isdisjoint(NARROWING):
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = [kind] if isinstance(kind, str) else list(kind)
    return {**schema, "type": kinds if "null" in kinds else [*kinds, "null"]}


def described(schema: Schema, text: str) -> Schema:
    """The same with a description, which draft 7 does not read beside a reference."""
    if not text:
        return schema
    return {**({"allOf": [schema]} if "$ref" in schema else schema), "description": text}


def one_of(values: Iterable[Any]) -> Schema:
    """Raw choices; an enum's members by their values."""
    return {"enum": list(dict.fromkeys(getattr(value, "value", value) for value in values))}


def any_of(schemas: Iterable[Schema]) -> Schema:
    """What at least one of them allows; the only one as it is."""
    found = list(schemas)
    return found[0] if len(found) == 1 else {"anyOf": found}


def array(items: Schema, **bounds: Any) -> Schema:
    return {"type": "array", "items": items, **given(bounds)}


def closed(properties: Mapping[str, Schema], required: Iterable[str], text: str = "") -> Schema:
    """An object of these keys and no other: what clients may send."""
    return {**opened(properties, required, text), "additionalProperties": False}


def opened(properties: Mapping[str, Schema], required: Iterable[str], text: str = "") -> Schema:
    """An object of at least these keys: what a server sends, which may know more tomorrow."""
    found: Schema = {"description": text} if text else {}
    found |= {"type": "object", "properties": dict(properties)}
    names = list(required)
    return {**found, "required": names} if names else found


def given(keywords: Mapping[str, Any]) -> Schema:
    """The keywords that have a value."""
    return {keyword: value for keyword, value in keywords.items() if value is not None}
