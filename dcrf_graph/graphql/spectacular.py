"""
What an application has already told drf-spectacular, read for GraphQL.

``extend_schema_field`` says the type of a field, ``extend_schema_serializer``
a type's name and its deprecated fields. Reads what the decorators leave on
classes, methods and fields; drf-spectacular itself need not be installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

if TYPE_CHECKING:
    from dcrf_graph.graphql.annotations import Annotated

MARK = "_spectacular_annotation"

OPEN_API_TYPES = {
    "NUMBER": "Float",
    "FLOAT": "Float",
    "DOUBLE": "Float",
    "INT": "Int",
    "INT32": "Int",
    "INT64": "BigInt",
    "UINT16": "Int",
    "UINT32": "BigInt",
    "UINT64": "BigInt",
    "BOOL": "Boolean",
    "UUID": "UUID",
    "DECIMAL": "Decimal",
    "DATETIME": "DateTime",
    "DATE": "Date",
    "TIME": "Time",
    "DURATION": "Duration",
    "OBJECT": "JSON",
    "ANY": "JSON",
    "NONE": "JSON",
}
"""Members of OpenApiTypes that are no plain text."""

FORMATS = {
    ("integer", "int64"): "BigInt",
    ("string", "uuid"): "UUID",
    ("string", "date-time"): "DateTime",
    ("string", "date"): "Date",
    ("string", "time"): "Time",
    ("string", "decimal"): "Decimal",
    ("number", "decimal"): "Decimal",
}
SCHEMA_TYPES = {"integer": "Int", "number": "Float", "boolean": "Boolean", "string": "String"}


def told(place: Any, key: str) -> Any:
    """What a decorator left on a class, function or field; None where nothing."""
    found = getattr(place, MARK, None)
    return found.get(key) if isinstance(found, Mapping) else None


def told_field(field: Any) -> Any:
    """What ``extend_schema_field`` was told of a field, by itself, its method or its class."""
    method = None
    if isinstance(field, serializers.SerializerMethodField):
        method = getattr(type(field.parent), str(field.method_name), None)
    for place in (vars(field), method, type(field)):
        mark = place.get(MARK) if isinstance(place, Mapping) else getattr(place, MARK, None)
        if isinstance(mark, Mapping) and mark.get("field") is not None:
            return mark["field"]
    return None


def told_type(given: Any, annotated: Annotated) -> str | None:
    """The GraphQL type of what is no field, serializer or Python annotation; None for those.

    Nothing here promises a value, so it is nullable.
    """
    if type(given).__name__ == "OpenApiTypes":
        return OPEN_API_TYPES.get(given.name, "String")
    if isinstance(given, Mapping):
        return schema_type(given)
    many = isinstance(given, serializers.ListSerializer)
    proxy: Any = given.child if many else given
    if type(proxy).__name__ != "PolymorphicProxySerializer":
        return None
    members = proxy.serializers
    values = [str(value) for value in members] if isinstance(members, Mapping) else None
    options = list(members.values() if isinstance(members, Mapping) else members)
    key = proxy.resource_type_field_name if values is not None else None
    place = annotated.breadcrumb
    name = annotated.types.union(proxy.component_name, options, key, place, values)
    return f"[{name}!]" if many else name


def schema_type(schema: Mapping[str, Any]) -> str:
    """The GraphQL type of a JSON Schema, as far as it is a value or a list of them."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), None)
    if kind == "array":
        items = schema.get("items") or {}
        inner = schema_type(items)
        known = inner != "JSON" and not items.get("nullable")
        return f"[{inner}{'!' if known else ''}]"
    return FORMATS.get((str(kind), str(schema.get("format"))), SCHEMA_TYPES.get(str(kind), "JSON"))
