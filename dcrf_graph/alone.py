"""
A consumer that has a socket to itself: whose pages may open it, whose it is, and what it reads.

The router does the same for its own socket. What the consumer does with its
frames is its own.

Source: docs/decisions/0039-a-consumer-alone-is-served-by-its-own-loop.md
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from typing import Any

from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from rest_framework.exceptions import APIException

from dcrf_graph.admission import Admission
from dcrf_graph.authentication import Identity, Payload, Scope, authenticate
from dcrf_graph.calls import Turns
from dcrf_graph.carrier import Carrier, Written, nothing
from dcrf_graph.changes.change import Event
from dcrf_graph.closing import GONE, crowded, send_close
from dcrf_graph.connection import Connection
from dcrf_graph.encoding import dumps
from dcrf_graph.observer.delivery import Delivery, delivery_now
from dcrf_graph.origins import Origins
from dcrf_graph.presence import Farewell, Presence, within
from dcrf_graph.protocols.effects import Close, CloseCode

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
INTERNAL_ERROR = Close(1011, "Internal server error")


class Alone(Carrier):
    """
    The socket of one consumer.

    An action may close it and return something, and may still run when the client
    leaves; servers raise when they are told to send then, so nothing is sent.

    Args:
        consumer: an ``AsyncAPIConsumer`` whose ``__call__`` this is.
        connection: its own.
    """

    __slots__ = (
        "_channel",
        "_closed",
        "_dispatching",
        "_ended_by",
        "_leaving",
        "_send",
        "_turn",
        "admission",
        "connection",
        "consumer",
        "context",
        "presence",
        "serving",
    )

    def __init__(self, consumer: Any, connection: Connection, send: Send) -> None:
        self.consumer = consumer
        self.connection = connection
        self.presence: Presence | None = None
        self.admission: Admission | None = None
        self.serving: asyncio.Task[Any] | None = None
        self.context: Context | None = None
        self._channel: Channel | None = None
        self._dispatching = False
        self._turn: asyncio.Future[None] | None = None
        self._ended_by: Exception | None = None
        self._closed = False
        self._leaving = False
        self._send = send

    async def enter(self, scope: Any, receive: Receive) -> bool:
        """Let the client in, if whoever opens the socket may; then the consumer is ready."""
        if scope["type"] == "websocket":
            if not await Origins().admits(scope, receive, self.send):
                return False
            self.connection.socket = self
            self.presence = Presence(self.connection, self, scope)
            try:
                await self.presence.enter()
            except Exception as error:
                await self._refuse(refusal_of(error), receive)
                return False
            scope = self.presence.scope
            self.admission = Admission()
            full = crowded(self.admission, scope)
            if full is not None:
                await self._refuse(full, receive)
                return False
        layer = get_channel_layer(self.consumer.channel_layer_alias)
        self.consumer.host(
            scope,
            self.connection,
            self,
            layer,
            None if layer is None else await layer.new_channel(),
        )
        self.serving = asyncio.current_task()
        return True

    def leave_behind(self) -> None:
        """The socket is over: nothing is counted any more, and nobody waits for what comes."""
        self.serving = None
        if self.admission is not None:
            self.admission.close()

    # -- what comes --------------------------------------------------------------------------

    async def take(self, message: Any) -> None:
        """
        Give the consumer what the client has sent, and wait until it has been handled.

        Frames are not read any more when the process ends.

        Raises:
            StopConsumer: there is nothing more to serve.
            Exception: whatever the handler raises; the socket is the server's to close.
        """
        if message["type"] == "websocket.disconnect":
            self._closed = True
        elif self._leaving and message["type"] == "websocket.receive":
            farewell = self.presence and self.presence.farewell
            if farewell and farewell.restart:
                return
        try:
            if self._channel is not None:
                self._turn = self._channel.turns.ask(shared=False)
                await self._turn
            self._dispatching = True
            await self.consumer.dispatch(message)
        finally:
            self._dispatching = False
            if self.context is None:
                self.context = copy_context()
            if self._turn is not None and self._channel is not None:
                self._channel.turns.give_up(self._turn)
                self._turn = None

    def channel_used(self) -> None:
        """Listen to the consumer's own channel from now on: somebody may send to it."""
        if self._channel is None and self.consumer.channel_layer is not None and self.serving:
            self._channel = Channel(self)
            if self._dispatching:
                self._turn = self._channel.turns.ask(shared=False)

    def end_by(self, error: Exception) -> None:
        """End the socket by what a message of the channel led to."""
        if self.serving is not None and self._ended_by is None:
            self._ended_by = error
            self.serving.cancel()

    def ended(self, cancelled: asyncio.CancelledError) -> None:
        """Find out why the serving task was cancelled.

        Raises:
            CancelledError: by somebody else.
            Exception: what a handler of the channel has raised.
        """
        if self._ended_by is None or self.serving is None or self.serving.uncancel():
            raise cancelled
        if not isinstance(self._ended_by, StopConsumer):
            raise self._ended_by

    # -- what goes ---------------------------------------------------------------------------

    async def send(self, message: Any) -> None:
        """Send what the consumer sends, but for events when the client has been told to go."""
        kind = message["type"]
        late = self._leaving and kind == "websocket.send" and delivery_now() is not None
        if self._closed or late:
            return
        self._closed = kind == "websocket.close"
        try:
            await self._send(message)
        except GONE:
            self._closed = True

    async def send_text(self, text: str) -> None:
        """The same with the text of a frame: the way of an event."""
        if self._closed or (self._leaving and delivery_now() is not None):
            return
        try:
            await self._send({"type": "websocket.send", "text": text})
        except GONE:
            self._closed = True

    def tell(self, content: Any, delivery: Delivery) -> Awaitable[None]:
        """Send a frame of a delivery that is free, as the server does it."""
        if self._closed or self._leaving:
            return nothing()
        return self._send({"type": "websocket.send", "text": dumps(content)})

    def tell_row(self, row: Written, event: Event, request_id: Any, tail: str) -> Awaitable[None]:
        """Send the row of an event to a request, as the server does it."""
        # Who is leaving is in doubt, and no row is told at once.
        if self._closed:
            return nothing()
        return self._send({"type": "websocket.send", "text": row.opening + tail})

    def has_lost(self, error: BaseException) -> bool:
        """Whether the server found the client gone before it told us."""
        if not isinstance(error, GONE):
            return False
        self._closed = True
        return True

    async def close(self, close: Close) -> None:
        """Close the socket, once."""
        await send_close(self.send, close)

    async def _refuse(self, close: Close, receive: Receive) -> None:
        # A browser shows a close code and a reason only of a socket that was open.
        if (await receive())["type"] == "websocket.connect":
            await self.send({"type": "websocket.accept"})
            await self.close(close)

    # -- whose it is -------------------------------------------------------------------------

    async def identify(self, scope: Scope, payload: Payload) -> Identity:
        """Ask the consumer's own authenticators, else those of the settings."""
        return await authenticate(self.consumer.authentication_classes, scope, payload)

    def leave(self, farewell: Farewell) -> None:
        """End the connection, after the replies that still run if there is time."""
        self._leaving = True
        self.connection.start(self._part(farewell), context=Context())

    async def _part(self, farewell: Farewell) -> None:
        if not farewell.at_once:
            self.consumer.hush()
            await within(farewell.patience, self.connection.idle())
        await self.close(Close(farewell.code, farewell.reason))
        self.connection.over.set()

    async def adopt(self) -> None:
        """Go on as the user that is known now, if it may."""
        assert self.presence is not None
        assert self.admission is not None
        self.consumer.scope.update(self.presence.known)
        full = crowded(self.admission, self.presence.scope)
        if full is not None:
            await self.close(full)
            return
        try:
            await self.consumer.check_connection()
        except APIException as refusal:
            await self.close(refusal_of(refusal))
        else:
            await self.consumer.subscriptions.ask_again()


class Channel:
    """
    The channel of a consumer, which is listened to because its name is known.

    What it brings is handled between the frames of the client, one after the other in the order
    in which they came, as in Channels; what a handler raises ends the connection.
    """

    __slots__ = ("_alone", "turns")

    def __init__(self, alone: Alone) -> None:
        self._alone = alone
        self.turns = Turns()
        # Not the context of the call that asked first: it ends before.
        serving = alone.context is None or asyncio.current_task() is alone.serving
        context = copy_context() if serving else alone.context
        alone.connection.start(self._listen(), context=context)

    async def _listen(self) -> None:
        consumer = self._alone.consumer
        layer, name = consumer.channel_layer, consumer.channel_name
        try:
            while True:
                message = await layer.receive(name)
                async with self.turns.take(self.turns.ask(shared=False)):
                    await consumer.dispatch(message)
        except Exception as error:
            self._alone.end_by(error)


def refusal_of(error: Exception) -> Close:
    """How an authenticator's refusal closes a socket; its failure is logged."""
    match error:
        case APIException(status_code=status, detail=detail) if status < 500:
            return Close(CloseCode.FORBIDDEN, str(detail))
        case DjangoPermissionDenied():
            return Close(CloseCode.FORBIDDEN, str(error) or "Forbidden")
        case _:
            logger.error("The authenticator failed", exc_info=error)
            return INTERNAL_ERROR
