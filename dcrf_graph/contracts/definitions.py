"""
The named schemas of one contract, made as they are asked for.

A serializer has the name of its GraphQL type: ``Card``, ``CardInput``,
``CardPatchInput``. Annotations of Python code are read here too, because they may
name serializers.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import types as python_types
import typing
import uuid
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from dcrf_graph.contracts.json_schema import Place, is_always_there, property_of
from dcrf_graph.contracts.keywords import (
    Schema,
    any_of,
    array,
    closed,
    nullable,
    one_of,
    opened,
)
from dcrf_graph.graphql.annotations import LISTS, is_serializer
from dcrf_graph.graphql.enums import text_of
from dcrf_graph.graphql.sources import model_of, source_of
from dcrf_graph.graphql.types import RENAME, SUFFIXES, Direction, Types, cleaned, takes_part

ANNOTATION_SCHEMAS: dict[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    decimal.Decimal: {"type": "string"},
    datetime.datetime: {"type": "string"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.time: {"type": "string"},
    datetime.timedelta: {"type": "string"},
    uuid.UUID: {"type": "string", "format": "uuid"},
}
"""A Python type and the schema of its values; extend it for types of your own."""

MAPPINGS = (dict, Mapping)


class Schemas:
    """
    Named schemas, and references to them.

    Args:
        root: where the document keeps them, e.g. ``"#/$defs/"``.
        types: gives serializers their names and instances.
    """

    def __init__(self, root: str, types: Types) -> None:
        self.root = root
        self.types = types
        self.definitions: dict[str, Schema] = {}

    def ref(self, name: str) -> Schema:
        return {"$ref": self.root + name}

    def define(self, name: str, schema: Schema) -> Schema:
        """Name a schema; returns a reference to it."""
        self.definitions[name] = schema
        return self.ref(name)

    # -- serializers -------------------------------------------------------------------

    def named(
        self,
        serializer: Any,
        direction: Direction,
        breadcrumb: str,
        parent: tuple[str, str] | None = None,
    ) -> Schema:
        """A reference to the schema of a serializer; anything where there is none to describe.

        Raises:
            ConfigurationError: if another serializer has the name, or it cannot be made.
        """
        cls = serializer if isinstance(serializer, type) else type(serializer)
        if not issubclass(cls, serializers.Serializer):
            return {}
        base = self.types.base_name(cls, parent, breadcrumb)
        name = base + SUFFIXES[direction]
        described = f"{cls.__module__}.{cls.__qualname__}"
        if self.types.definitions.reserve(name, (cls, direction), described, RENAME):
            # Reserved before it is made: a serializer may contain itself.
            self.definitions[name] = self.object(cls, base, direction, breadcrumb)
        return self.ref(name)

    def object(self, cls: type, base: str, direction: Direction, breadcrumb: str) -> Schema:
        """The schema of a serializer."""
        place = f"{breadcrumb} > {cls.__name__}"
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for key, field in self.types.serializer(cls, place).fields.items():
            if not takes_part(field, direction):
                continue
            source = source_of(model_of(cls), field)
            site = Place(self, base, key, direction, f"{place} > {key}", source)
            properties[key] = property_of(field, site)
            if direction == "input" and field.required:
                required.append(key)
            if direction == "output" and is_always_there(field, source):
                required.append(key)
        document = cleaned(text_of(vars(cls).get("__doc__")))
        make = opened if direction == "output" else closed
        return make(properties, required, document)

    # -- annotations -------------------------------------------------------------------

    def annotated(self, annotation: Any, direction: Direction, breadcrumb: str) -> Schema:
        """The schema of an annotation's values: ``list[int]``, ``Card | None``."""
        if annotation in (inspect.Parameter.empty, Any, object):
            return {}
        if annotation is None or annotation is type(None):
            return {"type": "null"}
        if is_serializer(annotation):
            return self.named(annotation, direction, breadcrumb)
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)

        def each(part: Any) -> Schema:
            return self.annotated(part, direction, breadcrumb)

        if origin in (typing.Annotated, typing.Required, typing.NotRequired):
            return each(inner[0])
        if origin in (typing.Union, python_types.UnionType):
            found = any_of(each(part) for part in inner if part is not type(None))
            return nullable(found) if type(None) in inner else found
        if origin is typing.Literal:
            return one_of(inner)
        if annotation in LISTS or origin in LISTS:
            mixed = origin is tuple and inner[1:] != (Ellipsis,) and len(set(inner)) > 1
            return array(each(inner[0]) if inner and not mixed else {})
        if annotation in MAPPINGS or origin in MAPPINGS:
            return {"type": "object", "additionalProperties": each(inner[1]) if inner else {}}
        return self.plain(annotation, direction, breadcrumb)

    def plain(self, annotation: Any, direction: Direction, breadcrumb: str) -> Schema:
        """A class: of the table, an enum, a TypedDict or a dataclass; anything else is not said."""
        if annotation in ANNOTATION_SCHEMAS:
            found = dict(ANNOTATION_SCHEMAS[annotation])
            reads_numbers = annotation is decimal.Decimal and direction != "output"
            return {"type": ["string", "number"]} if reads_numbers else found
        if not isinstance(annotation, type):
            return {}
        if issubclass(annotation, enum.Enum):
            return one_of(annotation)
        keys: dict[str, Any] = {}
        required: list[str] = []
        if typing.is_typeddict(annotation):
            keys = typing.get_type_hints(annotation, include_extras=True)
            required = [key for key in keys if is_required(annotation, key, keys[key])]
        elif dataclasses.is_dataclass(annotation):
            hints = typing.get_type_hints(annotation)
            keys = {field.name: hints[field.name] for field in dataclasses.fields(annotation)}
            required = [
                f.name
                for f in dataclasses.fields(annotation)
                if direction == "output"
                or (f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING)
            ]
        else:
            return {}
        return self.record(annotation, keys, required, direction, breadcrumb)

    def record(
        self,
        cls: type,
        keys: Mapping[str, Any],
        required: list[str],
        direction: Direction,
        breadcrumb: str,
    ) -> Schema:
        """A TypedDict or a dataclass, by its name."""
        name = cls.__name__ + SUFFIXES[direction]
        described = f"{cls.__module__}.{cls.__qualname__}"
        if self.types.definitions.reserve(name, (cls, direction), described, "Rename one of them."):
            properties = {
                key: self.annotated(hint, direction, breadcrumb) for key, hint in keys.items()
            }
            self.definitions[name] = (opened if direction == "output" else closed)(
                properties, required
            )
        return self.ref(name)


def is_required(cls: type, key: str, hint: Any) -> bool:
    """Whether a key of a TypedDict must be there; its own list misses annotations that are text."""
    if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
        return typing.get_origin(hint) is typing.Required
    return key in getattr(cls, "__required_keys__", ())
