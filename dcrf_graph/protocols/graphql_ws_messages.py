"""
The messages of the legacy subprotocol ``graphql-ws``, as closed types with one reader.

Both directions pass the same validator: what a client would have to refuse, we cannot send.
Members that the protocol does not name are ignored.

Source: PROTOCOL.md of the npm package subscriptions-transport-ws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .effects import OperationRequest
from .frames import InvalidMessage, decode, encode, kind_of
from .messages import filled_string, operation_request, optional_object


@dataclass(frozen=True)
class ConnectionInit:
    """Client -> server. Introduces the client."""

    payload: dict[str, Any] | None = None


@dataclass(frozen=True)
class ConnectionTerminate:
    """Client -> server. Asks for the end of the connection."""


@dataclass(frozen=True)
class Start:
    """Client -> server. Asks for an operation of any kind."""

    id: str
    request: OperationRequest


@dataclass(frozen=True)
class Stop:
    """Client -> server. The client stops listening to an operation."""

    id: str


@dataclass(frozen=True)
class ConnectionAck:
    """Server -> client. The connection is granted."""

    payload: dict[str, Any] | None = None


@dataclass(frozen=True)
class ConnectionError:
    """Server -> client. The connection is refused, or a frame was no message."""

    payload: dict[str, Any]


@dataclass(frozen=True)
class KeepAlive:
    """Server -> client. The connection is alive."""


@dataclass(frozen=True)
class Data:
    """Server -> client. One result of an operation, errors of its execution included."""

    id: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Error:
    """Server -> client. The operation failed before it executed; nothing follows."""

    id: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Complete:
    """Server -> client. The operation has nothing more to say."""

    id: str


ClientMessage: TypeAlias = ConnectionInit | ConnectionTerminate | Start | Stop
ServerMessage: TypeAlias = ConnectionAck | ConnectionError | KeepAlive | Data | Error | Complete
Message: TypeAlias = ClientMessage | ServerMessage


class InvalidStart(InvalidMessage):
    """A ``start`` whose id is known, so that the answer can name it."""

    def __init__(self, id: str, cause: InvalidMessage) -> None:
        super().__init__(cause.field, cause.expected, cause.got)
        self.id = id


def parse(frame: str | bytes | None, max_size: int | None = None) -> ClientMessage:
    """
    Turn any frame of a client into a message.

    Raises:
        InvalidStart: the frame asks for an operation under this id, but wrongly.
        InvalidMessage: names the field that is wrong, e.g. ``payload.query``.
    """
    message = validate(decode(frame, max_size))
    if not isinstance(message, ClientMessage):
        raise InvalidMessage("type", "a message of a client", "a message of a server")
    return message


def text_of(message: ServerMessage) -> str:
    """
    Write a message as the text of a frame.

    Raises:
        InvalidMessage: if the client would have to refuse it, or if it has no JSON.
    """
    wire: dict[str, object] = {"type": _TYPE_OF[type(message)]}
    if isinstance(message, Data | Error | Complete):
        wire["id"] = message.id
    payload = getattr(message, "payload", None)
    if payload is not None:
        wire["payload"] = payload
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


def _start(wire: dict[str, Any]) -> Start:
    id = filled_string(wire, "id")
    try:
        return Start(id, operation_request(wire.get("payload")))
    except InvalidMessage as error:
        raise InvalidStart(id, error) from None


def _object(wire: dict[str, Any]) -> dict[str, Any]:
    payload = wire.get("payload")
    if not isinstance(payload, dict):
        raise InvalidMessage("payload", "an object", kind_of(payload))
    return payload


def _error(wire: dict[str, Any]) -> dict[str, Any]:
    payload = _object(wire)
    if not isinstance(payload.get("message"), str):
        raise InvalidMessage("payload.message", "a string", kind_of(payload.get("message")))
    return payload


_READERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "connection_init": lambda wire: ConnectionInit(optional_object(wire, "payload")),
    "connection_terminate": lambda wire: ConnectionTerminate(),
    "start": _start,
    "stop": lambda wire: Stop(filled_string(wire, "id")),
    "connection_ack": lambda wire: ConnectionAck(optional_object(wire, "payload")),
    "connection_error": lambda wire: ConnectionError(_error(wire)),
    "ka": lambda wire: KeepAlive(),
    "data": lambda wire: Data(filled_string(wire, "id"), _object(wire)),
    "error": lambda wire: Error(filled_string(wire, "id"), _error(wire)),
    "complete": lambda wire: Complete(filled_string(wire, "id")),
}

_TYPE_OF: dict[type[ServerMessage], str] = {
    ConnectionAck: "connection_ack",
    ConnectionError: "connection_error",
    KeepAlive: "ka",
    Data: "data",
    Error: "error",
    Complete: "complete",
}
