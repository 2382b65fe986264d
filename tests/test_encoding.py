"""JSON is written as DRF writes it, whichever encoder does it."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import uuid
from collections import OrderedDict, namedtuple
from typing import Any

import orjson
import pytest
from django.utils.functional import lazy
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrf_graph.encoding import JSONEncoder, dumps, loads


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 2


@dataclasses.dataclass
class Point:
    x: int
    _y: int = 2


Pair = namedtuple("Pair", "a b")
UTC = datetime.UTC

VALUES: list[Any] = [
    datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
    datetime.datetime(2026, 1, 2, 3, 4, 5),
    datetime.date(2026, 1, 2),
    datetime.time(3, 4, 5, 678901),
    datetime.timedelta(days=1, microseconds=5),
    decimal.Decimal("1.10"),
    uuid.UUID(int=7),
    Colour.RED,
    Size.BIG,
    Point(1),
    Pair(1, 2),
    (1, 2),
    {1: "a", None: "b"},
    OrderedDict(a=1),
    lazy(lambda: "lazy", str)(),
    b"bytes",
    2**70,
    -(2**64),
    "\ud800",
    "ünïcode \u2028",
    {"a": {1, 2}},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_drf_writes_is_written_alike(value: Any) -> None:
    assert json.loads(dumps({"v": value})) == json.loads(json.dumps({"v": value}, cls=JSONEncoder))


def test_what_has_no_json_raises() -> None:
    with pytest.raises(TypeError):
        dumps(object())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON)
def test_any_value_is_written_and_read_as_the_standard_library_does(value: Any) -> None:
    text = json.dumps(value, cls=JSONEncoder)
    assert json.loads(dumps(value)) == value
    assert loads(text) == value


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_null(number: float) -> None:
    assert dumps([number]) == "[null]"


def test_a_long_integer_is_not_rounded() -> None:
    text = f'{{"a": {2**70 + 1}}}'
    assert loads(text) == {"a": 2**70 + 1}
    assert orjson.loads(text) != {"a": 2**70 + 1}


def test_a_fragment_is_written_also_where_the_standard_library_has_to() -> None:
    assert json.loads(dumps({1: orjson.Fragment('{"a":1}')})) == {"1": {"a": 1}}
