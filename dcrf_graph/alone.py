"""
A consumer that has a socket to itself: whose pages may open it, and whose it is.

The router does the same for its own socket. What the consumer does with its
frames is its own.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import closing
from contextvars import Context
from typing import Any

from channels.security.websocket import WebsocketDenier
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from rest_framework.exceptions import APIException

from dcrf_graph.admission import Admission
from dcrf_graph.authentication import Identity, Payload, Scope, authenticate
from dcrf_graph.closing import send_close
from dcrf_graph.connection import Connection
from dcrf_graph.exceptions import TooManyConnections
from dcrf_graph.observer.delivery import current_delivery
from dcrf_graph.origins import Origins
from dcrf_graph.presence import Farewell, Presence, within
from dcrf_graph.protocols.effects import Close, CloseCode

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
INTERNAL_ERROR = Close(1011, "Internal server error")


class Alone:
    """
    The socket of one consumer.

    Args:
        consumer: an ``AsyncAPIConsumer`` whose ``__call__`` this is.
        connection: its own.
    """

    def __init__(self, consumer: Any, connection: Connection, receive: Receive, send: Send) -> None:
        self.consumer = consumer
        self.connection = connection
        connection.closer = self._close
        self.presence: Presence | None = None
        self._receive, self._send = while_open(receive, send)

    async def run(self, scope: Scope, serve: Callable[..., Awaitable[None]]) -> None:
        """Let ``serve(scope, receive, send)`` serve the socket, if whoever opens it may."""
        if scope["type"] != "websocket":
            await serve(scope, self._receive, self._send)
            return
        if not Origins(serve).let_in(scope):
            denier: Any = WebsocketDenier()
            await denier(scope, self._receive, self._send)
            return
        own = dict(scope)
        self.presence = Presence(own, self.connection, self.identify, self._leave, self._adopt)
        try:
            await self.presence.enter()
        except Exception as error:
            await self._refuse(refusal_of(error))
            return
        self.admission = Admission(own)
        with closing(self.admission):
            try:
                self.admission.take()
            except TooManyConnections as full:
                await self._refuse(Close(CloseCode.TRY_AGAIN_LATER, str(full.detail)))
                return
            await serve(own, self.receive, self.send)

    async def identify(self, scope: Scope, payload: Payload) -> Identity:
        """Ask the consumer's own authenticators, else those of the settings."""
        return await authenticate(self.consumer.authentication_classes, scope, payload)

    async def receive(self) -> Any:
        """What the client sends next; frames are not read any more when the process ends."""
        assert self.presence is not None
        while True:
            message = await self._receive()
            farewell = self.presence.farewell
            restarting = farewell is not None and farewell.restart
            if not (restarting and message["type"] == "websocket.receive"):
                return message

    def send(self, message: Any) -> Awaitable[None]:
        """Send what the consumer sends, but for events when the client has been told to go."""
        assert self.presence is not None
        leaving = self.presence.farewell is not None and message["type"] == "websocket.send"
        if leaving and current_delivery.get() is not None:
            return nothing()
        return self._send(message)

    def send_text(self, text: str) -> Awaitable[None]:
        """The same with the text of a frame."""
        presence = self.presence
        leaving = presence is not None and presence.farewell is not None
        if leaving and current_delivery.get() is not None:
            return nothing()
        return self._send({"type": "websocket.send", "text": text})

    async def _refuse(self, close: Close) -> None:
        # A browser shows a close code and a reason only of a socket that was open.
        if (await self._receive())["type"] == "websocket.connect":
            await self._send({"type": "websocket.accept"})
            await self._close(close)

    async def _close(self, close: Close) -> None:
        await send_close(self._send, close)

    def _leave(self, farewell: Farewell) -> None:
        self.connection.start(self._part(farewell), context=Context())

    async def _part(self, farewell: Farewell) -> None:
        if not farewell.at_once:
            self.consumer.hush()
            await within(farewell.patience, self.connection.idle())
        await self._close(Close(farewell.code, farewell.reason))
        self.connection.over.set()

    async def _adopt(self) -> None:
        assert self.presence is not None
        self.consumer.scope.update(self.presence.known)
        try:
            self.admission.take()
            await self.consumer.check_connection()
        except TooManyConnections as full:
            await self._close(Close(CloseCode.TRY_AGAIN_LATER, str(full.detail)))
        except APIException as refusal:
            await self._close(refusal_of(refusal))
        else:
            await self.consumer.subscriptions.ask_again()


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


async def nothing() -> None:
    """Sends nothing."""


def while_open(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """A connection's ``receive``, and a ``send`` that drops what comes after its end.

    An action may close the socket and return something, and may still run when
    the client leaves; servers raise when they are told to send then.
    """
    closed = False

    async def receive_until_closed() -> Any:
        nonlocal closed
        message = await receive()
        closed = closed or message["type"] == "websocket.disconnect"
        return message

    async def send_while_open(message: Any) -> None:
        nonlocal closed
        if closed:
            return
        closed = message["type"] == "websocket.close"
        try:
            await send(message)
        except OSError:
            closed = True

    return receive_until_closed, send_while_open
