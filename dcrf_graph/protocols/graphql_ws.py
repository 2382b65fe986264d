"""
The server's side of the legacy subprotocol ``graphql-ws``, without a socket.

Its clients are older than ``graphql-transport-ws``: subscriptions-transport-ws, Apollo's mobile
clients of that time. It has the duties and the effects of ``GraphQLTransportWS``, so that whoever
owns the socket drives either. The protocol document has no close codes and leaves much to the
package that came with it; where they are silent, that package's behaviour is kept.

Source: PROTOCOL.md and src/server.ts of the npm package subscriptions-transport-ws.
"""

from __future__ import annotations

from typing import Any, assert_never

from .conversation import Conversation, State
from .effects import Authenticate, CloseCode, Effect, Initialise, Run, Send
from .effects import Start as StartEffect
from .effects import Stop as StopEffect
from .frames import InvalidMessage, encode
from .graphql_ws_messages import (
    ClientMessage,
    Complete,
    ConnectionAck,
    ConnectionError,
    ConnectionInit,
    ConnectionTerminate,
    Data,
    Error,
    InvalidStart,
    KeepAlive,
    Start,
    Stop,
    parse,
    text_of,
)

SUBPROTOCOL = "graphql-ws"
NORMAL_CLOSURE = 1000


class GraphQLWS(Conversation):
    """
    The conversation with one client.

    No method raises for anything that a client does. After a ``Close`` has been returned the
    machine is closed: every method returns ``[]``, and the owner cancels what still runs.

    Clients of this protocol do not wait for the acknowledgement: a ``Start`` may be returned while
    an ``Initialise`` is pending. The owner runs it once it has acknowledged.
    """

    def __init__(self, max_frame_size: int | None = None) -> None:
        """``max_frame_size`` counts bytes of UTF-8; a longer frame is not read."""
        super().__init__(max_frame_size)

    def receive(self, text: str | None, data: bytes | None = None) -> list[Effect]:
        """Read one frame of the client and say what must happen.

        A ``text`` of None is a binary frame, whatever ``data`` holds.
        """
        if self.closed:
            return []
        try:
            message = parse(data if text is None else text, self._max_frame_size)
        except InvalidStart as error:
            # The client takes this for the end of whatever runs under the id.
            text = text_of(Error(error.id, {"message": str(error)}))
            return [*self._stop(error.id), Send(text)]
        except InvalidMessage as error:  # "GQL_CONNECTION_ERROR": the connection lives
            return [_connection_error(str(error))]
        return self._handle(message)

    def acknowledge(
        self, payload: dict[str, Any] | None = None, *, keep_alive: bool = False
    ) -> list[Effect]:
        """
        Grant the pending ``Initialise``; ``[]`` when none is pending (any more).

        ``keep_alive`` says that ``keep_alive()`` will be called in time: the first sign of life
        then follows at once, from which on the client counts on them.
        """
        if self._state is not State.INITIALISING:
            return []
        text = text_of(ConnectionAck(payload))
        self._state = State.READY
        return [Send(text), *(self.keep_alive() if keep_alive else [])]

    def refuse(self, reason: str = "Forbidden") -> list[Effect]:
        """Reject the client: at its ``Initialise``, or later when its rights have expired."""
        if self.closed:
            return []
        return [_connection_error(reason), *self.close(CloseCode.FORBIDDEN, reason)]

    def keep_alive(self) -> list[Effect]:
        """Tell an acknowledged client that the connection is alive; ``[]`` for any other.

        Clients that have heard this once close a connection on which it does not come again.
        """
        return [Send(text_of(KeepAlive()))] if self._state is State.READY else []

    def authenticated(self, expires: str | None) -> list[Effect]:
        """Grant an ``Authenticate``, and say until when, as a first introduction is granted."""
        if self._state is not State.READY:
            return []
        return [Send(text_of(ConnectionAck(None if expires is None else {"expires": expires})))]

    def not_authenticated(self, error: dict[str, Any]) -> list[Effect]:
        """Reject an ``Authenticate``; who the client was, it stays."""
        return [] if self.closed else [Send(text_of(ConnectionError(error)))]

    def next(self, id: str, result: dict[str, Any], operation: Run) -> list[Effect]:
        """
        Send one execution result of an operation; ``[]`` once it has ended.

        Raises:
            InvalidMessage: if the result has no JSON; the operation goes on.
        """
        if operation.over:
            return []
        return [Send(text_of(Data(id, result)))]

    def opening(self, id: str) -> str:
        """What stands before a result that is JSON already; ``}`` stands after it."""
        return f'{{"type": "data", "id": {encode(id)}, "payload": '

    def error(self, id: str, errors: list[dict[str, Any]], operation: Run) -> list[Effect]:
        """
        End an operation that failed before its execution; ``[]`` once it has ended.

        The protocol has room for one error. Where there are several, it is the first, with all of
        them as its ``errors``, which the protocol's own client reads.

        Raises:
            InvalidMessage: if ``errors`` is empty or has no JSON; the operation has ended.
        """
        if operation.over:
            return []
        # Freed before the text exists: a client may use the id again as soon as it reads it.
        self._end(id)
        payload = dict(errors[0]) if errors else {}
        if len(errors) > 1:
            payload["errors"] = errors
        return [Send(text_of(Error(id, payload)))]

    def complete(self, id: str, operation: Run) -> list[Effect]:
        """End an operation that has nothing more to say; ``[]`` once it has ended."""
        if operation.over:
            return []
        self._end(id)
        return [Send(text_of(Complete(id)))]

    def _handle(self, message: ClientMessage) -> list[Effect]:
        match message:
            case ConnectionInit(payload):
                if self._state is State.READY:
                    # The protocol's own server asks its onConnect again.
                    return [Authenticate(payload)]
                if self._state is not State.WAITING:
                    reason = "Too many initialisation requests"
                    closing = self.close(CloseCode.TOO_MANY_INITIALISATIONS, reason)
                    return [_connection_error(reason), *closing]
                self._state = State.INITIALISING
                return [Initialise(payload)]
            case ConnectionTerminate():
                return self.close(NORMAL_CLOSURE)
            case Start():
                return self._start(message)
            case Stop(id):  # "Connected Phase": the end is confirmed
                # It may cross our complete on the wire, which is not an error.
                stopped = self._stop(id)
                return [*stopped, Send(text_of(Complete(id)))] if stopped else []
            case _:  # pragma: no cover  (mypy proves that nothing comes here)
                assert_never(message)

    def _start(self, message: Start) -> list[Effect]:
        if self._state is State.WAITING:
            reason = "Unauthorized"
            closing = self.close(CloseCode.UNAUTHORIZED, reason)
            return [_connection_error(reason), *closing]
        # A running operation of this id is replaced, as the protocol's own server does.
        stopped = self._stop(message.id)
        return [*stopped, StartEffect(message.id, message.request, self._begin(message.id))]

    def _stop(self, id: str) -> list[Effect]:
        operation = self._end(id)
        return [] if operation is None else [StopEffect(id, operation)]


def _connection_error(reason: str) -> Send:
    return Send(text_of(ConnectionError({"message": reason})))
