"""
Where the frames of a captured call go instead of a socket.

GraphQL calls consumers whose frames are caught. A frame belongs to the call
whose request_id it carries, else to the call that it was sent from, else to the
subscriptions that are being delivered to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dcrf_graph.exceptions import CallFailed
from dcrf_graph.observer.subscriptions import Delivery

MAX_WAITING_FRAMES = 64
"""Frames of one capture that wait to be read; then whoever sends the next one waits."""


@dataclass(frozen=True)
class Reply:
    """The final reply of a call, as a native client would have read it.

    ``cursors`` are those of its rows, after and before each, in a page by cursor.
    """

    data: Any
    status: int
    errors: list[Any]
    action: str | None
    frame: dict[str, Any]
    cursors: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True)
class Event:
    """One frame of a subscription.

    ``action`` and ``pk`` are the change's, ``data`` is what the handler sent.
    ``errors`` is not empty for an event that could not be delivered, and for one
    that says that others are missing: then ``gap`` says what is known of them.
    """

    action: str | None
    pk: Any
    data: Any
    frame: dict[str, Any]
    errors: tuple[Any, ...] = ()
    status: int = 200
    gap: dict[str, Any] | None = None


def reply_of(frame: dict[str, Any]) -> Reply:
    """Read a frame as a reply; one without a status is a success."""
    status = frame.get("response_status")
    errors = frame.get("errors")
    return Reply(
        data=data_of(frame),
        status=status if isinstance(status, int) else 200,
        errors=errors if isinstance(errors, list) else [],
        action=frame.get("action"),
        frame=frame,
    )


def event_of(frame: dict[str, Any], delivery: Delivery | None) -> Event:
    """Read a frame as an event of the delivery that it was sent in."""
    reply = reply_of(frame)
    failed = reply.status >= 400
    return Event(
        action=reply.action if delivery is None else delivery.event.action or reply.action,
        pk=None if delivery is None else delivery.event.pk,
        data=None if failed else reply.data,
        frame=frame,
        errors=tuple(reply.errors) if failed else (),
        status=reply.status,
        gap=reply.data if failed and reply.action == "gap" else None,
    )


def data_of(frame: dict[str, Any]) -> Any:
    """What a frame says: its ``data``, else its ``body``, else all of it."""
    for key in ("data", "body"):
        if key in frame:
            return frame[key]
    return {key: value for key, value in frame.items() if key != "request_id"}


class Captured:
    """The frames of one call: replies, or a stream of them with an end.

    ``follow`` queues what is read with ``next``; without it only the last frame
    is kept.
    """

    def __init__(self, request_id: str, *, follow: bool = False, events: bool = False) -> None:
        self.request_id = request_id
        self.reply: Reply | None = None
        self.refused = False
        self.acknowledged = False
        self._follow = follow
        self._events = events
        self._frames: deque[Reply | Event] = deque()
        self._changed = asyncio.Event()
        self._ended = False

    async def put(self, frame: dict[str, Any], delivery: Delivery | None, *, final: bool) -> None:
        """Take a frame in; waits while too many are unread.

        ``final`` marks the acknowledgement of a call that has said nothing.
        """
        if self._events and (delivery is not None or self.acknowledged):
            await self._queue(event_of(frame, delivery))
            return
        reply = reply_of(frame)
        acknowledged = final and reply.status == 204 and reply.data is None
        if self.reply is None or not acknowledged:
            self.reply = reply
        if self._follow and not acknowledged:
            await self._queue(reply)

    async def _queue(self, item: Reply | Event) -> None:
        while len(self._frames) >= MAX_WAITING_FRAMES and not self._ended:
            await self._wait()
        if not self._ended:
            self._frames.append(item)
            self._notify()

    async def next(self) -> Reply | Event | None:
        """The next frame; None at the end.

        Cancelling loses nothing.
        """
        while not self._frames:
            if self._ended:
                return None
            await self._wait()
        item = self._frames.popleft()
        self._notify()
        return item

    def refuse(self, frame: dict[str, Any], delivery: Delivery | None) -> None:
        """Say no, last of all. A call that has been answered keeps its answer."""
        if self._ended:
            return
        self.refused = True
        reply = reply_of(frame)
        if self._events and self.acknowledged:
            self._frames.append(event_of(frame, delivery))
        elif self._events or self.reply is None:
            self.reply = reply
        if self._follow:
            self._frames.append(reply)
        self.end()

    def end(self) -> None:
        """Say that no more will come; what waits unread can still be read."""
        self._ended = True
        self._notify()

    async def _wait(self) -> None:
        await self._changed.wait()

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Events:
    """The events of one subscription, until it ends or is closed.

    Iterating raises ``CallFailed`` when a delivery is refused; that ends it.
    Cancelling a wait loses no event. ``first`` comes before all others.
    """

    def __init__(
        self,
        captured: Captured,
        unsubscribe: Callable[[], None],
        first: Event | None = None,
    ) -> None:
        self._captured = captured
        self._unsubscribe = unsubscribe
        self._first = first

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Event:
        first, self._first = self._first, None
        if first is not None:
            return first
        event = await self._captured.next()
        if event is None:
            raise StopAsyncIteration
        assert isinstance(event, Event)
        if event.errors and self._captured.refused:
            await self.aclose()
            raise CallFailed(event.status, list(event.errors))
        return event

    async def aclose(self) -> None:
        """Unsubscribe; harmless when repeated. Works before the first event too."""
        self._unsubscribe()
