"""
The named schemas of one contract, made as they are asked for.

A serializer has the name of its GraphQL type: ``Card``, ``CardInput``,
``CardPatchInput``. Annotations of Python code are read here too, because they may
name serializers.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import inspect
import types as python_types
import typing
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers

import dcrf_graph.contracts.links  # noqa: F401 - it registers the schemas of link fields
from dcrf_graph.argument_fields import plain
from dcrf_graph.contracts.json_schema import Place, is_always_there, property_of
from dcrf_graph.contracts.keywords import (
    Schema,
    any_of,
    array,
    closed,
    described,
    nullable,
    one_of,
    opened,
)
from dcrf_graph.graphql.annotations import LISTS, is_object, is_scalar, is_serializer
from dcrf_graph.graphql.polymorphic import Members, members_of
from dcrf_graph.graphql.sources import model_of, return_annotation, source_of, writes_itself
from dcrf_graph.graphql.structured import structure_names
from dcrf_graph.graphql.types import (
    RENAME,
    SUFFIXES,
    Direction,
    Types,
    cleaned,
    deprecations,
    may_write_nulls,
    takes_part,
)
from dcrf_graph.structures import Member, Structure, structure_of

ANNOTATION_SCHEMAS: dict[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    # Read both ways, and a number where DRF's encoder meets one.
    decimal.Decimal: {"type": ["string", "number"]},
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
        members = members_of(cls)
        if members is not None:
            return self.polymorphic(cls, members, direction, breadcrumb)
        if direction == "output" and writes_itself(cls):
            annotation = return_annotation(serializer.to_representation)
            if annotation is not cls and (is_object(annotation) or is_scalar(annotation)):
                return self.annotated(annotation, direction, breadcrumb)
        if not issubclass(cls, serializers.Serializer):
            return {}
        base = self.types.base_name(cls, parent, breadcrumb)
        name = base + SUFFIXES[direction]
        owner = f"{cls.__module__}.{cls.__qualname__}"
        if self.types.definitions.reserve(name, (cls, direction), owner, RENAME):
            # Reserved before it is made: a serializer may contain itself.
            self.definitions[name] = self.object(cls, base, direction, breadcrumb)
        return self.ref(name)

    def object(self, cls: type, base: str, direction: Direction, breadcrumb: str) -> Schema:
        """The schema of a serializer."""
        place = f"{breadcrumb} > {cls.__name__}"
        properties: dict[str, Schema] = {}
        required: list[str] = []
        deprecated = deprecations(cls)
        free = direction == "output" and may_write_nulls(cls)
        for key, field in self.types.serializer(cls, place).fields.items():
            if not takes_part(field, direction):
                continue
            source = source_of(model_of(cls), field)
            site = Place(self, base, key, direction, f"{place} > {key}", source)
            found = property_of(field, site)
            # A to_representation of its own may leave out anything, and write null for it.
            properties[key] = nullable(found) if free else found
            if key in deprecated:
                properties[key] = {**unreferenced(properties[key]), "deprecated": True}
            if direction == "input" and field.required:
                required.append(key)
            if direction == "output" and not free and is_always_there(field, source):
                required.append(key)
        document = self.types.document(cls)
        make = opened if direction == "output" else closed
        return make(properties, required, document)

    def polymorphic(
        self, cls: Any, members: Members, direction: Direction, breadcrumb: str
    ) -> Schema:
        """One of several serializers, with the key that tells them apart."""
        name = self.types.base_name(cls, None, breadcrumb) + SUFFIXES[direction]
        owner = f"{cls.__module__}.{cls.__qualname__}"
        if self.types.definitions.reserve(name, (cls, direction), owner, RENAME):
            # Reserved before it is made: a member may contain it.
            place = f"{breadcrumb} > {cls.__name__}"
            if direction == "output":
                found = self.variants(members, place)
            else:
                found = any_of(self.alternatives(members, direction, place))
            self.definitions[name] = described(found, self.types.document(cls))
        return self.ref(name)

    def alternatives(
        self, members: Members, direction: Direction, breadcrumb: str
    ) -> Iterator[Schema]:
        """What each of the members reads, with the key that tells it."""
        for value, member in members.serializers:
            if not issubclass(member, serializers.Serializer):
                yield {}
                continue
            base = self.types.base_name(member, None, breadcrumb)
            schema = self.object(member, base, direction, breadcrumb)
            if members.key is not None:
                properties = {members.key: one_of(raw_values(value)), **schema["properties"]}
                required = [members.key, *schema.get("required", ())]
                schema = {**schema, "properties": properties, "required": sorted(set(required))}
            yield schema

    def variants(self, members: Members, breadcrumb: str) -> Schema:
        """What any of the members writes."""
        found = []
        for value, member in members.serializers:
            schema = self.annotated(member, "output", breadcrumb)
            if members.key is not None:
                tag = opened({members.key: one_of(raw_values(value))}, [members.key])
                schema = {"allOf": [schema, tag]} if schema else tag
            found.append(schema)
        return any_of(found)

    def proxied(self, proxy: Any, direction: Direction, breadcrumb: str) -> Schema:
        """The union that spectacular's PolymorphicProxySerializer, or a list of them, names."""
        child = getattr(proxy, "child", None)
        if child is not None:
            return array(self.proxied(child, direction, breadcrumb))
        if direction != "output":
            return {}
        given = proxy.serializers
        if isinstance(given, Mapping):
            key = proxy.resource_type_field_name
            members = Members(key, tuple((str(value), each) for value, each in given.items()))
        else:
            members = Members(None, tuple((str(at), each) for at, each in enumerate(given)))
        return nullable(self.variants(members, breadcrumb))

    # -- annotations -------------------------------------------------------------------

    def annotated(self, annotation: Any, direction: Direction, breadcrumb: str) -> Schema:
        """The schema of an annotation's values: ``list[int]``, ``Card | None``."""
        if isinstance(annotation, tuple):
            return any_of(self.annotated(each, direction, breadcrumb) for each in annotation)
        if isinstance(annotation, serializers.ListSerializer):
            return array(self.named(annotation.child, direction, breadcrumb))
        if isinstance(annotation, serializers.BaseSerializer):
            return self.named(annotation, direction, breadcrumb)
        annotation = plain(annotation)
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
            return dict(ANNOTATION_SCHEMAS[annotation])
        if not isinstance(annotation, type):
            return {}
        if issubclass(annotation, enum.Enum):
            return one_of(annotation)
        cls: Any = annotation
        structure = structure_of(cls)
        return {} if structure is None else self.record(structure, direction, breadcrumb)

    def record(self, structure: Structure, direction: Direction, breadcrumb: str) -> Schema:
        """A TypedDict or a dataclass, by the name of its GraphQL type."""
        written = direction != "output"
        name, _ = structure_names(structure, written=written)
        owner = f"{structure.cls.__module__}.{structure.cls.__qualname__}"
        if self.types.definitions.reserve(name, (structure.cls, written), owner, RENAME):
            # Reserved before it is made: it may contain itself.
            members = [each for each in structure.members if each.given or not written]
            properties = {each.name: self.member(each, direction, breadcrumb) for each in members}
            required = [
                each.name for each in members if (each.required if written else each.always)
            ]
            make = closed if written else opened
            self.definitions[name] = make(properties, required, cleaned(structure.description))
        return self.ref(name)

    def member(self, member: Member, direction: Direction, breadcrumb: str) -> Schema:
        found = self.annotated(member.annotation, direction, breadcrumb)
        return described(found, cleaned(member.description))


def unreferenced(schema: Schema) -> Schema:
    """The same, where draft 7 reads keywords beside it."""
    return {"allOf": [schema]} if "$ref" in schema else schema


def raw_values(value: str) -> list[Any]:
    """What a discriminator may natively be: the text, or the number or constant that it names."""
    named = [raw for raw in (True, False) if str(raw) == value]
    numbers = [int(value)] if value.isascii() and value.removeprefix("-").isdecimal() else []
    return [value, *named, *numbers]
