"""
One GraphQL client: its operations, and what becomes of them.

An operation has a task of its own until it only listens: `listening`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from contextvars import Context
from functools import partial
from typing import Any, TypeAlias

from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated

from dcrf_graph.admission import Admission
from dcrf_graph.authentication import Identity, Payload
from dcrf_graph.closing import crowded
from dcrf_graph.connection import Connection
from dcrf_graph.exceptions import TooManyFrames
from dcrf_graph.flag import Flag
from dcrf_graph.graphql.sharing import Encoded
from dcrf_graph.presence import Farewell, Presence, within
from dcrf_graph.protocols.effects import (
    Authenticate,
    Close,
    CloseCode,
    Effect,
    Initialise,
    OperationRequest,
    Run,
    Send,
    Start,
    Stop,
)
from dcrf_graph.protocols.frames import encode
from dcrf_graph.protocols.graphql_transport_ws import GraphQLTransportWS
from dcrf_graph.protocols.graphql_ws import GraphQLWS
from dcrf_graph.renewal import written
from dcrf_graph.settings import api_settings
from dcrf_graph.streams import Streams
from dcrf_graph.transports.asked import Asked
from dcrf_graph.transports.heartbeats import Heart, heart
from dcrf_graph.transports.host import Host
from dcrf_graph.transports.listening import Listening
from dcrf_graph.transports.refusals import INTERNAL_ERROR, refusal_of, told
from dcrf_graph.transports.socket import Socket

GraphQLProtocol: TypeAlias = GraphQLTransportWS | GraphQLWS
TOO_MANY_FRAMES = CloseCode.TOO_MANY_INITIALISATIONS
"""The protocol's code for "too many" of what it names; clients do not connect again after it."""
TOO_MANY = {
    "message": "Too many operations are open on this connection.",
    "extensions": {"code": "RATE_LIMITED", "status": 429},
}


class GraphQLSession:
    """One GraphQL client: its operations, each in a task of its own until it only listens."""

    __slots__ = (
        "_beating",
        "_heart",
        "_init_timer",
        "_subscriptions",
        "acknowledged",
        "admission",
        "connection",
        "host",
        "operations",
        "presence",
        "protocol",
        "socket",
        "streams",
    )

    def __init__(
        self, host: Host, scope: Mapping[str, Any], socket: Socket, protocol: GraphQLProtocol
    ) -> None:
        self.host = host
        self.socket = socket
        self.connection = Connection()
        self.connection.socket = self
        self.protocol = protocol
        self.streams = Streams({}, scope, self.connection)
        self.admission = Admission()
        self.presence = Presence(self.connection, self, scope)
        self.acknowledged = Flag()
        # Those that the client waits for. One that was stopped may still be ending.
        self.operations: dict[Run, asyncio.Task[Any] | Listening] = {}
        # Those of them that have begun to listen, in a task.
        self._subscriptions: tuple[Run, ...] = ()
        self._init_timer: asyncio.TimerHandle | None = None
        self._heart: Heart | None = None
        self._beating = False

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
        if self._init_timer is not None:
            self._init_timer.cancel()
        if self._heart is not None:
            self._heart.leave(self)
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
        self._subscriptions = tuple(each for each in self._subscriptions if each is not operation)

    def _run_for(self, operation: Run, work: Coroutine[Any, Any, None]) -> None:
        task = self.connection.start(work)
        self.operations[operation] = task
        task.add_done_callback(partial(self._forget, operation))

    # -- what only listens -----------------------------------------------------------------

    def listens(self, listening: Listening) -> None:
        """Let an operation go on without its task."""
        self.operations[listening.operation] = listening
        self._subscriptions = tuple(
            each for each in self._subscriptions if each is not listening.operation
        )

    def ends(self, listening: Listening) -> None:
        """Say that an operation is over, which listened until now."""
        if self.operations.get(listening.operation) is listening:
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
        if await self._crowded():
            return
        self.streams = self.host.streams(self.presence.handshake, self.connection, None)
        expires = written(identity)
        said = None if expires is None else {"expires": expires}
        beats = api_settings.KEEP_ALIVE is not None
        await self.carry_out(self.protocol.acknowledge(said, keep_alive=beats))
        self.acknowledged.set()
        if beats and not self.socket.closed:
            self._heart = heart(api_settings.KEEP_ALIVE)
            self._heart.join(self)

    def beat(self) -> None:
        """Show the client that the connection lives."""
        # A client that does not read gets no second one behind the first.
        if not self._beating:
            self._beating = True
            self.connection.start(self._show_life())

    async def _show_life(self) -> None:
        try:
            await self.carry_out(self.protocol.keep_alive())
        finally:
            self._beating = False

    async def _renewed(self, renewal: Awaitable[Identity]) -> None:
        try:
            effects = self.protocol.authenticated(written(await renewal))
        except Exception as error:
            # Wrong credentials are nobody's, whoever the connection belongs to.
            wrong = isinstance(error, AuthenticationFailed | NotAuthenticated)
            refusal = told(error, None if wrong else self.presence.identity.user)
            effects = self.protocol.not_authenticated(refusal)
        await self.carry_out(effects)

    def identify(self, scope: Mapping[str, Any], payload: Payload) -> Awaitable[Identity]:
        """Ask the host."""
        return self.host.authenticate(scope, payload)

    async def adopt(self) -> None:
        """Go on as the user that is known now."""
        if not await self._crowded():
            await self.streams.adopt(self.presence.known)

    async def _crowded(self) -> bool:
        full = crowded(self.admission, self.presence.scope)
        if full is not None:
            await self.carry_out(self.protocol.close(full.code, full.reason))
        return full is not None

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
            errors = [told(error, self.presence.identity.user)]
        if errors is not None:
            await self._say_over(id, errors, operation)

    async def _finish(self, listening: Listening) -> None:
        """The end of an operation that listened, from its source's side."""
        errors = []
        try:
            await listening.results.finish()
        except Exception as error:
            errors = [told(error, self.presence.identity.user)]
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
        outcome = await self.host.operate(request, Asked(self.streams))
        if isinstance(outcome, list):
            encode(outcome)  # raises here, while the id can still be answered
            return outcome
        if isinstance(outcome, Encoded) and not operation.over:
            await self.socket.send(self.protocol.opening(id) + outcome.ending)
            return []
        if isinstance(outcome, dict):
            await self.carry_out(self.protocol.next(id, outcome, operation))
            return []
        self._subscriptions = (*self._subscriptions, operation)
        if self.presence.farewell is not None and operation in self.operations:
            # It was no subscription yet when all of them were cancelled.
            await outcome.aclose()
            return None
        listening = Listening(self, id, operation, outcome)
        try:
            await self.connection.certain()
            if await outcome.deliver(listening):
                listening.begin()
                return None
        except BaseException:
            await outcome.aclose()
            raise
        await outcome.aclose()
        return []
