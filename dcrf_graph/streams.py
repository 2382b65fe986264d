"""
The consumer instances of one connection: one per stream, made when first asked for.

An instance lives a consumer's own life: ``websocket_connect`` before the first
call, ``websocket_disconnect`` at the end. What it sends goes to the client of a
native connection, or is captured for the GraphQL operation that called.
Refusing or closing ends its own stream; the neighbours live.

Source: docs/decisions/0001-graphql-is-a-typed-client-of-the-native-dispatch.md
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer
from rest_framework.exceptions import APIException

from dcrf_graph.api_consumer import INTERNAL_ERROR, AsyncAPIConsumer
from dcrf_graph.calls import Call, current_call
from dcrf_graph.capture import Captured, Event, Reply, reply_of
from dcrf_graph.connection import Connection
from dcrf_graph.exceptions import CallFailed, StreamRefused, TooManyCalls
from dcrf_graph.observer.subscriptions import current_delivery
from dcrf_graph.protocols.native import error_payload

logger = logging.getLogger(__name__)

Outlet = Callable[[str, str], Awaitable[None]]
"""Sends the JSON text of a frame to the client: ``await outlet(stream, text)``."""

CLOSED = "This stream is closed."
REFUSED = "You do not have permission to connect to this stream."


class Stream:
    """One consumer instance on one connection.

    Without an ``outlet`` its frames are captured.
    """

    def __init__(
        self,
        name: str,
        application: Any,
        scope: Mapping[str, Any],
        connection: Connection,
        outlet: Outlet | None,
    ) -> None:
        self.name = name
        self.connection = connection
        self.outlet = outlet
        self.closed = False
        self.disconnected = False
        self.captures: dict[str, Captured] = {}
        self._accepted = False
        self._code: int | None = None
        self._listening: asyncio.Task[Any] | None = None
        consumer_class: type[AsyncAPIConsumer] = application.consumer_class
        self.consumer = consumer_class(**application.consumer_initkwargs)
        self.scope = dict(scope)

    async def open(self) -> None:
        """Connect the consumer.

        Raises:
            StreamRefused: if it does not accept; it has been disconnected.
        """
        layer = get_channel_layer(self.consumer.channel_layer_alias)
        channel = None if layer is None else await layer.new_channel()
        self.consumer.host(
            self.scope, self.connection, self._send, layer, channel, self._channel_used
        )
        self.consumer.on_subscription_end = self._subscription_ended
        try:
            await self.consumer.websocket_connect({"type": "websocket.connect"})
        except BaseException:
            await self.close(1011)
            raise
        if not self._accepted or self.closed:
            code = self._code
            await self.close(code or 1000)
            raise StreamRefused(self.name, code)

    async def close(self, code: int) -> None:
        """Disconnect the consumer, once."""
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        if self.disconnected:
            return
        self.disconnected = self.closed = True
        for captured in list(self.captures.values()):
            captured.end()
        try:
            await self.consumer.websocket_disconnect({"type": "websocket.disconnect", "code": code})
        except StopConsumer:
            pass
        except Exception:
            logger.exception("The consumer of %s failed to disconnect", self.name)

    # -- what the consumer sends ------------------------------------------------

    async def _send(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "websocket.accept":
                self._accepted = True
            case "websocket.close" if not self.closed:
                await self._closed_by_consumer(message.get("code"))
            case "websocket.send" if not self.closed:
                text = message.get("text")
                if text is None:
                    logger.warning("The consumer of %s sent bytes, which are dropped", self.name)
                elif self.outlet is not None:
                    await self.outlet(self.name, text)
                else:
                    await self._capture(text)

    async def _closed_by_consumer(self, code: int | None) -> None:
        self._code, self.closed = code, True
        for captured in list(self.captures.values()):
            captured.refused = True
            frame = error_payload([CLOSED], 403, request_id=captured.request_id)
            await captured.put(frame, current_delivery.get(), final=False)
            captured.end()
        if not self._accepted:
            return
        call = current_call.get()
        if self.outlet is not None:
            request_id = None if call is None else call.request_id
            await self.outlet(self.name, json.dumps(error_payload([CLOSED], 403, None, request_id)))
        if call is not None:
            call.answered = True
        self.connection.start(self.close(code or 1000))

    async def _capture(self, text: str) -> None:
        frame = json.loads(text)
        if not isinstance(frame, dict):
            frame = {"data": frame}
        delivery, call = current_delivery.get(), current_call.get()
        named = frame.get("request_id")
        if isinstance(named, str) and named in self.captures:
            owners = [named]
        elif delivery is not None:
            owners = [subscriber.reply_id for subscriber in delivery.subscribers]
        else:
            owners = [] if call is None else [call.request_id]
        final = call is not None and delivery is None and call.request_id == named
        for owner in owners:
            captured = self.captures.get(owner)
            if captured is not None:
                await captured.put(frame, delivery, final=final)

    def _subscription_ended(self, request_id: Any) -> None:
        if request_id in self.captures:
            self.captures[request_id].refused = True

    # -- the consumer's own channel -----------------------------------------------

    def _channel_used(self) -> None:
        self._listening = self.connection.start(self._listen())

    async def _listen(self) -> None:
        layer, channel = self.consumer.channel_layer, self.consumer.channel_name
        while True:
            message = await layer.receive(channel)
            try:
                await self.consumer.dispatch(message)
            except StopConsumer:
                return
            except Exception:
                logger.exception("The consumer of %s failed on a message", self.name)


class Streams:
    """The consumer instances of one connection, or of one HTTP request.

    Args:
        applications: what ``Consumer.as_asgi()`` returned, by stream.
        scope: the ASGI scope that each instance gets a copy of.
        connection: what owns the tasks.
        outlet: where native frames go; without it frames are captured.
    """

    def __init__(
        self,
        applications: Mapping[str, Any],
        scope: Mapping[str, Any],
        connection: Connection,
        outlet: Outlet | None = None,
    ) -> None:
        self.applications = applications
        self.scope = scope
        self.connection = connection
        self.outlet = outlet
        self._opened: dict[str, asyncio.Task[Stream | Exception]] = {}
        self._request_ids = itertools.count(1)

    async def open(self, name: str) -> Stream:
        """The open stream of this name; made, and connected, by the first who asks.

        Raises:
            KeyError: if there is no such stream.
            StreamRefused: if its consumer does not let this client connect. The next
                who asks asks the consumer again.
        """
        opening = self._opened.get(name)
        if opening is None or (opening.done() and not usable(opening)):
            stream = Stream(name, self.applications[name], self.scope, self.connection, self.outlet)
            opening = self._opened[name] = self.connection.start(self._connect(stream))
        opened = await asyncio.shield(opening)
        if isinstance(opened, Exception):
            raise opened
        return opened

    async def _connect(self, stream: Stream) -> Stream | Exception:
        try:
            await stream.open()
        except Exception as error:
            return error
        return stream

    async def close(self, code: int = 1000) -> None:
        """Disconnect every consumer and end everything that runs on them."""
        opened, self._opened = self._opened, {}
        for opening in opened.values():
            if usable(opening):
                stream = opening.result()
                assert isinstance(stream, Stream)
                await stream.close(code)
        await self.connection.close()

    # -- native frames ----------------------------------------------------------------

    async def receive(self, name: str, payload: dict[str, Any]) -> None:
        """Give a native frame to the consumer of a stream; whatever happens is answered there."""
        try:
            stream = await self.open(name)
        except StreamRefused:
            errors, status = [REFUSED], 403
        except Exception:
            logger.exception("The consumer of %s failed to connect", name)
            errors, status = [INTERNAL_ERROR], 500
        else:
            await stream.consumer.start_frame(payload)
            return
        request_id = payload.get("request_id")
        action = payload.get("action")
        frame = error_payload(
            errors, status, action if isinstance(action, str) else None, request_id
        )
        assert self.outlet is not None
        await self.outlet(name, json.dumps(frame))

    # -- captured calls ------------------------------------------------------------------

    async def call(self, stream: str, action: str, arguments: Mapping[str, Any]) -> Reply:
        """
        Call an action and wait for its final reply.

        A refusal by the action is a reply with its status, not an exception.

        Raises:
            StreamRefused: if the consumer does not let this client connect.

        Cancelling cancels the action.
        """
        opened = await self.open(stream)
        captured = Captured(self._request_id())
        return await self._call(opened, action, arguments, captured)

    async def events(self, stream: str, action: str, arguments: Mapping[str, Any]) -> Events:
        """
        Call a subscribing action; what its observer's handler then sends for it is the result.

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
            self._forget(opened, captured)
            raise
        captured.acknowledged = True
        return Events(captured, lambda: self._forget(opened, captured))

    async def pages(
        self, stream: str, action: str, arguments: Mapping[str, Any]
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
        running = self.connection.start(self._call(opened, action, arguments, captured, keep=True))
        running.add_done_callback(lambda _: captured.end())
        try:
            while (reply := await captured.next()) is not None:
                assert isinstance(reply, Reply)
                if reply.status >= 400:
                    raise CallFailed(reply.status, reply.errors)
                yield reply
        finally:
            running.cancel()
            await asyncio.wait([running])
            self._forget(opened, captured)

    async def _call(
        self,
        stream: Stream,
        action: str,
        arguments: Mapping[str, Any],
        captured: Captured,
        *,
        keep: bool = False,
    ) -> Reply:
        request_id = captured.request_id
        stream.captures[request_id] = captured
        try:
            self.connection.admit()
            try:
                call = Call(action, request_id, captured=True)
                await stream.consumer.run_call(action, request_id, arguments, call)
            finally:
                self.connection.release()
        except TooManyCalls as refusal:
            return refused(refusal)
        finally:
            if not keep:
                self._forget(stream, captured)
        if captured.reply is None:
            # Only a consumer that overrides the dispatch can leave a call unanswered.
            return reply_of({"data": None, "response_status": 204})
        return captured.reply

    def _forget(self, stream: Stream, captured: Captured) -> None:
        captured.end()
        stream.captures.pop(captured.request_id, None)
        stream.consumer.subscriptions.end(captured.request_id)

    def _request_id(self) -> str:
        return f"graphql-{next(self._request_ids)}"


class Events:
    """The events of one subscription, until it ends or is closed.

    Iterating raises ``CallFailed`` when a delivery is refused; that ends it.
    Cancelling a wait loses no event.
    """

    def __init__(self, captured: Captured, unsubscribe: Callable[[], None]) -> None:
        self._captured = captured
        self._unsubscribe = unsubscribe

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Event:
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


def usable(opening: asyncio.Task[Stream | Exception]) -> bool:
    """Whether a stream has been opened and is open still."""
    if not opening.done() or opening.cancelled() or opening.exception() is not None:
        return False
    opened = opening.result()
    return isinstance(opened, Stream) and not opened.closed


def refused(error: APIException) -> Reply:
    """A refusal that no action has made."""
    return reply_of(error_payload([str(error.detail)], error.status_code))
