from __future__ import annotations

import json
from typing import Any

import pytest

from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.protocols.frames import InvalidMessage
from dcrf_graph.protocols.messages import (
    Complete,
    ConnectionAck,
    ConnectionInit,
    Error,
    Message,
    Next,
    Ping,
    Pong,
    ServerMessage,
    Subscribe,
    operation_request,
    parse,
    text_of,
    validate,
)

QUERY = {"query": "{ cards { id } }"}

WRONG: list[tuple[object, str]] = [
    ([], "message: expected an object, got an empty list"),
    ({}, "type: expected a string, got null"),
    ({"type": 1}, "type: expected a string, got a number"),
    ({"type": "connection_init", "payload": []}, "payload: expected an object or null"),
    ({"type": "ping", "payload": "a"}, "payload: expected an object or null, got a string"),
    ({"type": "pong", "payload": 1}, "payload: expected an object or null, got a number"),
    ({"type": "complete"}, "id: expected a non-empty string, got nothing"),
    ({"type": "complete", "id": ""}, "id: expected a non-empty string, got an empty string"),
    ({"type": "subscribe", "id": 1, "payload": QUERY}, "id: expected a non-empty string"),
    ({"type": "subscribe", "id": "1"}, "payload: expected an object, got null"),
    ({"type": "subscribe", "id": "1", "payload": {}}, "payload.query: expected a non-empty string"),
    (
        {"type": "subscribe", "id": "1", "payload": {"query": ""}},
        "payload.query: expected a non-empty string, got an empty string",
    ),
    (
        {"type": "subscribe", "id": "1", "payload": {**QUERY, "variables": "a"}},
        "payload.variables: expected an object or null, got a string",
    ),
    (
        {"type": "subscribe", "id": "1", "payload": {**QUERY, "extensions": [1]}},
        "payload.extensions: expected an object or null, got a list",
    ),
    (
        {"type": "subscribe", "id": "1", "payload": {**QUERY, "operationName": 1}},
        "payload.operationName: expected a string or null, got a number",
    ),
    ({"type": "next", "id": "1", "payload": []}, "payload: expected an object"),
    ({"type": "error", "id": "1", "payload": {}}, "payload: expected a non-empty list of errors"),
    ({"type": "error", "id": "1", "payload": []}, "payload: expected a non-empty list of errors"),
    ({"type": "error", "id": "1", "payload": [{}]}, "payload: expected errors that have a message"),
]


@pytest.mark.parametrize(("value", "reason"), WRONG, ids=lambda wrong: json.dumps(wrong)[:60])
def test_a_wrong_message_is_refused_by_the_name_of_its_field(value: object, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        validate(value)
    assert str(caught.value).startswith(reason)


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidMessage, match=r"type: expected one of connection_init, .*'start'"):
        validate({"type": "start"})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"type": "connection_init"}, ConnectionInit()),
        ({"type": "connection_init", "payload": None}, ConnectionInit()),
        ({"type": "connection_init", "payload": {"token": 1}}, ConnectionInit({"token": 1})),
        ({"type": "ping", "payload": {"at": 1}}, Ping({"at": 1})),
        ({"type": "pong"}, Pong()),
        ({"type": "complete", "id": "1", "more": True}, Complete("1")),
        (
            {"type": "subscribe", "id": "1", "payload": QUERY},
            Subscribe("1", OperationRequest("{ cards { id } }")),
        ),
    ],
)
def test_a_message_of_a_client_is_read(value: dict[str, Any], message: Message) -> None:
    assert parse(json.dumps(value)) == message


@pytest.mark.parametrize(
    "message",
    [ConnectionAck(), Next("1", {"data": None}), Error("1", [{"message": "no"}])],
)
def test_a_message_of_a_server_is_refused_from_a_client(message: ServerMessage) -> None:
    with pytest.raises(InvalidMessage, match="type: expected a message of a client"):
        parse(text_of(message))


@pytest.mark.parametrize(
    "message",
    [
        ConnectionAck(),
        ConnectionAck({"session": 1}),
        Ping(),
        Pong({"at": 1}),
        Next("1", {"data": {"a": None}}),
        Error("1", [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]),
        Complete("1"),
    ],
)
def test_what_is_written_is_read_back_the_same(message: ServerMessage) -> None:
    assert validate(json.loads(text_of(message))) == message


def test_a_payload_that_is_not_there_is_left_out() -> None:
    assert text_of(Pong()) == '{"type": "pong"}'


@pytest.mark.parametrize(
    "message", [Error("1", []), Error("", [{"message": "no"}]), Next("1", {"data": {1, 2}})]
)
def test_what_would_be_refused_cannot_be_written(message: ServerMessage) -> None:
    with pytest.raises(InvalidMessage):
        text_of(message)


def test_a_request_over_http_is_checked_by_the_same_rules() -> None:
    """Its fields stand at the top, and errors say so."""
    wire = {"query": "query A { a }", "operationName": "A", "variables": {"b": 1}}
    assert operation_request(wire, "") == OperationRequest("query A { a }", "A", {"b": 1})
    with pytest.raises(InvalidMessage, match=r"^variables: expected an object or null"):
        operation_request({**wire, "variables": 1}, "")
    with pytest.raises(InvalidMessage, match=r"^request: expected an object, got a list"):
        operation_request([wire], "")


PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": "a"}}


@pytest.mark.parametrize("query", [{}, {"query": None}, {"query": ""}])
def test_a_query_that_is_named_by_its_hash_may_be_left_out(query: dict[str, Any]) -> None:
    request = operation_request({**query, "extensions": PERSISTED})
    assert request == OperationRequest("", extensions=PERSISTED)


@pytest.mark.parametrize("query", [0, [], {}])
def test_a_query_that_is_no_text_is_refused_beside_a_hash_too(query: object) -> None:
    with pytest.raises(InvalidMessage, match="query: expected a non-empty string"):
        operation_request({"query": query, "extensions": PERSISTED})
