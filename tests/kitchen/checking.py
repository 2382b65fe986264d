"""
Whether an answer is what a schema's text says: written from the specification, without the library.

Knows GraphQL's types and what our scalars promise of their text; knows no consumer.
"""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

DURATION = re.compile(r"(-?\d+ )?\d\d:\d\d:\d\d(\.\d+)?")


def is_text(parse: Callable[[str], Any]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        try:
            return isinstance(value, str) and parse(value) is not None
        except (ValueError, decimal.InvalidOperation):
            return False

    return check


def is_number(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds) and not isinstance(value, bool)


SCALARS: dict[str, Callable[[Any], bool]] = {
    "Int": lambda value: is_number(int)(value) and abs(value) <= 2**31,
    "Float": is_number(int, float),
    "String": lambda value: isinstance(value, str),
    "ID": lambda value: isinstance(value, str),
    "Boolean": lambda value: isinstance(value, bool),
    "BigInt": is_number(int),
    "Date": is_text(datetime.date.fromisoformat),
    "DateTime": is_text(datetime.datetime.fromisoformat),
    "Time": is_text(datetime.time.fromisoformat),
    "Decimal": is_text(decimal.Decimal),
    "Duration": is_text(DURATION.fullmatch),
    "UUID": is_text(uuid.UUID),
    "JSON": lambda value: True,
}


def everything(schema: GraphQLSchema, type_: Any, above: tuple[str, ...] = ()) -> str:
    """The selection of every field of a type, of every type that it may be, down to itself."""
    named: Any = get_named_type(type_)
    if isinstance(named, GraphQLUnionType | GraphQLInterfaceType):
        parts = [
            f"... on {each.name}{everything(schema, each, above)}"
            for each in schema.get_possible_types(named)
        ]
    elif isinstance(named, GraphQLObjectType):
        within = (*above, named.name)
        parts = [
            f"{name}{everything(schema, field.type, within)}"
            for name, field in named.fields.items()
            if get_named_type(field.type).name not in within
        ]
    else:
        return ""
    return f" {{ __typename {' '.join(parts)} }}"


def faults(schema: GraphQLSchema, value: Any, type_: Any, place: str) -> Iterator[str]:
    """Where a value of an answer is not what its type promises."""
    if isinstance(type_, GraphQLNonNull):
        if value is None:
            yield f"{place}: null, expected {type_}"
        else:
            yield from faults(schema, value, type_.of_type, place)
    elif value is None:
        return
    elif isinstance(type_, GraphQLList):
        for number, item in enumerate(value):
            yield from faults(schema, item, type_.of_type, f"{place}.{number}")
    elif isinstance(type_, GraphQLEnumType):
        if value not in type_.values:
            yield f"{place}: {value!r} is no {type_}"
    elif isinstance(type_, GraphQLScalarType):
        if not SCALARS[type_.name](value):
            yield f"{place}: {value!r} is no {type_}"
    else:
        found: Any = schema.get_type(value["__typename"])
        if isinstance(type_, GraphQLObjectType) and found is not type_:
            yield f"{place}: {found}, expected {type_}"
        for name in value.keys() - {"__typename"}:
            yield from faults(schema, value[name], found.fields[name].type, f"{place}.{name}")
