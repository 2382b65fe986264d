"""
The custom scalars: what native JSON says, checked on the way in.

A scalar does not change what DRF's JSON gives (``"2.50"``, an ISO 8601 text); it
refuses what no DRF field of its kind would take, so that the client gets the
path of the wrong value. What passes is handed on as a native client would have
sent it. The parsers are Django's, which DRF's fields use too.
"""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Callable
from typing import Any

from ariadne import ScalarType
from django.core.files.base import File
from django.utils.dateparse import parse_date, parse_datetime, parse_duration, parse_time
from graphql import FloatValueNode, GraphQLScalarType, IntValueNode, StringValueNode, ValueNode
from rest_framework.utils.encoders import JSONEncoder

from dcrf_graph.graphql.definitions import ScalarDefinition

DESCRIPTIONS = {
    "BigInt": "An integer beyond 32 bits, as a JSON number; a string of digits is accepted too.",
    "Date": "A calendar date as text: `2026-11-22`.",
    "DateTime": "A moment in ISO 8601: `2026-11-22T10:44:39Z`.",
    "Decimal": 'An exact decimal number as text: `"2.50"`; numbers are accepted too.',
    "Duration": "A length of time as text: `3 04:05:06` (days, hours:minutes:seconds); "
    "ISO 8601, `P3DT4H5M6S`, is accepted too.",
    "JSON": "Any JSON value, as the native protocol carries it.",
    "Time": "A time of day as text: `10:44:39`.",
    "UUID": "A UUID as text: `0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d`.",
    "Upload": "A file of a multipart request; only a multipart request can carry it.",
}


DIGITS = re.compile(r"-?[0-9]{1,100}")


def native(value: Any) -> Any:
    """What DRF's JSON would say: texts as they are, Python's own types encoded."""
    if isinstance(
        value,
        datetime.datetime
        | datetime.date
        | datetime.time
        | datetime.timedelta
        | decimal.Decimal
        | uuid.UUID,
    ):
        return str(value) if isinstance(value, decimal.Decimal) else JSONEncoder().default(value)
    return value


def text_scalar(name: str, example: str, parse: Callable[[str], object]) -> ScalarType:
    """A scalar that is text in JSON; ``parse`` gives None or raises ValueError when wrong."""

    def parse_value(value: Any) -> str:
        try:
            understood = isinstance(value, str) and parse(value) is not None
        except (ValueError, OverflowError):
            understood = False
        if not understood:
            raise ValueError(f"{name} cannot represent {value!r}: expected text like {example!r}")
        return str(value)

    return ScalarType(name, serializer=native, value_parser=parse_value)


def decimal_text(value: Any) -> Any:
    """A decimal as text, also one that DRF's JSON has as a number."""
    return str(value) if isinstance(value, int | float | decimal.Decimal) else value


def parse_decimal(value: Any) -> str:
    """A number or a text of one, as text; exact for texts and literals."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            if decimal.Decimal(str(value)).is_finite():
                return str(value)
        except decimal.InvalidOperation:
            pass
    raise ValueError(f"Decimal cannot represent {value!r}: expected text like '2.50'")


def parse_decimal_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> str:
    if isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
        return parse_decimal(node.value)
    raise ValueError("Decimal cannot represent this literal: expected text like '2.50'")


def parse_big_int(value: Any) -> int:
    """An integer or a text of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and DIGITS.fullmatch(value):
        return int(value)
    raise ValueError(f"BigInt cannot represent {value!r}: expected an integer")


def parse_upload(value: Any) -> File[Any]:
    if isinstance(value, File):
        return value
    raise ValueError("Upload cannot represent this value: send the file in a multipart request")


def serialize_upload(value: Any) -> Any:
    raise ValueError("Upload is for inputs only")


def keeps_text(scalar: GraphQLScalarType) -> bool:
    """Whether a scalar is one of ours that gives texts out as they are."""
    serialize: Any = scalar.serialize
    return serialize in (native, decimal_text)


def bindables() -> dict[str, ScalarType]:
    """A fresh Ariadne bindable for each scalar, by name."""
    scalars = (
        text_scalar("Date", "2026-11-22", parse_date),
        text_scalar("DateTime", "2026-11-22T10:44:39Z", parse_datetime),
        text_scalar("Duration", "3 04:05:06", parse_duration),
        text_scalar("Time", "10:44:39", parse_time),
        text_scalar("UUID", "0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d", uuid.UUID),
        ScalarType(
            "Decimal",
            serializer=decimal_text,
            value_parser=parse_decimal,
            literal_parser=parse_decimal_literal,
        ),
        ScalarType("BigInt", serializer=native, value_parser=parse_big_int),
        ScalarType("JSON", serializer=native),
        ScalarType("Upload", serializer=serialize_upload, value_parser=parse_upload),
    )
    return {scalar.name: scalar for scalar in scalars}


def definition(name: str) -> ScalarDefinition:
    """The SDL of a scalar."""
    return ScalarDefinition(name, DESCRIPTIONS[name])
