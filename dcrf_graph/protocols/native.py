"""
The native protocol: JSON objects for one consumer, or for many by streams.

A socket of one consumer carries its frames as they are; a socket of streams wraps each in
``{"stream": "cards", "payload": {...}}``, the wire format of channelsmultiplexer. What an action
is, and whether a frame names one, is the consumer's business. A frame that cannot be read is
answered with an error frame, and the socket lives.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from .effects import Dispatch, Send
from .frames import FrameTooLong, InvalidMessage, decode, encode, kind_of

BAD_FRAME = 400
NO_SUCH_STREAM = 404
FRAME_TOO_LONG = 413


def error_payload(
    errors: list[Any], status: int, action: str | None = None, request_id: object = None
) -> dict[str, Any]:
    """Build the reply frame that says no."""
    return reply_payload(errors, status, action, request_id)


def reply_payload(
    errors: list[Any],
    status: int,
    action: str | None = None,
    request_id: object = None,
    data: object = None,
) -> dict[str, Any]:
    """
    Build a reply frame, in upstream's shape.

    ``{"errors": ["..."], "data": None, "action": None, "response_status": 400, "request_id": 7}``
    """
    return {
        "errors": errors,
        "data": data,
        "action": action,
        "response_status": status,
        "request_id": request_id,
    }


class NativeConsumer:
    """The frames of a socket that has one consumer."""

    def __init__(self, max_frame_size: int | None = None) -> None:
        """``max_frame_size`` counts bytes of UTF-8; a longer frame is answered with 413."""
        self._max_frame_size = max_frame_size

    def receive(self, text: str | None, data: bytes | None = None) -> list[Dispatch | Send]:
        """Read one frame; give it to the consumer (stream ``""``) or answer why not. Never raises.

        A ``text`` of None is a binary frame, whatever ``data`` holds.
        """
        try:
            payload = _object_of(decode(_frame(text, data), self._max_frame_size))
        except InvalidMessage as error:
            request_id = _request_id_of(_salvaged(text, error))
            return [Send(encode(_refusal(error, request_id)))]
        return [Dispatch("", payload)]


class NativeStreams:
    """
    The frames of a socket on which several consumers are reached by the names of their streams.

    A refusal travels in an envelope of the stream that was asked for, or of ``null`` where no
    stream could be read.
    """

    def __init__(self, streams: Collection[str], max_frame_size: int | None = None) -> None:
        """``max_frame_size`` counts bytes of UTF-8; a longer frame is answered with 413."""
        self._streams = streams
        self._max_frame_size = max_frame_size

    def receive(self, text: str | None, data: bytes | None = None) -> list[Dispatch | Send]:
        """Read one envelope; dispatch what it carries or answer why not. Never raises.

        A ``text`` of None is a binary frame, whatever ``data`` holds.
        """
        stream: str | None = None
        request_id: object = None
        try:
            envelope = _object_of(decode(_frame(text, data), self._max_frame_size))
            payload = envelope.get("payload")
            # A client that forgot the envelope still learns which of its requests failed.
            request_id = (payload if isinstance(payload, dict) else envelope).get("request_id")
            stream = _stream_of(envelope)
            if stream not in self._streams:
                return [self._refuse(stream, self._no_such_stream(request_id))]
            return [Dispatch(stream, _object_of(payload, "payload"))]
        except InvalidMessage as error:
            salvaged = _salvaged(text, error)
            if request_id is None:
                request_id = _request_id_of(salvaged)
            if stream is None and isinstance(name := salvaged.get("stream"), str):
                stream = name if name in self._streams else None
            return [self._refuse(stream, _refusal(error, request_id))]

    def envelope(self, stream: str, payload_text: str) -> Send:
        """Wrap a ready JSON text for the client of a stream, without reading it."""
        return Send(self.enveloped(stream, payload_text))

    def enveloped(self, stream: str, payload_text: str) -> str:
        """The same as text alone: the way of an event."""
        return f"{_opening(stream)}{payload_text}}}"

    def _no_such_stream(self, request_id: object) -> dict[str, Any]:
        offered = ", ".join(sorted(self._streams))
        reason = f"stream: expected one of {offered}, got another name"
        return error_payload([reason], NO_SUCH_STREAM, request_id=request_id)

    @staticmethod
    def _refuse(stream: str | None, payload: dict[str, Any]) -> Send:
        return Send(encode({"stream": stream, "payload": payload}))


@lru_cache(maxsize=1024)
def _opening(stream: str) -> str:
    return f'{{"stream": {json.dumps(stream)}, "payload": '


def _frame(text: str | None, data: bytes | None) -> str | bytes | None:
    return data if text is None else text


def _object_of(value: object, field: str = "frame") -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidMessage(field, "an object", kind_of(value))
    return value


def _stream_of(envelope: dict[str, Any]) -> str:
    stream = envelope.get("stream")
    if not isinstance(stream, str):
        raise InvalidMessage("stream", "a string", kind_of(stream))
    return stream


def _refusal(error: InvalidMessage, request_id: object) -> dict[str, Any]:
    status = FRAME_TOO_LONG if isinstance(error, FrameTooLong) else BAD_FRAME
    return error_payload([str(error)], status, request_id=request_id)


def _salvaged(text: str | None, error: InvalidMessage) -> dict[str, Any]:
    """Read a frame leniently that the strict reader refused; empty where that fails too."""
    if text is None or isinstance(error, FrameTooLong):
        return {}
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _request_id_of(frame: dict[str, Any]) -> object:
    """The request_id of a salvaged frame, or of its payload, where it can be echoed."""
    payload = frame.get("payload")
    request_id = (payload if isinstance(payload, dict) else frame).get("request_id")
    if isinstance(request_id, float) and not math.isfinite(request_id):
        return None
    return request_id if isinstance(request_id, str | int | float) else None
