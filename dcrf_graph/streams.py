"""
The consumer instances of one connection: one per stream, made when first asked for.

Refusing or closing ends its own stream; the neighbours live.

Source: docs/decisions/0001-graphql-is-a-typed-client-of-the-native-dispatch.md
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from rest_framework.exceptions import APIException

from dcrf_graph.answers import INTERNAL_ERROR
from dcrf_graph.api_consumer import is_cancel, is_end
from dcrf_graph.calls import Call
from dcrf_graph.cancelling import (
    CANCEL,
    CANCELLED,
    CANCELLED_STATUS,
    cancelling_answer,
    request_id_of,
)
from dcrf_graph.capture import Captured, Events
from dcrf_graph.connection import Connection
from dcrf_graph.exceptions import CallFailed, StreamRefused, TooManyCalls, TooManyStreams
from dcrf_graph.loading.representation import Selection
from dcrf_graph.protocols.native import error_payload
from dcrf_graph.replies import Event, Reply, reply_of
from dcrf_graph.settings import api_settings
from dcrf_graph.stream import Outlet, Stream
from dcrf_graph.threads import own_thread

logger = logging.getLogger(__name__)

REFUSED = "You do not have permission to perform this action."


@dataclass(eq=False)
class Waiting:
    """A native frame that waits for its stream to open; it counts as a pending call."""

    stream: str
    payload: dict[str, Any]
    release: Callable[[], None] | None

    def admitted(self) -> None:
        """Count it no longer; harmless when repeated."""
        release, self.release = self.release, None
        if release is not None:
            release()


class Streams:
    """The consumer instances of one connection, or of one HTTP request.

    Args:
        applications: what ``Consumer.as_asgi()`` returned, by stream.
        scope: the ASGI scope that each instance gets a copy of, with the user whom the
            connection knows, if it knows any.
        connection: what owns the tasks.
        outlet: where native frames go; without it frames are captured.
        more: what those copies have besides.
    """

    __slots__ = (
        "__weakref__",
        "_doors",
        "_last_id",
        "_made",
        "_more",
        "_opening",
        "_waiting",
        "applications",
        "connection",
        "outlet",
        "scope",
    )

    def __init__(
        self,
        applications: Mapping[str, Any],
        scope: Mapping[str, Any],
        connection: Connection,
        outlet: Outlet | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.applications = applications
        self.scope = scope
        self.connection = connection
        self.outlet = outlet
        # A line of those who ask for a stream, while there is one, and how many they are.
        self._doors: dict[str, tuple[asyncio.Lock, int]] | None = None
        self._opening: dict[str, asyncio.Task[Stream | Exception]] | None = None
        self._made: tuple[Stream, ...] = ()
        self._waiting: dict[asyncio.Task[Any], Waiting] | None = None
        self._more = more
        self._last_id = 0

    async def open(self, name: str) -> Stream:
        """The open stream of this name; made, and connected, by the first who asks.

        Those who ask get it in the order in which they asked.

        Raises:
            KeyError: if there is no such stream.
            StreamRefused: if its consumer does not let this client connect. The next
                who asks asks the consumer again.
            TooManyStreams: when ``MAX_STREAMS`` others are open.
        """
        doors = self._doors
        if doors is None or name not in doors:
            opened = self._open(name)
            if opened is not None:
                return opened
        if doors is None:
            doors = self._doors = {}
        door, asking = doors.get(name) or (asyncio.Lock(), 0)
        doors[name] = door, asking + 1
        try:
            async with door:
                found = await self._found(name)
        finally:
            _, asking = doors.pop(name)
            if asking > 1:
                doors[name] = door, asking - 1
            elif not doors:
                self._doors = None
        if isinstance(found, Exception):
            raise found
        if found.closed:
            raise StreamRefused(name)
        return found

    def _open(self, name: str) -> Stream | None:
        """The stream of this name, where it is open already."""
        return next((each for each in self._made if each.is_open and each.name == name), None)

    async def _found(self, name: str) -> Stream | Exception:
        opened = self._open(name)
        if opened is not None:
            return opened
        if self._opening is None:
            self._opening = {}
        opening = self._opening.get(name)
        if opening is None:
            if self._in_use() >= api_settings.MAX_STREAMS:
                raise TooManyStreams()
            opening = self.connection.start(self._connect(name))
            self._opening[name] = opening
            opening.add_done_callback(partial(self._open_no_more, name))
        return await asyncio.shield(opening)

    def _open_no_more(self, name: str, _: object) -> None:
        if self._opening is not None:
            self._opening.pop(name, None)
            if not self._opening:
                self._opening = None

    async def consumer(self, name: str) -> Any:
        """The consumer of a stream itself, connected: for what is no action of it.

        Nothing is asked of its permissions but ``can_connect``.

        Raises:
            KeyError: if there is no such stream.
            StreamRefused: if it does not let this client connect.
        """
        return (await self.open(name)).consumer

    def _in_use(self) -> int:
        opened = sum(stream.is_open for stream in self._made)
        return opened + sum(not opening.done() for opening in (self._opening or {}).values())

    async def _connect(self, name: str) -> Stream | Exception:
        try:
            presence = self.connection.presence
            known = {} if presence is None else presence.known
            scope = {**self.scope, **known, **(self._more or {})}
            stream = Stream(name, self.applications[name], scope, self.connection, self.outlet)
            self._made = (*(each for each in self._made if not each.disconnected), stream)
            await stream.open()
        except Exception as error:
            return error
        return stream

    async def adopt(self, known: Mapping[str, Any]) -> None:
        """
        Have every consumer go on as the user that is known now.

        Each is asked again whether the client may connect, and each subscription
        whether it may listen.

        Args:
            known: the ``user`` and ``auth`` of the scope.
        """
        async with own_thread():
            for stream in list(self._made):
                await stream.adopt(known)

    def hush(self) -> None:
        """End the subscriptions and what is detached; calls that run are still answered."""
        for stream in self._made:
            stream.hush()

    async def close(self, code: int = 1000) -> None:
        """End every call, then disconnect every consumer."""
        try:
            await self.connection.close()
        finally:
            made, self._made = self._made, ()
            await asyncio.gather(*(stream.close(code) for stream in made))
            # What a consumer started while it said goodbye.
            await self.connection.close()

    # -- native frames ----------------------------------------------------------------

    async def receive(self, name: str, payload: dict[str, Any]) -> None:
        """Give a native frame to the consumer of a stream; whatever happens is answered there.

        Returns when the frame has its place in the line, or has been answered.
        """
        if is_cancel(self.applications[name].consumer_class, payload):
            await self._cancel(name, payload.get("request_id"))
            return
        try:
            self.connection.admit(ends=is_end(self.applications[name].consumer_class, payload))
        except TooManyCalls as refusal:
            await self.refuse(name, payload, refusal)
            return
        waiting = Waiting(name, payload, self.connection.release)
        task = self.connection.start(self._hand_over(waiting))
        if self._waiting is None:
            self._waiting = {}
        self._waiting[task] = waiting
        task.add_done_callback(self._wait_no_more)

    def _wait_no_more(self, task: asyncio.Task[Any]) -> None:
        if self._waiting is not None:
            # It may have been cancelled before it began.
            self._waiting.pop(task).admitted()
            if not self._waiting:
                self._waiting = None

    async def _hand_over(self, waiting: Waiting) -> None:
        name, payload = waiting.stream, waiting.payload
        try:
            try:
                stream = await self.open(name)
            finally:
                # The consumer admits the call itself, before anybody else can come.
                waiting.admitted()
            started = await stream.consumer.start_frame(payload)
        except Exception as error:
            await self.refuse(name, payload, error)
            return
        if started is not None:
            stream.follow(*started)

    async def _cancel(self, name: str, request_id: Any) -> None:
        """Cancel what a request has under way on a stream, which is not opened for that."""
        found = False
        for task, waiting in list((self._waiting or {}).items()):
            if waiting.stream == name and waiting.payload.get("request_id") == request_id:
                found = True
                task.cancel()
                await self.refuse(name, waiting.payload, CallFailed(CANCELLED_STATUS, [CANCELLED]))
        opened = self._open(name)
        if opened is not None:
            await opened.consumer.cancel_request(request_id, found=found)
            return
        errors, status = cancelling_answer(request_id, found)
        await self._answer(name, errors, status, CANCEL, request_id_of(request_id))

    async def refuse(self, name: str, payload: dict[str, Any], error: Exception) -> None:
        """Answer a frame that does not become a call."""
        action = payload.get("action")
        named = action if isinstance(action, str) else None
        await self._answer(name, *refusal_of(error, name), named, payload.get("request_id"))

    async def _answer(
        self, name: str, errors: list[Any], status: int, action: str | None, request_id: Any
    ) -> None:
        assert self.outlet is not None
        frame = error_payload(errors, status, action=action, request_id=request_id)
        await self.outlet(name, json.dumps(frame))

    # -- captured calls ------------------------------------------------------------------

    async def call(
        self,
        stream: str,
        action: str,
        arguments: Mapping[str, Any],
        selection: Selection | None = None,
    ) -> Reply:
        """
        Call an action and wait for its final reply.

        A refusal by the action is a reply with its status, not an exception.

        Args:
            selection: what is wanted of each row, where that is not all; the
                reply may hold more.

        Raises:
            StreamRefused: if the consumer does not let this client connect.

        Cancelling cancels the action.
        """
        opened = await self.open(stream)
        captured = Captured(self._request_id())
        return await self._call(opened, action, arguments, captured, selection)

    async def events(
        self, stream: str, action: str, arguments: Mapping[str, Any], *, answers: bool = False
    ) -> Events:
        """
        Call a subscribing action; what its observer's handler then sends for it is the result.

        Args:
            answers: what the action answers is the first event.

        Raises:
            StreamRefused: if the consumer does not let this client connect.
            CallFailed: if the action refuses; nothing is subscribed.

        Cancelling unsubscribes whatever the action had subscribed.
        """
        opened = await self.open(stream)
        captured = Captured(self._request_id(), events=True)
        try:
            reply = await self._call(opened, action, arguments, captured, keep=True)
            if reply.status >= 400:
                raise CallFailed(reply.status, reply.errors)
        except BaseException:
            opened.forget(captured)
            raise
        captured.acknowledge()
        first = Event(None, None, reply.data, reply.frame) if answers else None
        return Events(captured, opened, first)

    async def pages(
        self,
        stream: str,
        action: str,
        arguments: Mapping[str, Any],
        selection: Selection | None = None,
    ) -> AsyncGenerator[Reply, None]:
        """
        Call an action that answers with many replies, and yield them.

        Closing the generator cancels the action.

        Raises:
            StreamRefused: if the consumer does not let this client connect.
            CallFailed: by the first reply that is a refusal.
        """
        opened = await self.open(stream)
        captured = Captured(self._request_id(), follow=True)
        work = self._call(opened, action, arguments, captured, selection, keep=True)
        running = self.connection.start(work)
        running.add_done_callback(lambda _: captured.end())
        try:
            while (reply := await captured.next()) is not None:
                assert isinstance(reply, Reply)
                if reply.status >= 400:
                    raise CallFailed(reply.status, reply.errors)
                yield reply
            last = await running
            if last.status >= 400:
                raise CallFailed(last.status, last.errors)
        finally:
            running.cancel()
            await asyncio.wait([running])
            opened.forget(captured)

    async def _call(
        self,
        stream: Stream,
        action: str,
        arguments: Mapping[str, Any],
        captured: Captured,
        selection: Selection | None = None,
        *,
        keep: bool = False,
    ) -> Reply:
        request_id = captured.request_id
        call = Call(action, request_id, captured=True, selection=selection)
        try:
            self.connection.admit(call)
        except TooManyCalls as refusal:
            return reply_of(error_payload([str(refusal.detail)], refusal.status_code))
        stream.catch(captured)
        work = stream.consumer.run_call(action, request_id, arguments, call)
        running = self.connection.start(work)
        stream.follow(call, running)
        try:
            await until_answered(call, running)
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if not captured.refused or (this is not None and this.cancelling()):
                raise
            # The consumer closed the stream, which cancelled the call and nobody else.
        finally:
            self.connection.release(call)
            if not keep:
                stream.forget(captured)
        if captured.reply is None:
            # Only a consumer that overrides the dispatch can leave a call unanswered.
            return reply_of({"data": None, "response_status": 204})
        return replace(captured.reply, cursors=call.cursors)

    def _request_id(self) -> str:
        self._last_id += 1
        return f"graphql-{self._last_id}"


async def until_answered(call: Call, running: asyncio.Task[Any]) -> None:
    """Wait until a call has run, or has been ended: synchronous code may then go on for a while.

    Cancelling cancels the call, and waits until it has ended.
    """
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(_: object = None) -> None:
        if not over.done():
            over.set_result(None)

    call.on_end = end
    running.add_done_callback(end)
    try:
        await over
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.wait([running])
        raise
    if not call.ended:
        running.result()


def refusal_of(error: Exception, name: str) -> tuple[list[Any], int]:
    """The errors and the status that a client is told when its stream could not be opened."""
    match error:
        case StreamRefused():
            return [str(error)], 403
        case APIException(detail=detail, status_code=status):
            return list(detail) if isinstance(detail, list) else [detail], status
        case CallFailed(status=status, errors=errors):
            return errors, status
        case DjangoPermissionDenied():
            return [str(error) or REFUSED], 403
        case _:
            logger.error("The consumer of %s failed to connect", name, exc_info=error)
            return [INTERNAL_ERROR], 500
