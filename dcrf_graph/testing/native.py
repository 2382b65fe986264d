"""A native client: sends actions, reads replies and what comes after them."""

from __future__ import annotations

import itertools
from typing import Any

from dcrf_graph.testing.socket import Socket


class NativeClient(Socket):
    """
    Speaks the native protocol, to one consumer or to the streams of a router.

    Frames are given as they are on the wire, without the envelope of their stream:
    ``{"errors": [], "data": ..., "action": "list", "response_status": 200, "request_id": 1}``.

    Args:
        stream: the stream that is meant where none is named, e.g. ``"cards"``.
        more: as any client, e.g. ``user``.
    """

    def __init__(self, application: Any, *, stream: str | None = None, **more: Any) -> None:
        super().__init__(application, **more)
        self.stream = stream
        self._request_ids = itertools.count(1)

    async def send(self, action: str, /, *, stream: str | None = None, **arguments: Any) -> int:
        """Ask for an action, and do not wait; returns the request_id."""
        request_id = next(self._request_ids)
        payload = {"action": action, "request_id": request_id, **arguments}
        stream = stream or self.stream
        await self.send_json(payload if stream is None else {"stream": stream, "payload": payload})
        return request_id

    async def call(self, action: str, /, *, stream: str | None = None, **arguments: Any) -> Any:
        """
        Ask for an action; its reply, also of one that is refused: see ``response_status``.

        What else comes meanwhile is kept for ``receive``. When a subscribing action has been
        answered its events are heard. They have its ``request_id``.
        """
        request_id = await self.send(action, stream=stream, **arguments)
        frame = await self._first(
            lambda frame: request_id_of(frame) == request_id,
            f"the reply to {action!r} (request_id {request_id})",
        )
        return payload_of(frame)

    async def receive(self, *, stream: str | None = None) -> Any:
        """The next frame that is no reply to a call: an event."""
        stream = stream or self.stream
        awaited = "a frame" if stream is None else f"a frame of {stream!r}"
        return payload_of(await self._first(lambda frame: is_of(frame, stream), awaited))

    async def nothing(self, *, stream: str | None = None) -> None:
        """Be sure that no frame comes any more: wait until nothing is going on.

        Raises:
            AssertionError: one has come.
        """
        stream = stream or self.stream
        await self._none(lambda frame: is_of(frame, stream))


def is_of(frame: Any, stream: str | None) -> bool:
    """Whether a frame is of a stream; all are of None."""
    return stream is None or (isinstance(frame, dict) and frame.get("stream") == stream)


def payload_of(frame: Any) -> Any:
    """A frame without the envelope of its stream."""
    enveloped = isinstance(frame, dict) and frame.keys() == {"stream", "payload"}
    return frame["payload"] if enveloped else frame


def request_id_of(frame: Any) -> Any:
    """Which request a frame belongs to, if any."""
    payload = payload_of(frame)
    return payload.get("request_id") if isinstance(payload, dict) else None
