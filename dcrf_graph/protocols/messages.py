"""
The messages of graphql-transport-ws, as closed types with one reader.

Both directions pass the same validator: what we would refuse from a client, we cannot send.
Members that the protocol does not name are ignored, as its reference implementation does.

Source: PROTOCOL.md of the npm package graphql-ws, section "Message types".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .effects import OperationRequest
from .frames import InvalidMessage, decode, encode, kind_of


@dataclass(frozen=True)
class ConnectionInit:
    """Client -> server. Asks for the connection within the socket."""

    payload: dict[str, Any] | None = None


@dataclass(frozen=True)
class ConnectionAck:
    """Server -> client. The connection is granted."""

    payload: dict[str, Any] | None = None


@dataclass(frozen=True)
class Ping:
    """Both directions. Must be answered by a pong."""

    payload: dict[str, Any] | None = None


@dataclass(frozen=True)
class Pong:
    """Both directions. Answers a ping, or is a heartbeat."""

    payload: dict[str, Any] | None = None


@dataclass(frozen=True)
class Subscribe:
    """Client -> server. Asks for an operation of any kind."""

    id: str
    request: OperationRequest


@dataclass(frozen=True)
class Next:
    """Server -> client. One result of an operation, errors of its execution included."""

    id: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Error:
    """Server -> client. The operation failed before it executed; nothing follows."""

    id: str
    payload: list[dict[str, Any]]


@dataclass(frozen=True)
class Complete:
    """Both directions. The server has nothing more to say, or the client stops listening."""

    id: str


ClientMessage: TypeAlias = ConnectionInit | Ping | Pong | Subscribe | Complete
ServerMessage: TypeAlias = ConnectionAck | Ping | Pong | Next | Error | Complete
Message: TypeAlias = ClientMessage | ServerMessage


def parse(frame: str | bytes | None, max_size: int | None = None) -> ClientMessage:
    """
    Turn any frame of a client into a message.

    Raises:
        InvalidMessage: names the field that is wrong, e.g. ``payload.query``.
    """
    message = validate(decode(frame, max_size))
    if isinstance(message, ConnectionAck | Next | Error):
        raise InvalidMessage("type", "a message of a client", "a message of a server")
    return message


def text_of(message: ServerMessage) -> str:
    """
    Write a message as the text of a frame.

    Raises:
        InvalidMessage: if the client would have to refuse it, or if it has no JSON.
    """
    wire: dict[str, object] = {"type": _TYPE_OF[type(message)]}
    if isinstance(message, Next | Error | Complete):
        wire["id"] = message.id
    if not isinstance(message, Complete) and message.payload is not None:
        wire["payload"] = message.payload
    validate(wire)
    return encode(wire)


def validate(value: object) -> Message:
    """Read a JSON value as a message of either direction, or raise ``InvalidMessage``."""
    if not isinstance(value, dict):
        raise InvalidMessage("message", "an object", kind_of(value))
    kind = value.get("type")
    if not isinstance(kind, str):
        raise InvalidMessage("type", "a string", kind_of(kind))
    if kind not in _READERS:
        raise InvalidMessage("type", f"one of {', '.join(_READERS)}", repr(kind))
    return _READERS[kind](value)


def operation_request(value: object, field: str = "payload") -> OperationRequest:
    """
    Check the types of a GraphQL request, as it comes over a socket or over HTTP.

    Args:
        value: ``{"query": "{ cards { id } }", "operationName": None, "variables": {"a": 1}}``.
        field: where the request stands, to be named in errors; ``""`` at the top.

    The query may be left out where ``extensions.persistedQuery`` names one.
    """
    if not isinstance(value, dict):
        raise InvalidMessage(field or "request", "an object", kind_of(value))
    prefix = f"{field}." if field else ""
    name = value.get("operationName")
    if name is not None and not isinstance(name, str):
        raise InvalidMessage(f"{prefix}operationName", "a string or null", kind_of(name))
    extensions = optional_object(value, "extensions", prefix)
    named = (extensions or {}).get("persistedQuery") is not None
    left_out = named and value.get("query") in (None, "")
    return OperationRequest(
        query="" if left_out else filled_string(value, "query", prefix),
        operation_name=name,
        variables=optional_object(value, "variables", prefix),
        extensions=extensions,
    )


def filled_string(wire: dict[str, Any], member: str, prefix: str = "") -> str:
    """Read a string that must be there and not be empty."""
    value = wire.get(member)
    if not isinstance(value, str) or not value:
        got = kind_of(value) if member in wire else "nothing"
        raise InvalidMessage(f"{prefix}{member}", "a non-empty string", got)
    return value


def optional_object(wire: dict[str, Any], member: str, prefix: str = "") -> dict[str, Any] | None:
    """Read an object that may be left out or be null."""
    value = wire.get(member)
    if value is not None and not isinstance(value, dict):
        raise InvalidMessage(f"{prefix}{member}", "an object or null", kind_of(value))
    return value


def _subscribe(wire: dict[str, Any]) -> Subscribe:
    return Subscribe(filled_string(wire, "id"), operation_request(wire.get("payload")))


def _next(wire: dict[str, Any]) -> Next:
    id = filled_string(wire, "id")
    payload = wire.get("payload")
    if not isinstance(payload, dict):
        raise InvalidMessage("payload", "an object", kind_of(payload))
    return Next(id, payload)


def _error(wire: dict[str, Any]) -> Error:
    id = filled_string(wire, "id")
    payload = wire.get("payload")
    if not isinstance(payload, list) or not payload:
        raise InvalidMessage("payload", "a non-empty list of errors", kind_of(payload))
    for error in payload:
        if not isinstance(error, dict) or not isinstance(error.get("message"), str):
            raise InvalidMessage("payload", "errors that have a message", kind_of(error))
    return Error(id, payload)


_READERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "connection_init": lambda wire: ConnectionInit(optional_object(wire, "payload")),
    "connection_ack": lambda wire: ConnectionAck(optional_object(wire, "payload")),
    "ping": lambda wire: Ping(optional_object(wire, "payload")),
    "pong": lambda wire: Pong(optional_object(wire, "payload")),
    "subscribe": _subscribe,
    "next": _next,
    "error": _error,
    "complete": lambda wire: Complete(filled_string(wire, "id")),
}

_TYPE_OF: dict[type[ServerMessage], str] = {
    ConnectionAck: "connection_ack",
    Ping: "ping",
    Pong: "pong",
    Next: "next",
    Error: "error",
    Complete: "complete",
}
