"""
From a frame's text to a JSON value and back, for every protocol.

Stricter than the standard library, because what comes in here goes on to databases and to other
clients: RFC 8259 knows no NaN and no Infinity, a lone surrogate cannot be written as UTF-8, and a
value that is nested too deeply breaks whoever walks it later.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import NoReturn

MAX_NESTING = 128
"""Levels of lists and objects within each other that a frame may have."""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class InvalidMessage(ValueError):
    """A frame that the protocol does not allow: which field, what was expected, what came."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(field, expected, got)
        self.field = field
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, got {self.got}"


class FrameTooLong(InvalidMessage):
    """A frame of more bytes than the receiver reads."""

    def __init__(self, limit: int, size: int) -> None:
        super().__init__("frame", f"at most {limit} bytes", f"{size} bytes")


def kind_of(value: object) -> str:
    """Name the JSON type of a value for a message: ``null``, ``a number``, ``an empty string``."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string" if value else "an empty string"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case dict():
            return "an object"
        case _:
            return f"a Python {type(value).__name__}"


def decode(frame: str | bytes | None, max_size: int | None = None) -> object:
    """
    Read the JSON value of a text frame.

    Args:
        frame: the text; ``bytes`` is a binary frame, which no protocol here has.
        max_size: bytes of UTF-8 that are read at most; None is no limit.

    Raises:
        FrameTooLong: before anything is read.
        InvalidMessage: for anything that is not one strict JSON value.
    """
    if not isinstance(frame, str):
        raise InvalidMessage("frame", "text", "binary data")
    try:
        size = len(frame) if frame.isascii() else len(frame.encode())
    except UnicodeEncodeError:
        raise InvalidMessage("frame", "UTF-8", "a lone surrogate") from None
    if max_size is not None and size > max_size:
        raise FrameTooLong(max_size, size)
    try:
        value: object = _DECODER.decode(frame)
    except InvalidMessage:
        raise
    except json.JSONDecodeError as error:
        mistake = f"{error.msg[:1].lower()}{error.msg[1:]}"
        got = f"something else at character {error.pos} ({mistake})"
        raise InvalidMessage("frame", "JSON", got) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # CPython refuses to convert integers of thousands of digits.
        raise InvalidMessage("frame", "JSON", "an integer of too many digits") from None
    # No frame nests deeper than it has brackets: most are spared the walk.
    if frame.count("[") + frame.count("{") > MAX_NESTING and _nests_too_deeply(value):
        raise _too_deep()
    if _SURROGATE_ESCAPE.search(frame) and _has_lone_surrogate(value):
        raise InvalidMessage("frame", "UTF-8", "a lone surrogate")
    return value


def encode(value: object) -> str:
    """
    Write a value as the ASCII text of a frame.

    Raises:
        InvalidMessage: where a value has no JSON: a fault of the server, not of the client.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage("frame", "a JSON value", str(error)) from error


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidMessage("frame", "JSON", name)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidMessage("frame", "JSON", "a number that is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _too_deep() -> InvalidMessage:
    return InvalidMessage("frame", f"at most {MAX_NESTING} levels of nesting", "more")


def _nests_too_deeply(value: object) -> bool:
    level = _containers([value])
    for _ in range(MAX_NESTING):
        level = [
            child
            for node in level
            for child in _containers(node.values() if isinstance(node, dict) else node)
        ]
    return bool(level)


def _containers(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [value for value in values if isinstance(value, dict | list)]


def _has_lone_surrogate(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False
