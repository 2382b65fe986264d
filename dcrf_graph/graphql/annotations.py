"""
Python annotations as GraphQL types: of arguments, method fields and returned values.

What stands in no table is ``JSON``, and reported: it is what the native client
gets, untyped.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import inspect
import types as python_types
import typing
import uuid
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
    Sequence,
)
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from dcrf_graph.argument_fields import plain
from dcrf_graph.graphql import enums
from dcrf_graph.graphql.structured import structure_type
from dcrf_graph.structures import structure_of

if TYPE_CHECKING:
    from dcrf_graph.graphql.types import Direction, Types

ANNOTATION_TYPES: dict[Any, str] = {
    bool: "Boolean",
    int: "Int",
    float: "Float",
    str: "String",
    decimal.Decimal: "Decimal",
    datetime.datetime: "DateTime",
    datetime.date: "Date",
    datetime.time: "Time",
    datetime.timedelta: "Duration",
    uuid.UUID: "UUID",
}
"""A Python type and the GraphQL type of its values; extend it for types of your own."""

LISTS = (list, tuple, set, frozenset, Sequence, Collection, Iterable, AbstractSet)
OBJECTS = (dict, Mapping, MutableMapping)
STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator)


@dataclass(frozen=True)
class Annotated:
    """Reads annotations for one place.

    ``enum_name`` names the enum of a ``Literal`` and the union of a ``Union``;
    ``direction`` decides between the object and the input type of a serializer.
    """

    types: Types
    direction: Direction
    enum_name: str
    breadcrumb: str

    def type_of(self, annotation: Any) -> str:
        """The GraphQL type, with ``!`` where null is excluded: ``list[int]`` -> ``[Int!]!``."""
        annotation = plain(annotation)
        if annotation in (None, type(None), inspect.Parameter.empty, Any, object):
            return "JSON"
        if is_serializer(annotation):
            # Of the consumer, not of the action: the type is the same in all of them.
            place = self.breadcrumb.partition(" > ")[0]
            return f"{self.types.named(annotation, self.direction, place)}!"
        if isinstance(annotation, tuple):
            return self.union(annotation, annotation)
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, python_types.UnionType):
            return self.union(annotation, inner)
        if origin is typing.Literal:
            return self.literal(inner)
        if annotation in LISTS or origin in LISTS:
            return f"[{self.element(origin, inner)}]!"
        return self.single(annotation)

    def single(self, annotation: Any) -> str:
        """The type of one value: of a class."""
        name = ANNOTATION_TYPES.get(annotation)
        if name is None and isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            name = enums.define_class(self.types.definitions, annotation)
        structure = None if name is not None else structure_of(annotation)
        if structure is not None:
            name = structure_type(structure, self)
        return f"{name or self.unknown(annotation)}!"

    def unknown(self, annotation: Any) -> str:
        """``JSON``, and a problem unless a free object was meant."""
        if annotation not in OBJECTS and typing.get_origin(annotation) not in OBJECTS:
            said = annotation if isinstance(annotation, str) else formatted(annotation)
            self.types.problems.report(
                "W010",
                self.breadcrumb,
                f"the annotation {said} has no GraphQL type.",
                "It is JSON.",
                "Use a builtin, an enum, a TypedDict, a dataclass or a serializer; or Any, where "
                "everything is meant.",
            )
        return "JSON"

    def union(self, annotation: Any, options: tuple[Any, ...]) -> str:
        rest = [option for option in options if option not in (None, type(None))]
        if len(rest) == 1:
            text = self.type_of(rest[0])
        elif self.direction == "output" and all(map(is_object, rest)):
            text = f"{self.types.union(self.enum_name, rest, None, self.breadcrumb)}!"
        else:
            text = f"{self.unknown(annotation)}!"
        return text.removesuffix("!") if len(rest) < len(options) else text

    def literal(self, values: tuple[Any, ...]) -> str:
        present = [value for value in values if value is not None]
        name = enums.define_choices(
            self.types.definitions,
            self.enum_name,
            dict.fromkeys(present, ""),
            (self.enum_name, tuple(present)),
            f"the values of {self.breadcrumb}",
        )
        return f"{name or 'JSON'}{'!' if len(present) == len(values) else ''}"

    def element(self, origin: Any, inner: tuple[Any, ...]) -> str:
        if not inner:
            return "JSON"
        mixed = origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis)
        return "JSON" if mixed and len(set(inner)) > 1 else self.type_of(inner[0])


def is_serializer(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, serializers.BaseSerializer)


def is_object(annotation: Any) -> bool:
    """Whether an annotation is an object type in GraphQL: what a union can hold."""
    return is_serializer(annotation) or structure_of(annotation) is not None


def is_scalar(annotation: Any) -> bool:
    """Whether an annotation is one value of a known type."""
    return annotation in ANNOTATION_TYPES or (
        isinstance(annotation, type) and issubclass(annotation, enum.Enum)
    )


def formatted(annotation: Any) -> str:
    """An annotation as it is written, without the module of a class."""
    return getattr(annotation, "__qualname__", None) or inspect.formatannotation(annotation)


def without_status(annotation: Any) -> Any:
    """What an action answers: the first of upstream's ``(data, status)``, else all of it."""
    if typing.get_origin(annotation) is tuple:
        inner = typing.get_args(annotation)
        if len(inner) == 2 and inner[1] is int:
            return inner[0]
    return annotation


def streamed(annotation: Any) -> Any:
    """What each reply of an action holds that is annotated as an iterator of them."""
    inner = typing.get_args(annotation)
    return inner[0] if typing.get_origin(annotation) in STREAMS and inner else annotation
