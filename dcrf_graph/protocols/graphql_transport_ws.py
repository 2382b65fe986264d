"""
The server's side of graphql-transport-ws, without a socket.

One machine is one socket. Its owner passes on every frame that arrives, carries out the effects
that come back, and reports what became of the operations that were started. It must not know what
an operation does, nor how long an authentication takes; while one is pending, everything but a
ping waits for it or is refused, as the protocol says.

Source: PROTOCOL.md of the npm package graphql-ws; the comments name its sections.
"""

from __future__ import annotations

from typing import Any, assert_never

from .conversation import Conversation, State
from .effects import Authenticate, CloseCode, Effect, Initialise, Run, Send, Start, Stop
from .frames import InvalidMessage, encode, kind_of
from .messages import (
    ClientMessage,
    Complete,
    ConnectionAck,
    ConnectionInit,
    Error,
    Next,
    Ping,
    Pong,
    Subscribe,
    parse,
    text_of,
)

SUBPROTOCOL = "graphql-transport-ws"
AUTHENTICATE = "authenticate"
"""The member of a ping's payload that holds new credentials, and of its pong's their outcome.

Source: docs/decisions/0013-one-list-of-authenticators.md
"""


class GraphQLTransportWS(Conversation):
    """
    The conversation with one client.

    No method raises for anything that a client does. After a ``Close`` has been returned the
    machine is closed: every method returns ``[]``, and the owner cancels what still runs.
    """

    __slots__ = ()

    def __init__(self, max_frame_size: int | None = None) -> None:
        """``max_frame_size`` counts bytes of UTF-8; a longer frame closes with 4400."""
        super().__init__(max_frame_size)

    def receive(self, text: str | None, data: bytes | None = None) -> list[Effect]:
        """Read one frame of the client and say what must happen.

        A ``text`` of None is a binary frame, whatever ``data`` holds.
        """
        if self.closed:
            return []
        try:
            message = parse(data if text is None else text, self._max_frame_size)
        except InvalidMessage as error:  # "Invalid message"
            return self.close(CloseCode.BAD_MESSAGE, str(error))
        return self._handle(message)

    def acknowledge(
        self, payload: dict[str, Any] | None = None, *, keep_alive: bool = False
    ) -> list[Effect]:
        """
        Grant the pending ``Initialise``; ``[]`` when none is pending (any more).

        ``keep_alive`` changes nothing here: the first ping may come at any time.
        """
        if self._state is not State.INITIALISING:
            return []
        text = text_of(ConnectionAck(payload))
        self._state = State.READY
        return [Send(text)]

    def refuse(self, reason: str = "Forbidden") -> list[Effect]:
        """Reject the client: at its ``Initialise``, or later when its rights have expired."""
        return self.close(CloseCode.FORBIDDEN, reason)

    def keep_alive(self, payload: dict[str, Any] | None = None) -> list[Effect]:
        """Ask an acknowledged client for a sign of life; ``[]`` for any other."""
        return [Send(text_of(Ping(payload)))] if self._state is State.READY else []

    def authenticated(self, expires: str | None) -> list[Effect]:
        """Grant an ``Authenticate``, and say until when, by the pong of its ping."""
        return self._pong({"expires": expires})

    def not_authenticated(self, error: dict[str, Any]) -> list[Effect]:
        """Reject an ``Authenticate``; who the client was, it stays."""
        return self._pong({"errors": [error]})

    def _pong(self, outcome: dict[str, Any]) -> list[Effect]:
        if self._state is not State.READY:
            return []
        return [Send(text_of(Pong({AUTHENTICATE: outcome})))]

    def next(self, id: str, result: dict[str, Any], operation: Run) -> list[Effect]:
        """
        Send one execution result of an operation; ``[]`` once it has ended.

        Raises:
            InvalidMessage: if the result has no JSON; the operation goes on.
        """
        if operation.over:
            return []
        return [Send(text_of(Next(id, result)))]

    def opening(self, id: str) -> str:
        """What stands before a result that is JSON already; ``}`` stands after it."""
        return f'{{"type": "next", "id": {encode(id)}, "payload": '

    def error(self, id: str, errors: list[dict[str, Any]], operation: Run) -> list[Effect]:
        """
        End an operation that failed before its execution; ``[]`` once it has ended.

        Raises:
            InvalidMessage: if ``errors`` is empty or has no JSON; the operation has ended.
        """
        if operation.over:
            return []
        # Freed before the text exists: a client may use the id again as soon as it reads it.
        self._end(id)
        return [Send(text_of(Error(id, errors)))]

    def complete(self, id: str, operation: Run) -> list[Effect]:
        """End an operation that has nothing more to say; ``[]`` once it has ended."""
        if operation.over:
            return []
        self._end(id)
        return [Send(text_of(Complete(id)))]

    def _handle(self, message: ClientMessage) -> list[Effect]:
        match message:
            case ConnectionInit(payload):
                if self._state is not State.WAITING:  # "ConnectionInit"
                    return self.close(
                        CloseCode.TOO_MANY_INITIALISATIONS, "Too many initialisation requests"
                    )
                self._state = State.INITIALISING
                return [Initialise(payload)]
            case Ping(payload):  # "Ping": at any time
                if self._state is State.READY and payload is not None and AUTHENTICATE in payload:
                    return self._authenticate(payload[AUTHENTICATE])
                return [Send(text_of(Pong(payload)))]
            case Pong():
                return []
            case Subscribe():
                return self._subscribe(message)
            case Complete(id):
                # "Complete": it may cross ours on the wire, which is not an error.
                operation = self._end(id)
                return [] if operation is None else [Stop(id, operation)]
            case _:  # pragma: no cover  (mypy proves that nothing comes here)
                assert_never(message)

    def _authenticate(self, payload: Any) -> list[Effect]:
        if payload is not None and not isinstance(payload, dict):
            error = InvalidMessage(f"payload.{AUTHENTICATE}", "an object or null", kind_of(payload))
            return self.close(CloseCode.BAD_MESSAGE, str(error))
        return [Authenticate(payload)]

    def _subscribe(self, message: Subscribe) -> list[Effect]:
        if self._state is not State.READY:  # "Subscribe"
            return self.close(CloseCode.UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations:
            reason = f"Subscriber for {message.id} already exists"
            return self.close(CloseCode.OPERATION_EXISTS, reason)
        return [Start(message.id, message.request, self._begin(message.id))]
