"""
One WebSocket URL for every protocol: the client's subprotocol chooses.

No subprotocol is native streams, ``graphql-transport-ws`` and the older
``graphql-ws`` are GraphQL, anything else is refused with a reason that names
what is offered. The protocols decide what a frame means (``protocols/``); here
their effects are carried out, as a plain ASGI application, so that no frame and
no event passes through Channels' dispatch, which costs a thread hop each.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextvars import Context
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias

from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated

from dcrf_graph.admission import Admission
from dcrf_graph.authentication import Identity, Payload
from dcrf_graph.closing import send_close
from dcrf_graph.connection import Connection
from dcrf_graph.exceptions import TooManyConnections, TooManyFrames
from dcrf_graph.flag import Flag
from dcrf_graph.graphql.errors import expected, internal
from dcrf_graph.graphql.sharing import Encoded
from dcrf_graph.graphql.subscriptions import Results
from dcrf_graph.observer.delivery import current_delivery
from dcrf_graph.origins import Origins
from dcrf_graph.presence import Farewell, Presence, within
from dcrf_graph.protocols.effects import (
    Authenticate,
    Close,
    CloseCode,
    Dispatch,
    Effect,
    Initialise,
    OperationRequest,
    Run,
    Send,
    Start,
    Stop,
)
from dcrf_graph.protocols.frames import encode
from dcrf_graph.protocols.graphql_transport_ws import SUBPROTOCOL as GRAPHQL_TRANSPORT_WS
from dcrf_graph.protocols.graphql_transport_ws import GraphQLTransportWS
from dcrf_graph.protocols.graphql_ws import SUBPROTOCOL as GRAPHQL_WS
from dcrf_graph.protocols.graphql_ws import GraphQLWS
from dcrf_graph.protocols.native import NativeStreams
from dcrf_graph.renewal import is_renewal, renewed, written
from dcrf_graph.settings import api_settings
from dcrf_graph.stream import Outlet
from dcrf_graph.streams import Streams

logger = logging.getLogger(__name__)

GraphQLProtocol: TypeAlias = GraphQLTransportWS | GraphQLWS

GRAPHQL: dict[str, Callable[..., GraphQLProtocol]] = {
    GRAPHQL_TRANSPORT_WS: GraphQLTransportWS,
    GRAPHQL_WS: GraphQLWS,
}
"""The subprotocols that are GraphQL, the preferred one first."""

OFFERED = f"Offered: {', '.join(GRAPHQL)}, or none for native streams"
INTERNAL_ERROR = Close(1011, "Internal server error")
"""RFC 6455's code, for a socket that speaks no protocol with codes of its own."""
TOO_MANY_FRAMES = CloseCode.TOO_MANY_INITIALISATIONS
"""The protocol's code for "too many" of what it names; clients do not connect again after it."""
TOO_MANY = {
    "message": "Too many operations are open on this connection.",
    "extensions": {"code": "RATE_LIMITED", "status": 429},
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
    ) -> Identity:
        """Say who is asking; an ``APIException`` or Django's ``PermissionDenied`` refuses."""

    async def operate(
        self, request: OperationRequest, context: dict[str, Any]
    ) -> list[dict[str, Any]] | Result | Results:
        """Run an operation: errors if it was refused, a result, or results over time."""


class Socket:
    """One WebSocket: what may be sent on it, in which order, and when it is over."""

    __slots__ = ("_line", "_send", "_sending", "closed")

    def __init__(self, send: Any) -> None:
        self._send = send
        # Many tasks send. Whoever comes first is sent first, also where the server makes them wait.
        self._line: deque[asyncio.Future[None]] | None = None
        self._sending = False
        self.closed = False

    async def accept(self, subprotocol: str | None) -> None:
        """Complete the handshake."""
        await self._pass_on({"type": "websocket.accept", "subprotocol": subprotocol})

    async def send(self, text: str) -> None:
        """Send a frame; nothing happens once the socket is closed."""
        if self._sending:
            await self._turn()
        else:
            self._sending = True
        try:
            if not self.closed:
                await self._send({"type": "websocket.send", "text": text})
        except (OSError, RuntimeError) as error:
            self._gone("websocket.send", error)
        finally:
            if self._line:
                self._next()
            else:
                self._sending = False

    async def close(self, close: Close) -> None:
        """Close, once, after what is being sent."""
        if self._sending:
            await self._turn()
        else:
            self._sending = True
        try:
            if not self.closed:
                self.closed = True
                await send_close(self._pass_on, close)
        finally:
            self._next()

    async def _turn(self) -> None:
        """Wait until those who came before have been sent."""
        if self._line is None:
            self._line = deque()
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._next()  # it was given to us, and is not for us any more
            raise

    def _next(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._sending = False

    async def _pass_on(self, message: Mapping[str, Any]) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError) as error:
            self._gone(message["type"], error)

    def _gone(self, sent: str, error: Exception) -> None:
        # The server found the client gone before it told us.
        self.closed = True
        logger.debug("The socket was gone before %s: %s", sent, error)

    def gone(self, message: Mapping[str, Any]) -> bool:
        """Whether what was received says that the client has gone."""
        if message["type"] == "websocket.disconnect":
            self.closed = True
            return True
        return False


class WebSocketTransport:
    """An ASGI application that serves one host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, from its handshake until nothing of it is left."""
        # Whatever this waits in is kept for as long as the client is there: one frame, no copies.
        if scope["type"] != "websocket":
            raise ValueError(f"expected a WebSocket, got a connection of type {scope['type']!r}")
        if not await Origins().admits(scope, receive, send):
            return
        session = await self._session(scope, Socket(send), receive)
        if session is None:
            return
        try:
            if await session.begin():
                while await session.take(await receive()):
                    pass
        finally:
            await session.end()

    async def _session(
        self, scope: Any, socket: Socket, receive: Any
    ) -> NativeSession | GraphQLSession | None:
        if socket.gone(await receive()):
            return None
        offered = scope.get("subprotocols") or []
        chosen = next((each for each in GRAPHQL if each in offered), None)
        if chosen is not None:
            protocol = GRAPHQL[chosen](max_frame_size=api_settings.MAX_FRAME_SIZE)
            await socket.accept(chosen)
            return GraphQLSession(self.host, scope, socket, protocol)
        if not offered:
            return NativeSession(self.host, scope, socket)
        # A browser shows a close reason only where its subprotocol was accepted.
        await socket.accept(offered[0])
        await socket.close(Close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, OFFERED))
        return None


class NativeSession:
    """One native client: its streams, and the frames between."""

    __slots__ = (
        "admission",
        "connection",
        "host",
        "presence",
        "protocol",
        "scope",
        "socket",
        "streams",
    )

    def __init__(self, host: Host, scope: Mapping[str, Any], socket: Socket) -> None:
        self.host = host
        self.scope = dict(scope)
        self.socket = socket
        self.connection = Connection()
        self.connection.socket = socket
        self.streams = Streams({}, scope, self.connection)
        self.admission = Admission(self.scope)
        self.presence = Presence(self.scope, self.connection, self, scope)
        self.protocol = NativeStreams(
            host.stream_names(), max_frame_size=api_settings.MAX_FRAME_SIZE
        )

    async def begin(self) -> bool:
        """Let the client in; False where it is refused."""
        refusal = await self._authenticate()
        await self.socket.accept(None)
        if refusal is not None:
            await self.socket.close(refusal)
            return False
        try:
            self.admission.take()
        except TooManyConnections as full:
            await self.socket.close(Close(CloseCode.TRY_AGAIN_LATER, str(full.detail)))
            return False
        self.streams = self.host.streams(self.scope, self.connection, self._frame)
        return True

    async def take(self, message: Mapping[str, Any]) -> bool:
        """Do what a frame asks for; False when the client has gone."""
        if self.socket.gone(message):
            return False
        if self.presence.farewell is None:
            await self._receive(message, allowed=self.connection.frames.take())
        return True

    async def end(self) -> None:
        """Leave no task and no subscription behind."""
        self.socket.closed = True
        self.admission.close()
        await self.streams.close()

    async def _receive(self, frame: Mapping[str, Any], *, allowed: bool) -> None:
        for effect in self.protocol.receive(frame.get("text"), frame.get("bytes")):
            match effect:
                case Dispatch(stream=stream, payload=payload) if not allowed:
                    # Here: who floods and does not read is read no further.
                    await self.streams.refuse(stream, payload, TooManyFrames())
                case Dispatch(stream=stream, payload=payload):
                    consumer_class = self.streams.applications[stream].consumer_class
                    if is_renewal(payload.get("action"), consumer_class):
                        self._renew(stream, payload)
                    else:
                        await self.streams.receive(stream, payload)
                case Send(text=text):
                    await self.socket.send(text)

    async def _authenticate(self) -> Close | None:
        try:
            await self.presence.enter()
        except Exception as error:
            reason = refusal_of(error)
            return INTERNAL_ERROR if reason is None else Close(CloseCode.FORBIDDEN, reason)
        return None

    def _renew(self, stream: str, payload: dict[str, Any]) -> None:
        answer = renewed(self.presence, payload)

        async def reply() -> None:
            await self._frame(stream, encode(await answer))

        self.connection.start(reply())

    def identify(self, scope: Mapping[str, Any], payload: Payload) -> Awaitable[Identity]:
        """Ask the host."""
        return self.host.authenticate(scope, payload)

    async def adopt(self) -> None:
        """Go on as the user that is known now."""
        try:
            self.admission.take()
        except TooManyConnections as full:
            await self.socket.close(Close(CloseCode.TRY_AGAIN_LATER, str(full.detail)))
        else:
            await self.streams.adopt(self.presence.known)

    def leave(self, farewell: Farewell) -> None:
        """End the connection."""
        self.connection.start(self._part(farewell), context=Context())

    async def _part(self, farewell: Farewell) -> None:
        if not farewell.at_once:
            self.streams.hush()
            await within(farewell.patience, self.connection.idle())
        await self.socket.close(Close(farewell.code, farewell.reason))
        self.connection.over.set()

    def _frame(self, stream: str, text: str) -> Awaitable[None]:
        if self.presence.farewell is not None and current_delivery.get() is not None:
            return nothing()  # an event that was on its way
        return self.socket.send(self.protocol.enveloped(stream, text))


class GraphQLSession:
    """One GraphQL client: its operations, each in a task of its own until it only listens."""

    __slots__ = (
        "_beat",
        "_beating",
        "_contexts",
        "_init_timer",
        "_subscriptions",
        "acknowledged",
        "admission",
        "connection",
        "host",
        "operations",
        "presence",
        "protocol",
        "scope",
        "socket",
        "streams",
    )

    def __init__(
        self, host: Host, scope: Mapping[str, Any], socket: Socket, protocol: GraphQLProtocol
    ) -> None:
        self.host = host
        self.scope = dict(scope)
        self.socket = socket
        self.connection = Connection()
        self.connection.socket = self
        self.protocol = protocol
        self.streams = Streams({}, scope, self.connection)
        self.admission = Admission(self.scope)
        self.presence = Presence(self.scope, self.connection, self, scope)
        self.acknowledged = Flag()
        self._contexts: dict[Run, dict[str, Any]] = {}
        # Those that the client waits for. One that was stopped may still be ending.
        self.operations: dict[Run, asyncio.Task[Any] | Listening] = {}
        # Those of them that have begun to listen, in a task.
        self._subscriptions: tuple[Run, ...] = ()
        self._init_timer: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._beating: asyncio.Task[Any] | None = None

    async def begin(self) -> bool:
        """Give the client its time to introduce itself."""
        loop = asyncio.get_running_loop()
        timeout = api_settings.INIT_TIMEOUT
        self._init_timer = loop.call_later(timeout, self._init_over, context=Context())
        return not self.socket.closed

    async def take(self, message: Mapping[str, Any]) -> bool:
        """Do what a frame asks for; False when the socket is closed by either side."""
        if self.socket.gone(message):
            return False
        if not self.connection.frames.take():
            reason = str(TooManyFrames.default_detail)
            await self.carry_out(self.protocol.close(TOO_MANY_FRAMES, reason))
            return False
        effects = self.protocol.receive(message.get("text"), message.get("bytes"))
        if self._init_timer is not None and any(isinstance(each, Initialise) for each in effects):
            self._init_timer.cancel()
            self._init_timer = None
        await self.carry_out(effects)
        return not self.socket.closed

    async def end(self) -> None:
        """Leave no task and no subscription behind."""
        self.socket.closed = True
        self.protocol.disconnected()
        for timer in (self._beat, self._init_timer):
            if timer is not None:
                timer.cancel()
        self._stop_listening()
        self.admission.close()
        await self.streams.close()

    async def carry_out(self, effects: Iterable[Effect]) -> None:
        """Do what the protocol asks for, in order."""
        for effect in effects:
            match effect:
                case Send(text=text):
                    await self.socket.send(text)
                case Close():
                    await self.socket.close(effect)
                case Initialise(payload=payload):
                    self.connection.start(self._initialise(payload))
                case Authenticate(payload=payload):
                    self.connection.start(self._renewed(self.presence.renew(payload)))
                case Start() if self.presence.farewell is not None:
                    pass  # the socket is about to close
                case Start(id=id, operation=operation) if self._is_full():
                    # Here and not in a task: who floods and does not read is read no further.
                    await self.carry_out(self.protocol.error(id, [TOO_MANY], operation))
                case Start(id=id, request=request, operation=operation):
                    self._run_for(operation, self._operate(id, request, operation))
                case Stop(operation=operation):
                    stopped = self.operations.pop(operation, None)
                    if stopped is not None:
                        stopped.cancel()

    def _is_full(self) -> bool:
        return len(self.operations) >= int(api_settings.MAX_OPERATIONS)

    def _forget(self, operation: Run, run: asyncio.Task[Any] | Listening | None = None) -> None:
        """Forget an operation; ``run`` is what has ended of it, which may have been replaced."""
        if run is not None and self.operations.get(operation, run) is not run:
            return
        self.operations.pop(operation, None)
        self._contexts.pop(operation, None)
        self._subscriptions = tuple(each for each in self._subscriptions if each is not operation)

    def _run_for(self, operation: Run, work: Coroutine[Any, Any, None]) -> None:
        task = self.connection.start(work)
        self.operations[operation] = task
        task.add_done_callback(partial(self._forget, operation))

    # -- what only listens -----------------------------------------------------------------

    def listens(self, listening: Listening) -> None:
        """Let an operation go on without its task."""
        self.operations[listening.operation] = listening
        self._contexts.pop(listening.operation, None)
        if not self._contexts:
            self._contexts = {}  # an emptied one keeps its places
        self._subscriptions = tuple(
            each for each in self._subscriptions if each is not listening.operation
        )

    def ends(self, listening: Listening) -> None:
        """Say that an operation is over, which listened until now."""
        if self.operations.get(listening.operation) is listening:
            self._contexts[listening.operation] = listening.context
            # An empty context: neither the delivery's nor the call's that it ended in.
            Context().run(self._run_for, listening.operation, self._finish(listening))

    def unlisten(self, listening: Listening) -> None:
        """Forget an operation that listened."""
        self._forget(listening.operation, listening)

    def _stop_listening(self) -> None:
        for operation in list(self.operations.values()):
            if isinstance(operation, Listening):
                operation.cancel()

    def _init_over(self) -> None:
        self._init_timer = None
        self.connection.start(self.carry_out(self.protocol.init_timeout()))

    async def _initialise(self, payload: dict[str, Any] | None) -> None:
        try:
            identity = await self.presence.enter(payload)
        except Exception as error:
            reason = refusal_of(error)
            if reason is None:
                closing = self.protocol.close(CloseCode.SERVER_ERROR, INTERNAL_ERROR.reason)
            else:
                closing = self.protocol.refuse(reason)
            await self.carry_out(closing)
            return
        try:
            self.admission.take()
        except TooManyConnections as full:
            closing = self.protocol.close(CloseCode.TRY_AGAIN_LATER, str(full.detail))
            await self.carry_out(closing)
            return
        self.streams = self.host.streams(self.scope, self.connection, None)
        expires = written(identity)
        said = None if expires is None else {"expires": expires}
        beats = api_settings.KEEP_ALIVE is not None
        await self.carry_out(self.protocol.acknowledge(said, keep_alive=beats))
        self.acknowledged.set()
        self._beat_later()

    def _beat_later(self) -> None:
        # A timer and not a task that sleeps: there is one for every connection.
        interval = api_settings.KEEP_ALIVE
        if interval is not None and not self.socket.closed:
            self._beat = asyncio.get_running_loop().call_later(interval, self._keep_alive)

    def _keep_alive(self) -> None:
        # A client that does not read gets no second one behind the first.
        if self._beating is None or self._beating.done():
            self._beating = self.connection.start(self.carry_out(self.protocol.keep_alive()))
        self._beat_later()

    async def _renewed(self, renewal: Awaitable[Identity]) -> None:
        try:
            effects = self.protocol.authenticated(written(await renewal))
        except Exception as error:
            # Wrong credentials are nobody's, whoever the connection belongs to.
            wrong = isinstance(error, AuthenticationFailed | NotAuthenticated)
            refusal = told(error, None if wrong else self.scope["user"])
            effects = self.protocol.not_authenticated(refusal)
        await self.carry_out(effects)

    def identify(self, scope: Mapping[str, Any], payload: Payload) -> Awaitable[Identity]:
        """Ask the host."""
        return self.host.authenticate(scope, payload)

    async def adopt(self) -> None:
        """Go on as the user that is known now."""
        try:
            self.admission.take()
        except TooManyConnections as full:
            reason = str(full.detail)
            await self.carry_out(self.protocol.close(CloseCode.TRY_AGAIN_LATER, reason))
            return
        listening = [each for each in self.operations.values() if isinstance(each, Listening)]
        for context in (*self._contexts.values(), *(each.context for each in listening)):
            context["user"] = self.scope["user"]
        await self.streams.adopt(self.presence.known)

    async def close(self, close: Close) -> None:
        """Close the socket in the protocol's way; what only listens, ends."""
        self._stop_listening()
        await self.carry_out(self.protocol.close(close.code, close.reason))

    def leave(self, farewell: Farewell) -> None:
        """End the connection."""
        self.connection.start(self._part(farewell), context=Context())

    async def _part(self, farewell: Farewell) -> None:
        for operation, task in list(self.operations.items()):
            listens = isinstance(task, Listening) or operation in self._subscriptions
            if farewell.at_once or listens:
                task.cancel()
        running = [each for each in self.operations.values() if isinstance(each, asyncio.Task)]
        if running:
            await within(farewell.patience, asyncio.wait(running))
        if farewell.restart:
            await self.carry_out(self.protocol.close(farewell.code, farewell.reason))
        else:
            await self.carry_out(self.protocol.refuse(farewell.reason))
        self.connection.over.set()

    async def _operate(self, id: str, request: OperationRequest, operation: Run) -> None:
        # The protocol takes operations from the moment that its ack exists; the client has to
        # have been sent it first.
        await self.acknowledged.wait()
        try:
            await self.connection.certain()
            errors = await self._run(id, request, operation)
        except Exception as error:
            errors = [told(error, self.scope["user"])]
        if errors is not None:
            await self._say_over(id, errors, operation)

    async def _finish(self, listening: Listening) -> None:
        """The end of an operation that listened, from its source's side."""
        errors = []
        try:
            await listening.results.finish(listening.send)
        except Exception as error:
            errors = [told(error, self.scope["user"])]
        await self._say_over(listening.id, errors, listening.operation)

    async def _say_over(self, id: str, errors: list[dict[str, Any]], operation: Run) -> None:
        self._forget(operation)
        if errors:
            await self.carry_out(self.protocol.error(id, errors, operation))
        else:
            await self.carry_out(self.protocol.complete(id, operation))

    async def _run(
        self, id: str, request: OperationRequest, operation: Run
    ) -> list[dict[str, Any]] | None:
        """
        Run an operation and send its results; returns the errors of one that was refused.

        None if it goes on without this task: it listens, and is over when its source is.
        """
        context = {"request": None, "scope": self.scope, "streams": self.streams}
        context["user"] = self.scope["user"]
        self._contexts[operation] = context
        outcome = await self.host.operate(request, context)
        if isinstance(outcome, list):
            encode(outcome)  # raises here, while the id can still be answered
            return outcome
        if isinstance(outcome, Encoded) and not operation.over:
            await self.socket.send(f"{self.protocol.opening(id)}{outcome.text}}}")
            return []
        if isinstance(outcome, dict):
            await self.carry_out(self.protocol.next(id, outcome, operation))
            return []
        self._subscriptions = (*self._subscriptions, operation)
        if self.presence.farewell is not None and operation in self.operations:
            # It was no subscription yet when all of them were cancelled.
            await outcome.aclose()
            return None
        listening = Listening(self, id, operation, outcome, context)
        try:
            await self.connection.certain()
            if await outcome.deliver(listening.send, listening.over):
                listening.begin()
                return None
        except BaseException:
            await outcome.aclose()
            raise
        await outcome.aclose()
        return []


class Listening:
    """One subscription: sends its results. While nothing happens no task waits for them."""

    __slots__ = (
        "_cancelled",
        "_opening",
        "_session",
        "_socket",
        "context",
        "id",
        "operation",
        "results",
    )

    def __init__(
        self,
        session: GraphQLSession,
        id: str,
        operation: Run,
        results: Results,
        context: dict[str, Any],
    ) -> None:
        self.context = context
        self.id = id
        self.operation = operation
        self.results = results
        self._session = session
        self._socket = session.socket
        self._opening = session.protocol.opening(id)
        self._cancelled = False

    def send(self, result: Result) -> Awaitable[None]:
        """Send a result, unless the operation is over."""
        if self.operation.over:
            return nothing()
        if isinstance(result, Encoded):
            return self._socket.send(f"{self._opening}{result.text}}}")
        session = self._session
        return session.carry_out(session.protocol.next(self.id, result, self.operation))

    def begin(self) -> None:
        """Be what the session knows of the operation, instead of its task."""
        self._session.listens(self)

    def over(self) -> None:
        """The source has ended: say so, in a task."""
        if not self._cancelled:
            self._session.ends(self)

    def cancel(self) -> None:
        """End it, because the client does not want it, or may not have it any more."""
        self._cancelled = True
        self.results.close()
        self._session.unlisten(self)


def told(error: Exception, user: Any) -> dict[str, Any]:
    """An error as GraphQL clients get it: a refusal in its words, a failure without."""
    known = expected(error, user)
    return internal(error) if known is None else dict(known.formatted)


def refusal_of(error: Exception) -> str | None:
    """Why an authenticator refuses, in its own words; None, and a log, if it failed instead."""
    known = expected(error, None)
    if known is None or (known.extensions or {})["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("The authenticator failed", exc_info=error)
        return None
    return known.message


async def nothing() -> None:
    """Sends nothing."""
