"""
Python annotations as GraphQL types: of arguments, method fields and returned values.

What stands in no table is ``JSON``: it is what the native client gets, untyped.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import inspect
import types as python_types
import typing
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from dcrf_graph.graphql import enums

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


@dataclass(frozen=True)
class Annotated:
    """Reads annotations for one place.

    ``enum_name`` names the enum of a ``Literal``; ``direction`` decides between
    the object and the input type of a serializer.
    """

    types: Types
    direction: Direction
    enum_name: str
    breadcrumb: str

    def type_of(self, annotation: Any) -> str:
        """The GraphQL type, with ``!`` where null is excluded: ``list[int]`` -> ``[Int!]!``."""
        if annotation is None or annotation is type(None):
            return "JSON"
        if annotation in (inspect.Parameter.empty, Any, object):
            return "JSON"
        if is_serializer(annotation):
            return f"{self.types.named(annotation, self.direction, self.breadcrumb)}!"
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Annotated:
            return self.type_of(inner[0])
        if origin in (typing.Union, python_types.UnionType):
            return self.union(annotation, inner)
        if origin is typing.Literal:
            return self.literal(inner)
        if annotation in LISTS or origin in LISTS:
            return f"[{self.element(origin, inner)}]!"
        return self.plain(annotation)

    def plain(self, annotation: Any) -> str:
        name = ANNOTATION_TYPES.get(annotation)
        if name is None and isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            name = enums.define_class(self.types.definitions, annotation)
        return f"{name or self.unknown(annotation)}!"

    def unknown(self, annotation: Any) -> str:
        """``JSON``, and a problem unless a free object was meant."""
        if annotation is not dict and typing.get_origin(annotation) not in (dict, Mapping):
            self.types.problems.report(
                "W010",
                self.breadcrumb,
                f"the annotation {inspect.formatannotation(annotation)} has no GraphQL type.",
                "It is JSON.",
                "Use a builtin, an enum, a TypedDict, a dataclass or a serializer; or Any, where "
                "everything is meant.",
            )
        return "JSON"

    def union(self, annotation: Any, options: tuple[Any, ...]) -> str:
        rest = [option for option in options if option is not type(None)]
        text = self.type_of(rest[0]) if len(rest) == 1 else f"{self.unknown(annotation)}!"
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


def without_status(annotation: Any) -> Any:
    """What an action answers: the first of upstream's ``(data, status)``, else all of it."""
    if typing.get_origin(annotation) is tuple:
        inner = typing.get_args(annotation)
        if len(inner) == 2 and inner[1] is int:
            return inner[0]
    return annotation
