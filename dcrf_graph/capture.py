"""
Where the frames of a captured call go instead of a socket.

GraphQL calls consumers whose frames are caught. A frame belongs to the call
whose request_id it carries, else to the call that it was sent from, else to the
subscriptions that are being delivered to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Protocol

from rest_framework.status import HTTP_200_OK

from dcrf_graph.encoding import dumps
from dcrf_graph.exceptions import CallFailed
from dcrf_graph.observer.deliverer import running_apart
from dcrf_graph.observer.delivery import Delivery, current_delivery
from dcrf_graph.replies import Event, Reply, event_of, reply_of

MAX_WAITING_FRAMES = 64
"""Frames of one capture that wait to be read; then whoever sends the next one waits."""


@dataclass(frozen=True, slots=True)
class Text:
    """One frame of a subscription as it was sent, unread, without its request_id."""

    text: str
    delivery: Delivery


class Listener(Protocol):
    """Hears events, each in the delivery that it comes from, which waits for it."""

    async def receive(self, event: Event) -> None:
        """Take an event."""

    def over(self) -> None:
        """Hear that no more will come; called once."""


class Reader(Protocol):
    """Takes the events that are no refusals, unread."""

    def ready(self, text: str, memo: dict[Any, Any]) -> Awaitable[None] | None:
        """What sends an event's result, if it is there already; it does not raise."""

    def read(self, text: str, delivery: Delivery) -> Awaitable[None]:
        """Take an event."""


class Captor(Protocol):
    """Takes the frames of a consumer whose client does not want their text."""

    def capture(self, content: dict[str, Any]) -> Awaitable[None]:
        """Give a frame, as a consumer sends it, to whom it belongs."""


def is_success(status: Any) -> bool:
    """Whether a status is one, and of no refusal."""
    return isinstance(status, int) and status < 400


class Source(Protocol):
    """Where a captured call was made."""

    def forget(self, captured: Captured) -> None:
        """Unsubscribe what the call has subscribed; harmless when repeated."""


class Captured:
    """The frames of one call: replies, or a stream of them with an end.

    ``follow`` queues what is read with ``next``; without it only the last frame
    is kept. ``hear`` gives events to a listener instead, in the delivery
    that they come from.
    """

    __slots__ = (
        "_ended",
        "_events",
        "_failure",
        "_follow",
        "_frames",
        "_listener",
        "_reader",
        "_receiving",
        "_tells_end",
        "_waiting",
        "acknowledged",
        "refused",
        "reply",
        "request_id",
    )

    def __init__(self, request_id: str, *, follow: bool = False, events: bool = False) -> None:
        self.request_id = request_id
        self.reply: Reply | None = None
        self.refused = False
        self.acknowledged = False
        self._follow = follow
        self._events = events
        self._frames: deque[Any] | None = None
        self._waiting: list[asyncio.Future[None]] | None = None
        self._listener: Listener | None = None
        self._reader: Reader | None = None
        self._receiving = False
        self._failure: Exception | None = None
        self._ended = False
        self._tells_end = False

    def acknowledge(self) -> None:
        """Take what comes from now on as events; the reply has been read."""
        self.acknowledged = True
        self.reply = None

    def take(self, content: dict[str, Any], delivery: Delivery) -> Awaitable[None] | None:
        """What takes in a frame of a delivery unread: an event, and no refusal.

        None where nobody listens who reads it himself.
        """
        reader = self._reader
        if reader is None or self.refused:
            return None
        status = content.get("response_status")
        if status is not HTTP_200_OK and status is not None and not is_success(status):
            return None
        # The text without its id, so that what was sent to each can be compared. A copy would be
        # dearer than the rest of it, and nobody sees that it is away for a moment.
        content["request_id"] = None
        try:
            text = dumps(content)
        finally:
            content["request_id"] = self.request_id
        if self._receiving or self._frames or self._ended:
            return self._put_text(text, delivery)
        return reader.ready(text, delivery.event.memo) or self._put_text(text, delivery)

    def told(self, text: str, memo: dict[Any, Any]) -> Awaitable[None] | None:
        """What sends the result of such a text, in which the request_id is null, if it is there.

        None where it is not, or something waits.
        """
        reader = self._reader
        if reader is None or self.refused or self._receiving or self._frames or self._ended:
            return None
        return reader.ready(text, memo)

    async def _put_text(self, text: str, delivery: Delivery) -> None:
        if self._ended:
            return
        if self._receiving or self._frames or self._reader is None:
            await self._queue(Text(text, delivery))
            return
        self._receiving = True
        token = current_delivery.set(None)
        try:
            await self._reader.read(text, delivery)
        except Exception as error:
            self._fail(error)
        except BaseException:
            self._go_on_apart()
            raise
        finally:
            self._receiving = False
            current_delivery.reset(token)
        if self._ended:
            self._notify()
        elif self._frames:
            await self._hand_over(self._frames.popleft())

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

    async def _queue(self, item: Any) -> None:
        if self._ended:
            return
        if self._listener is not None and not self._receiving:
            if self._frames:
                # Left behind by an event that was cancelled while it was told, a moment ago.
                self._frames.append(item)
                item = self._frames.popleft()
            await self._hand_over(item)
            return
        if self._frames is None:
            self._frames = deque()
        while len(self._frames) >= MAX_WAITING_FRAMES and not self._ended:
            await self._wait()
        if not self._ended:
            self._frames.append(item)
            self._notify()

    async def _hand_over(self, item: Any) -> None:
        """Give one item to whoever listens, and what comes meanwhile after it."""
        self._receiving = True
        # Whoever listens may make calls, whose frames are no part of this delivery.
        token = current_delivery.set(None)
        try:
            while True:
                if self.refused and isinstance(item, Event) and item.errors:
                    self._fail(CallFailed(item.status, list(item.errors)))
                    return
                await self._give(item)
                if self._ended or not self._frames:
                    return  # `finish` gives what came before the end
                item = self._frames.popleft()
                self._notify()
        except Exception as error:
            self._fail(error)
        except BaseException:
            self._go_on_apart()
            raise
        finally:
            self._receiving = False
            current_delivery.reset(token)
            if self._ended:
                self._notify()

    def _go_on_apart(self) -> None:
        """Have what waits told by a task of its own: who was to tell it has been cancelled."""
        if self._frames and not self._ended:
            loop = asyncio.get_running_loop()
            running_apart(loop.create_task(self._tell_waiting(), context=Context()))

    async def _tell_waiting(self) -> None:
        if self._frames and not (self._ended or self._receiving):
            await self._hand_over(self._frames.popleft())

    async def _give(self, item: Any) -> None:
        assert self._listener is not None
        if not isinstance(item, Text):
            await self._listener.receive(item)
        elif self._reader is not None:
            await self._reader.read(item.text, item.delivery)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self.end()

    async def hear(self, listener: Listener, reader: Reader | None) -> bool:
        """
        Give every event to a listener, one after the other, from now on.

        With a reader that is given what is no refusal, unread. Nothing waits for the end, which
        the listener is told. False if it has come already.
        """
        self._listener, self._reader = listener, reader
        if self._frames and not self._ended:
            await self._hand_over(self._frames.popleft())
        self._tells_end = not self._ended
        return self._tells_end

    async def finish(self) -> None:
        """
        Give what has come before the end, when that has come, after what is being given.

        Raises:
            CallFailed: when a delivery was refused; that is the end.
            Exception: what ``receive`` has raised; that is the end, too.
        """
        while self._receiving:
            await self._wait()
        if self._failure is not None:
            raise self._failure
        while self._frames:
            item = self._frames.popleft()
            if isinstance(item, Event) and item.errors and self.refused:
                raise CallFailed(item.status, list(item.errors))
            await self._give(item)

    async def next(self) -> Reply | Event | None:
        """The next frame; None at the end.

        Cancelling loses nothing.
        """
        while not self._frames:
            if self._ended:
                return None
            await self._wait()
        item: Reply | Event = self._frames.popleft()
        self._notify()
        return item

    def refuse(self, frame: dict[str, Any], delivery: Delivery | None) -> None:
        """Say no, last of all. A call that has been answered keeps its answer."""
        if self._ended:
            return
        self.refused = True
        reply = reply_of(frame)
        if self._frames is None:
            self._frames = deque()
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
        if self._tells_end and self._listener is not None:
            self._tells_end = False
            self._listener.over()

    async def _wait(self) -> None:
        changed = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(changed)
        await changed

    def _notify(self) -> None:
        waiting, self._waiting = self._waiting, None
        for changed in waiting or ():
            if not changed.done():
                changed.set_result(None)


class Events:
    """The events of one subscription, until it ends or is closed.

    Iterating raises ``CallFailed`` when a delivery is refused; that ends it.
    Cancelling a wait loses no event. ``first`` comes before all others.
    """

    __slots__ = ("_captured", "_first", "_source")

    def __init__(self, captured: Captured, source: Source, first: Event | None = None) -> None:
        self._captured = captured
        self._source = source
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

    async def hear(self, listener: Listener, reader: Reader | None) -> bool:
        """
        Give every event to a listener in the delivery that it comes from; nothing waits for them.

        When the listener is told that no more will come, ``finish``.

        Args:
            reader: is given the events that are no refusals, unread.

        Returns False if no more will come already.
        """
        first, self._first = self._first, None
        if first is not None:
            await listener.receive(first)
        return await self._captured.hear(listener, reader)

    async def finish(self) -> None:
        """
        Give what came before the end.

        Raises:
            CallFailed: when a delivery was refused.
        """
        await self._captured.finish()

    def close(self) -> None:
        """Unsubscribe; harmless when repeated."""
        self._source.forget(self._captured)

    async def aclose(self) -> None:
        """Unsubscribe; harmless when repeated. Works before the first event too."""
        self._source.forget(self._captured)
