"""
Everything that can go wrong, as one tree.

DcrfGraphError
├── ConfigurationError      raised while Django starts; no client ever sees it
├── StreamRefused           403: the consumer of a stream would not let this client connect
└── CallFailed              a native reply with an error status, as an exception

What a native client is told is always a DRF ``APIException`` (its
``status_code`` and ``detail`` make the frame), so DRF's own classes are used
where they exist and the ones below only where they do not.

APIException
├── ActionMissingException  405: the frame names no action (upstream's name and status)
├── InvalidFrame            400: the frame cannot be read
├── FrameTooLarge           413: the frame is longer than MAX_FRAME_SIZE
├── TooManyCalls            429: MAX_PENDING_CALLS calls are already waiting
├── TooManyFrames           429: frames come faster than MAX_FRAME_RATE
├── TooManyStreams          429: MAX_STREAMS consumers are connected already
├── TooManyConnections      429: the client has MAX_CONNECTIONS_PER_USER already
└── ExecutionTimeout        504: the action took longer than EXECUTION_TIMEOUT
"""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException


class DcrfGraphError(Exception):
    """What this library raises to the code around it."""


class ConfigurationError(DcrfGraphError):
    """The consumers, serializers or settings cannot work together.

    Raised while Django starts, for the developer: it says where, why and what
    would work.
    """


class StreamRefused(DcrfGraphError):
    """A consumer refused to connect: ``can_connect`` said no, or ``connect`` closed."""

    def __init__(self, stream: str, code: int | None = None) -> None:
        super().__init__(stream, code)
        self.stream = stream
        self.code = code

    def __str__(self) -> str:
        return f"The stream {self.stream!r} refused the connection."


class CallFailed(DcrfGraphError):
    """A call that must succeed to go on was answered with an error.

    ``status`` and ``errors`` are the native reply's ``response_status`` and
    ``errors``.
    """

    def __init__(self, status: int, errors: list[Any]) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors

    def __str__(self) -> str:
        return f"The call was answered with {self.status}: {self.errors}"


class ActionMissingException(APIException):
    """The frame has no ``action``."""

    status_code = status.HTTP_405_METHOD_NOT_ALLOWED
    default_detail = "Unable to find action in message body."
    default_code = "method_not_allowed"


class InvalidFrame(APIException):
    """The frame cannot be read."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "The frame is not a JSON object."
    default_code = "parse_error"


class FrameTooLarge(APIException):
    """The frame is longer than the setting ``MAX_FRAME_SIZE`` allows."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The frame is too large."
    default_code = "frame_too_large"


class TooManyCalls(APIException):
    """The connection has more unanswered calls than ``MAX_PENDING_CALLS``."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "Too many calls are waiting on this connection."
    default_code = "throttled"


class TooManyFrames(APIException):
    """The client sends more frames than ``MAX_FRAME_RATE`` and ``MAX_FRAME_BURST`` allow."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "Too many frames."
    default_code = "throttled"


class TooManyStreams(APIException):
    """The socket has ``MAX_STREAMS`` streams already."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "Too many streams are open on this connection."
    default_code = "throttled"


class TooManyConnections(APIException):
    """The client has ``MAX_CONNECTIONS_PER_USER`` connections, or ``..._PER_ADDRESS``, already."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "Too many connections are open."
    default_code = "throttled"


class ExecutionTimeout(APIException):
    """An action took longer than ``EXECUTION_TIMEOUT``, and was cancelled."""

    status_code = status.HTTP_504_GATEWAY_TIMEOUT
    default_detail = "This took too long and was cancelled."
    default_code = "timeout"
