from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrf_graph.protocols.frames import (
    MAX_NESTING,
    FrameTooLong,
    InvalidMessage,
    decode,
    encode,
    kind_of,
)
from tests.protocols.bounds import BOUNDED


def refusal(frame: str | bytes | None, max_size: int | None = None) -> str:
    """Say why a frame is refused."""
    with pytest.raises(InvalidMessage) as caught:
        decode(frame, max_size)
    return str(caught.value)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("frame", [b"{}", None])
def test_a_binary_frame_is_refused(frame: bytes | None) -> None:
    assert refusal(frame) == "frame: expected text, got binary data"


def test_a_frame_that_is_not_json_is_refused_with_the_place() -> None:
    reason = "frame: expected JSON, got something else at character 6 (expecting value)"
    assert refusal('{"a": x}') == reason


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_does_not_have_are_refused(constant: str) -> None:
    assert refusal(f'{{"a": {constant}}}') == f"frame: expected JSON, got {constant}"


def test_a_number_that_would_become_infinity_is_refused() -> None:
    assert refusal("[1e999]") == "frame: expected JSON, got a number that is too large"


def test_an_integer_of_thousands_of_digits_is_refused() -> None:
    assert refusal("9" * 5000) == "frame: expected JSON, got an integer of too many digits"


def test_a_length_is_counted_in_bytes() -> None:
    assert decode('"é"', max_size=4) == "é"
    assert refusal('"é"', max_size=3) == "frame: expected at most 3 bytes, got 4 bytes"


def test_a_frame_that_is_too_long_is_not_read() -> None:
    with pytest.raises(FrameTooLong):
        decode("nonsense" * 100, max_size=64)


@pytest.mark.parametrize("levels", [MAX_NESTING + 1, 500, 100_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    assert refusal(nested(levels)) == "frame: expected at most 128 levels of nesting, got more"


def test_nesting_up_to_the_limit_is_read() -> None:
    """Objects count as lists do; more brackets than levels are no fault."""
    assert decode(nested(MAX_NESTING)) == json.loads(nested(MAX_NESTING))
    assert decode(json.dumps([{}] * 1000)) == [{}] * 1000


@pytest.mark.parametrize("frame", ['"\ud800"', '"\\ud800"', '{"\\uDC00": 1}', '"\\udc00\\ud800"'])
def test_a_lone_surrogate_is_refused(frame: str) -> None:
    assert refusal(frame) == "frame: expected UTF-8, got a lone surrogate"


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert decode('"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, {"a": float("inf")}])
def test_a_value_without_json_is_not_written(value: object) -> None:
    with pytest.raises(InvalidMessage, match="frame: expected a JSON value"):
        encode(value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1.5, "a number"),
        ("", "an empty string"),
        ("a", "a string"),
        ([], "an empty list"),
        ([1], "a list"),
        ({}, "an object"),
        (b"", "a Python bytes"),
    ],
)
def test_every_type_has_a_name_for_messages(value: object, kind: str) -> None:
    assert kind_of(value) == kind


@BOUNDED
@given(st.one_of(st.text(), st.binary()))
def test_any_frame_is_a_value_or_an_invalid_message(frame: str | bytes) -> None:
    try:
        value = decode(frame)
    except InvalidMessage:
        return
    assert decode(encode(value)) == value
