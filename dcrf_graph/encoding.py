"""
How answers become JSON: as DRF encodes, and what DRF does not know.

Dataclasses are objects of their fields, enum members their values. orjson does
what it does as DRF would; the rest (keys that are no text, integers of more than
64 bits, lone surrogates) goes through the standard library. Both give the same
JSON.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from typing import Any

import orjson
from rest_framework.utils import encoders

OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
LONG_INTEGER = re.compile(r"[0-9]{19}")
"""Digits that orjson might round: it has 64 bits, JSON has no limit."""


class JSONEncoder(encoders.JSONEncoder):
    """DRF's encoder, with dataclasses and enums."""

    def default(self, obj: Any) -> Any:
        if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
            return {field.name: getattr(obj, field.name) for field in dataclasses.fields(obj)}
        if isinstance(obj, enum.Enum):
            return obj.value
        if isinstance(obj, orjson.Fragment):
            return json.loads(orjson.dumps(obj))
        return super().default(obj)


default = JSONEncoder().default


def dumps(value: Any) -> str:
    """The JSON text of a value; numbers that JSON does not have (NaN, infinity) are null.

    Raises:
        TypeError, ValueError: for what has no JSON.
    """
    try:
        return orjson.dumps(value, default, OPTIONS).decode()
    except TypeError:
        return json.dumps(value, cls=JSONEncoder)


def loads(text: str) -> Any:
    """The value of a JSON text that one of us has written.

    Raises:
        ValueError: if it is none.
    """
    if LONG_INTEGER.search(text):
        return json.loads(text)
    try:
        return orjson.loads(text)
    except ValueError:  # NaN, and lone surrogates
        return json.loads(text)
