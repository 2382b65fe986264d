"""
One WebSocket URL for every protocol: the client's subprotocol chooses.

No subprotocol is native streams, ``graphql-transport-ws`` is GraphQL, anything
else is refused with a reason that names what is offered. The protocols decide
what a frame means (``protocols/``); here their effects are carried out, as a
plain ASGI application, so that no frame and no event passes through Channels'
dispatch, which costs a thread hop each.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

from rest_framework.exceptions import APIException

from dcrf_graph.connection import Connection
from dcrf_graph.protocols.effects import (
    Close,
    CloseCode,
    Dispatch,
    Effect,
    Initialise,
    OperationRequest,
    Send,
    Start,
    Stop,
)
from dcrf_graph.protocols.graphql_transport_ws import GraphQLTransportWS
from dcrf_graph.protocols.native import NativeStreams
from dcrf_graph.settings import api_settings
from dcrf_graph.streams import Outlet, Streams

logger = logging.getLogger(__name__)

NATIVE = "native"
GRAPHQL_TRANSPORT_WS = "graphql-transport-ws"
TOO_MANY = {
    "message": "Too many operations are open on this connection.",
    "extensions": {"code": "RATE_LIMITED", "status": 429},
}
FAILED = {
    "message": "Internal server error",
    "extensions": {"code": "INTERNAL_SERVER_ERROR", "status": 500},
}

Result = dict[str, Any]


class Host(Protocol):
    """What serves the frames of a socket; the router is one."""

    def stream_names(self) -> Collection[str]:
        """The streams of native clients."""

    def streams(
        self, scope: Mapping[str, Any], connection: Connection, outlet: Outlet | None
    ) -> Streams:
        """Make the consumers of this connection, none of them connected yet."""

    async def authenticate(
        self, scope: Mapping[str, Any], payload: Mapping[str, Any] | None
    ) -> Any:
        """Say who is asking; an ``APIException`` refuses."""

    async def operate(
        self, request: OperationRequest, context: dict[str, Any]
    ) -> list[dict[str, Any]] | Result | AsyncGenerator[Result, None]:
        """Run an operation: errors if it was refused, a result, or results over time."""


class Socket:
    """One WebSocket: what may be sent on it, and when it is over."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self.closed = False

    async def accept(self, subprotocol: str | None) -> None:
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def send(self, text: str) -> None:
        """Send a frame; nothing happens once the socket is closed."""
        if not self.closed:
            try:
                await self._send({"type": "websocket.send", "text": text})
            except (OSError, RuntimeError):
                # The server found the client gone before it told us.
                self.closed = True

    async def close(self, code: int, reason: str) -> None:
        """Close, once."""
        if not self.closed:
            self.closed = True
            try:
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
            except (OSError, RuntimeError):
                logger.debug("The socket was gone before it could be closed with %s", code)

    async def frame(self) -> Mapping[str, Any] | None:
        """The next frame of the client; None when it has gone."""
        message: Mapping[str, Any] = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.closed = True
            return None
        return message


class WebSocketTransport:
    """An ASGI application that serves one host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, from its handshake until nothing of it is left."""
        socket = Socket(receive, send)
        await receive()
        offered = scope.get("subprotocols") or []
        if GRAPHQL_TRANSPORT_WS in offered:
            await socket.accept(GRAPHQL_TRANSPORT_WS)
            await GraphQLSession(self.host, scope, socket).run()
        elif not offered:
            await NativeSession(self.host, scope, socket).run()
        else:
            # A browser shows a close reason only where its subprotocol was accepted.
            await socket.accept(offered[0])
            reason = f"Offered: {GRAPHQL_TRANSPORT_WS}, or none for native streams"
            await socket.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, reason)


class NativeSession:
    """One native client: its streams, and the frames between."""

    def __init__(self, host: Host, scope: Mapping[str, Any], socket: Socket) -> None:
        self.host = host
        self.scope = dict(scope)
        self.socket = socket
        self.connection = Connection()
        self.protocol = NativeStreams(
            host.stream_names(), max_frame_size=api_settings.MAX_FRAME_SIZE
        )

    async def run(self) -> None:
        """Serve until the client goes; leaves no task and no subscription behind."""
        try:
            self.scope["user"] = await self.host.authenticate(self.scope, None)
        except APIException as refusal:
            await self.socket.accept(None)
            await self.socket.close(CloseCode.FORBIDDEN, str(refusal.detail))
            return
        await self.socket.accept(None)
        streams = self.host.streams(self.scope, self.connection, self._frame)
        try:
            while (frame := await self.socket.frame()) is not None:
                for effect in self.protocol.receive(frame.get("text"), frame.get("bytes")):
                    match effect:
                        case Dispatch(stream=stream, payload=payload):
                            self.connection.start(streams.receive(stream, payload))
                        case Send(text=text):
                            await self.socket.send(text)
        finally:
            self.socket.closed = True
            await streams.close()

    async def _frame(self, stream: str, text: str) -> None:
        await self.socket.send(self.protocol.envelope(stream, text).text)


class GraphQLSession:
    """One ``graphql-transport-ws`` client: its operations, each in a task of its own."""

    def __init__(self, host: Host, scope: Mapping[str, Any], socket: Socket) -> None:
        self.host = host
        self.scope = dict(scope)
        self.socket = socket
        self.connection = Connection()
        self.protocol = GraphQLTransportWS(max_frame_size=api_settings.MAX_FRAME_SIZE)
        self.streams: Streams | None = None
        self.operations: dict[object, asyncio.Task[Any]] = {}

    async def run(self) -> None:
        """Serve until either side closes; leaves no task and no subscription behind."""
        timeout = self.connection.start(self._init_timeout())
        try:
            while not self.socket.closed:
                frame = await self.socket.frame()
                if frame is None:
                    break
                await self.carry_out(self.protocol.receive(frame.get("text"), frame.get("bytes")))
        finally:
            timeout.cancel()
            self.socket.closed = True
            self.protocol.disconnected()
            for task in list(self.operations.values()):
                task.cancel()
            if self.streams is not None:
                await self.streams.close()
            await self.connection.close()

    async def carry_out(self, effects: Iterable[Effect]) -> None:
        """Do what the protocol asks for, in order."""
        for effect in effects:
            match effect:
                case Send(text=text):
                    await self.socket.send(text)
                case Close(code=code, reason=reason):
                    await self.socket.close(code, reason)
                case Initialise(payload=payload):
                    self.connection.start(self._initialise(payload))
                case Start(id=id, request=request, operation=operation):
                    task = self.connection.start(self._operate(id, request, operation))
                    self.operations[operation] = task
                    task.add_done_callback(partial(self._forget, operation))
                case Stop(operation=operation):
                    if operation in self.operations:
                        self.operations[operation].cancel()

    def _forget(self, operation: object, task: asyncio.Task[Any]) -> None:
        self.operations.pop(operation, None)

    async def _init_timeout(self) -> None:
        await asyncio.sleep(api_settings.INIT_TIMEOUT)
        await self.carry_out(self.protocol.init_timeout())

    async def _initialise(self, payload: dict[str, Any] | None) -> None:
        try:
            self.scope["user"] = await self.host.authenticate(self.scope, payload)
        except APIException as refusal:
            await self.carry_out(self.protocol.refuse(str(refusal.detail)))
            return
        except Exception:
            logger.exception("The authenticator failed")
            closing = self.protocol.close(CloseCode.SERVER_ERROR, "Internal server error")
            await self.carry_out(closing)
            return
        self.streams = self.host.streams(self.scope, self.connection, None)
        await self.carry_out(self.protocol.acknowledge())

    async def _operate(self, id: str, request: OperationRequest, operation: object) -> None:
        protocol = self.protocol
        if len(self.operations) > api_settings.MAX_SUBSCRIPTIONS:
            await self.carry_out(protocol.error(id, [TOO_MANY], operation))
            return
        context = {"request": None, "scope": self.scope, "streams": self.streams}
        context["user"] = self.scope["user"]
        try:
            outcome = await self.host.operate(request, context)
        except Exception:
            logger.exception("An operation failed outside its execution")
            outcome = [FAILED]
        if isinstance(outcome, list):
            await self.carry_out(protocol.error(id, outcome, operation))
            return
        if isinstance(outcome, dict):
            await self.carry_out(protocol.next(id, outcome, operation))
        else:
            try:
                async for result in outcome:
                    await self.carry_out(protocol.next(id, result, operation))
            finally:
                await outcome.aclose()
        await self.carry_out(protocol.complete(id, operation))
