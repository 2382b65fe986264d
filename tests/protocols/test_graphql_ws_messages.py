from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.protocols.frames import InvalidMessage
from dcrf_graph.protocols.graphql_ws_messages import (
    Complete,
    ConnectionAck,
    ConnectionError,
    ConnectionInit,
    ConnectionTerminate,
    Data,
    Error,
    InvalidStart,
    KeepAlive,
    Message,
    ServerMessage,
    Start,
    Stop,
    parse,
    text_of,
    validate,
)
from tests.protocols.bounds import BOUNDED

QUERY = {"query": "{ cards { id } }"}
NO = {"message": "no"}

WRONG: list[tuple[object, str]] = [
    ([], "message: expected an object, got an empty list"),
    ({}, "type: expected a string, got null"),
    ({"type": 1}, "type: expected a string, got a number"),
    ({"type": "subscribe"}, "type: expected one of connection_init, "),
    ({"type": "connection_init", "payload": []}, "payload: expected an object or null"),
    ({"type": "start", "payload": QUERY}, "id: expected a non-empty string, got nothing"),
    ({"type": "start", "id": 1, "payload": QUERY}, "id: expected a non-empty string"),
    ({"type": "start", "id": "1"}, "payload: expected an object, got null"),
    ({"type": "start", "id": "1", "payload": {}}, "payload.query: expected a non-empty string"),
    ({"type": "stop", "id": ""}, "id: expected a non-empty string, got an empty string"),
    ({"type": "data", "id": "1"}, "payload: expected an object, got null"),
    ({"type": "error", "id": "1", "payload": [NO]}, "payload: expected an object, got a list"),
    ({"type": "error", "id": "1", "payload": {}}, "payload.message: expected a string, got null"),
    ({"type": "connection_error"}, "payload: expected an object, got null"),
]


@pytest.mark.parametrize(("value", "reason"), WRONG, ids=lambda wrong: json.dumps(wrong)[:60])
def test_a_wrong_message_is_refused_by_the_name_of_its_field(value: object, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        validate(value)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"type": "connection_init"}, ConnectionInit()),
        ({"type": "connection_init", "payload": {"a": 1}}, ConnectionInit({"a": 1})),
        ({"type": "connection_terminate"}, ConnectionTerminate()),
        (
            {"type": "start", "id": "1", "payload": {**QUERY, "operationName": "A"}},
            Start("1", OperationRequest("{ cards { id } }", "A")),
        ),
        ({"type": "stop", "id": "1", "more": 1}, Stop("1")),
    ],
)
def test_a_message_of_a_client_is_read(value: dict[str, Any], message: Message) -> None:
    assert parse(json.dumps(value)) == message


def test_a_message_of_a_server_is_none_of_a_client() -> None:
    with pytest.raises(InvalidMessage, match="type: expected a message of a client"):
        parse('{"type": "ka"}')


def test_a_wrong_request_still_says_whose_it_is() -> None:
    with pytest.raises(InvalidStart) as caught:
        parse('{"type": "start", "id": "7", "payload": {"query": 1}}')
    assert caught.value.id == "7"


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (ConnectionAck(), {"type": "connection_ack"}),
        (ConnectionAck({"a": 1}), {"type": "connection_ack", "payload": {"a": 1}}),
        (ConnectionError(NO), {"type": "connection_error", "payload": NO}),
        (KeepAlive(), {"type": "ka"}),
        (Data("1", {"data": None}), {"type": "data", "id": "1", "payload": {"data": None}}),
        (Error("1", NO), {"type": "error", "id": "1", "payload": NO}),
        (Complete("1"), {"type": "complete", "id": "1"}),
    ],
)
def test_a_message_of_the_server_is_written_and_read_again(
    message: ServerMessage, wire: dict[str, Any]
) -> None:
    assert json.loads(text_of(message)) == wire
    assert validate(wire) == message


@pytest.mark.parametrize(
    "message", [Data("", {}), Data("1", {"a": object()}), Error("1", {}), Complete("")]
)
def test_what_a_client_would_refuse_is_not_written(message: ServerMessage) -> None:
    with pytest.raises(InvalidMessage):
        text_of(message)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
TYPES = st.sampled_from(["connection_init", "start", "stop", "data", "error", "connection_error"])


@BOUNDED
@given(st.fixed_dictionaries({"type": TYPES}, optional={"id": JSON_VALUES, "payload": JSON_VALUES}))
def test_any_members_are_a_message_or_an_invalid_one(value: dict[str, Any]) -> None:
    with suppress(InvalidMessage):
        validate(value)
