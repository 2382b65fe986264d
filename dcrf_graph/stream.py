"""
One consumer instance on one connection, and where its frames go.

It lives a consumer's own life: ``websocket_connect`` before the first call,
``websocket_disconnect`` at the end. What it sends goes to the client of a
native connection, or is captured for the GraphQL operation that called.

Source: docs/decisions/0001-graphql-is-a-typed-client-of-the-native-dispatch.md
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from typing import Any

from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer
from rest_framework.exceptions import APIException

from dcrf_graph.api_consumer import AsyncAPIConsumer
from dcrf_graph.calls import Call, current_call
from dcrf_graph.capture import Captured
from dcrf_graph.carrier import Carrier, Written
from dcrf_graph.changes.change import Event
from dcrf_graph.changes.receiver import RETRY_DELAY
from dcrf_graph.connection import Connection
from dcrf_graph.encoding import dumps, loads
from dcrf_graph.exceptions import StreamRefused
from dcrf_graph.observer.delivery import Delivery, delivery_now
from dcrf_graph.protocols.native import error_payload
from dcrf_graph.threads import own_thread

logger = logging.getLogger(__name__)

Outlet = Callable[[str, str], Awaitable[None]]
"""Sends the JSON text of a frame to the client: ``await outlet(stream, text)``."""

CLOSED = "This stream is closed."


class Stream(Carrier):
    """One consumer instance on one connection.

    Without an ``outlet`` its frames are captured. ``scope`` is its own.
    """

    __slots__ = (
        "_accepted",
        "_calls",
        "_code",
        "_ending",
        "_heard",
        "_hosted",
        "_listening",
        "_opened",
        "captures",
        "closed",
        "connection",
        "consumer",
        "name",
        "outlet",
        "scope",
    )

    def __init__(
        self,
        name: str,
        application: Any,
        scope: dict[str, Any],
        connection: Connection,
        outlet: Outlet | None,
    ) -> None:
        self.name = name
        self.connection = connection
        self.outlet = outlet
        self.closed = False
        self.captures: dict[str, Captured] = {}
        # The one that was found last: mostly there is no other.
        self._heard: Captured | None = None
        self._hosted = False
        self._accepted = False
        self._opened = False
        self._code: int | None = None
        self._calls: dict[asyncio.Task[Any], Call] | None = None
        self._listening: asyncio.Task[Any] | None = None
        self._ending: asyncio.Task[None] | None = None
        consumer_class: type[AsyncAPIConsumer] = application.consumer_class
        self.consumer = consumer_class(**application.consumer_initkwargs)
        self.scope = scope

    async def open(self) -> None:
        """Connect the consumer.

        Raises:
            StreamRefused: if it does not accept; it has been disconnected.
        """
        layer = get_channel_layer(self.consumer.channel_layer_alias)
        channel = None if layer is None else await layer.new_channel()
        captor = None if self.outlet is not None else self
        self.consumer.host(self.scope, self.connection, self, layer, channel, captor)
        self._hosted = True
        try:
            await self.consumer.websocket_connect({"type": "websocket.connect"})
        except BaseException:
            await self.close(1011)
            raise
        if not self._accepted or self.closed:
            await self.close(self._code or 1000)
            raise StreamRefused(self.name, self._code)
        self._opened = True

    async def close(self, code: int) -> None:
        """Disconnect the consumer, once, and wait until it has been; cancelling only the wait."""
        await asyncio.shield(self._end(code))

    def _end(self, code: int) -> asyncio.Task[None]:
        self.closed = True
        if self._ending is None:
            # No task of the connection, which would cancel it, and in no call's context.
            work = self._disconnect(code)
            self._ending = asyncio.get_running_loop().create_task(work, context=Context())
        return self._ending

    async def _disconnect(self, code: int) -> None:
        if self._listening is not None:
            self._listening.cancel()
        for captured in list(self.captures.values()):
            captured.end()
        if not self._hosted:
            return
        try:
            await self.consumer.websocket_disconnect({"type": "websocket.disconnect", "code": code})
        except StopConsumer:
            pass
        except Exception:
            logger.exception("The consumer of %s failed to disconnect", self.name)
        finally:
            # Again, for consumers that replace websocket_disconnect.
            self.consumer.subscriptions.close()

    async def adopt(self, known: Mapping[str, Any]) -> None:
        """Go on as the connection's user as it is known now; whatever it may not, ends."""
        self.scope.update(known)
        if not self._opened or self.closed:
            return
        try:
            await self.consumer.check_connection()
        except APIException:
            await self._closed_by_consumer(None)
        else:
            await self.consumer.subscriptions.ask_again()

    def hush(self) -> None:
        """Say nothing but what answers the calls that run: no event, no page, nothing detached."""
        self.consumer.hush()

    @property
    def is_open(self) -> bool:
        """Whether the consumer has accepted, and is there for calls."""
        return self._opened and not self.closed

    @property
    def disconnected(self) -> bool:
        """Whether the consumer has been disconnected, and that is over."""
        return self._ending is not None and self._ending.done()

    def follow(self, call: Call, task: asyncio.Task[Any]) -> None:
        """Remember a call of this stream until it ends; closing the stream cancels it."""
        if self._calls is None:
            self._calls = {}
        self._calls[task] = call
        task.add_done_callback(self._unfollow)

    def _unfollow(self, task: asyncio.Task[Any]) -> None:
        if self._calls is not None:
            self._calls.pop(task, None)
            if not self._calls:
                self._calls = None

    def catch(self, captured: Captured) -> None:
        """Give it the frames of its request from now on."""
        self.captures[captured.request_id] = captured
        self._heard = None

    def forget(self, captured: Captured) -> None:
        """End a captured call, and what it has subscribed; harmless when repeated."""
        captured.end()
        self._heard = None
        self.captures.pop(captured.request_id, None)
        self.consumer.subscriptions.end(captured.request_id)

    # -- what the consumer sends ------------------------------------------------

    async def send(self, message: Mapping[str, Any]) -> None:
        """Do what an ASGI message says."""
        match message["type"]:
            case "websocket.send" if not self.closed:
                text = message.get("text")
                if text is None:
                    logger.warning("The consumer of %s sent bytes, which are dropped", self.name)
                elif self.outlet is not None:
                    await self.outlet(self.name, text)
                else:
                    frame = loads(text)
                    await self._capture(frame if isinstance(frame, dict) else {"data": frame})
            case "websocket.accept":
                self._accepted = True
            case "websocket.close" if not self.closed:
                await self._closed_by_consumer(message.get("code"))

    async def _closed_by_consumer(self, code: int | None) -> None:
        self._code, self.closed = code, True
        if not self._opened:
            return  # open() says so
        closer = current_call.get()
        unanswered = [] if closer is None else [closer]
        for task, call in list((self._calls or {}).items()):
            if call is not closer and task is not asyncio.current_task():
                task.cancel()
                unanswered.append(call)
        for captured in list(self.captures.values()):
            frame = error_payload([CLOSED], 403, request_id=captured.request_id)
            captured.refuse(frame, delivery_now())
        self._end(code or 1000)
        if self.outlet is not None:
            told = [call for call in unanswered if not call.answered] or [Call(None, None)]
            for call in told:
                call.answered = True
                frame = error_payload([CLOSED], 403, call.action, call.request_id)
                await self.outlet(self.name, json.dumps(frame))

    def send_text(self, text: str) -> Awaitable[None]:
        """Send the text of a frame to the client of a native connection."""
        if self.outlet is None or self.closed:
            return self.send({"type": "websocket.send", "text": text})
        return self.outlet(self.name, text)

    async def _capture(self, frame: dict[str, Any]) -> None:
        """Give a frame, as read from its text, to whom it belongs."""
        delivery, call = delivery_now(), current_call.get()
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

    def capture(self, content: dict[str, Any]) -> Awaitable[None]:
        """Give a frame, as a consumer sends it, to whom it belongs."""
        delivery = delivery_now()
        if delivery is not None:
            return self.tell(content, delivery)
        call = current_call.get()
        if not self.closed and call is not None and is_ready(content, call.ready):
            return self._capture(content)
        return self.send({"type": "websocket.send", "text": dumps(content)})

    def tell(self, content: Any, delivery: Delivery) -> Awaitable[None]:
        """Give a frame of a delivery that is free to whom it belongs."""
        if self.outlet is not None or type(content) is not dict:
            return self.send_text(dumps(content))
        named = content.get("request_id")
        captured = self._heard
        if captured is None or captured.request_id != named or self.closed:
            captured = self._called(named)
        taking = None if captured is None else captured.take(content, delivery)
        if taking is None:
            return self.send({"type": "websocket.send", "text": dumps(content)})
        return taking

    def tell_row(
        self, row: Written, event: Event, request_id: Any, tail: str
    ) -> Awaitable[None] | None:
        """Give the row of an event to a request; None where a delivery is needed for that."""
        if self.outlet is not None:
            # Who is leaving is in doubt, and no row is told at once.
            return self.send_text(row.opening + tail)
        captured = self._heard
        if captured is None or captured.request_id != request_id or self.closed:
            captured = self._called(request_id)
        return None if captured is None else captured.told(row.frame, event.memo)

    def _called(self, request_id: Any) -> Captured | None:
        """The capture of a request, which is likely to be asked for next."""
        if self.closed or not isinstance(request_id, str):
            return None
        self._heard = self.captures.get(request_id)
        return self._heard

    def subscription_ended(self, request_id: Any) -> None:
        """Take what comes next for that request as its refusal."""
        if request_id in self.captures:
            self.captures[request_id].refused = True

    # -- the consumer's own channel -----------------------------------------------

    def channel_used(self) -> None:
        """Listen to the consumer's own channel from now on: somebody may send to it."""
        layer: Any = self.consumer.channel_layer
        if layer is not None and self._ending is None and self._listening is None:
            # An empty context: it outlives the call that asked first.
            self._listening = self.connection.start(self._listen(), context=Context())

    async def _listen(self) -> None:
        layer, channel = self.consumer.channel_layer, self.consumer.channel_name
        while True:
            try:
                message = await layer.receive(channel)
            except Exception:
                logger.exception("The channel layer failed; %s may not hear its groups", self.name)
                await asyncio.sleep(RETRY_DELAY)
                continue
            try:
                async with own_thread():
                    await self.consumer.dispatch(message)
            except StopConsumer:
                return
            except Exception:
                logger.exception("The consumer of %s failed on a message", self.name)


def is_ready(content: Mapping[str, Any], rows: Any) -> bool:
    """Whether a frame holds nothing but JSON values: these rows, alone or in a page of them."""
    if rows is None:
        return False
    data = content.get("data")
    values = [value for key, value in content.items() if key not in ("data", "errors")]
    if type(data) is not list and isinstance(data, Mapping) and data.get("results") is rows:
        values += [value for key, value in data.items() if key != "results"]
    elif data is not rows:
        return False
    return not content.get("errors") and all(type(value) in SCALARS for value in values)


SCALARS = (str, int, type(None))
