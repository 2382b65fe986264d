"""
What a protocol asks of the one who owns the socket.

Effects are carried out in the order of the list that holds them. They are values: nothing here
knows how a text is sent or an operation is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

# RFC 6455 5.5: a control frame carries at most 125 bytes, 2 of them the code.
MAX_CLOSE_REASON = 123  # bytes of UTF-8, not characters


class CloseCode(IntEnum):
    """Why this library closes a WebSocket.

    Source: the graphql-transport-ws protocol document, and below 4000 IANA's registry of RFC 6455.
    """

    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    OPERATION_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429  # and too many frames of any kind
    SERVER_ERROR = 4500


@dataclass(frozen=True)
class OperationRequest:
    """What a GraphQL client asks to run, checked for types but not yet for meaning."""

    query: str
    """The document; empty only where ``extensions`` name one by its hash."""

    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


class Run:
    """One run of an operation: the same id may belong to a later one.

    ``over`` says that either side has ended it; nothing more is sent for it then.
    """

    __slots__ = ("over",)

    def __init__(self) -> None:
        self.over = False


@dataclass(frozen=True)
class Send:
    """Send this text frame."""

    text: str


@dataclass(frozen=True)
class Close:
    """
    Close the socket, and cancel every operation that was started on it.

    A reason that is too long for a close frame is cut, never inside a character.
    """

    code: int
    reason: str = ""

    def __post_init__(self) -> None:
        """Cut the reason, so that no server turns a long one into an abnormal closure."""
        cut = self.reason.encode("utf-8", "replace")[:MAX_CLOSE_REASON].decode("utf-8", "ignore")
        object.__setattr__(self, "reason", cut)


@dataclass(frozen=True)
class Dispatch:
    """Give a native frame to the consumer of this stream (``""`` where there is only one)."""

    stream: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Initialise:
    """A GraphQL client introduced itself: answer with ``acknowledge()`` or ``refuse()``."""

    payload: dict[str, Any] | None


@dataclass(frozen=True)
class Authenticate:
    """
    A GraphQL client that runs already shows new credentials: say what became of it.

    Answer with ``authenticated()`` or ``not_authenticated()``.
    """

    payload: dict[str, Any] | None
    """What the ``payload`` of ``connection_init`` would have been."""


@dataclass(frozen=True)
class Start:
    """
    Run an operation and report with ``next()``, ``error()`` and ``complete()``.

    ``operation`` identifies this run beyond its id, which a client may use again: hand it back
    with every report.
    """

    id: str
    request: OperationRequest
    operation: Run


@dataclass(frozen=True)
class Stop:
    """Cancel the run ``operation``; whatever it still reports is ignored."""

    id: str
    operation: Run


Effect: TypeAlias = Send | Close | Dispatch | Initialise | Authenticate | Start | Stop
