"""
One event on its way to those who subscribed, and who they are.

Whatever is sent finds the delivery that it is part of by a context variable,
which follows a handler into the threads and tasks that it starts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from dcrf_graph.calls import Call
from dcrf_graph.changes.change import Event

Send = Callable[[Any], Awaitable[None]]
"""What carries a message on its way to the client."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who subscribed: the request, and the call that asked for it.

    ``action`` is None for what a consumer subscribed while connecting.
    """

    request_id: Any
    call_id: Any
    action: str | None
    arguments: dict[str, Any]

    @property
    def reply_id(self) -> Any:
        """The request_id that replies about this subscription carry."""
        return self.call_id if self.request_id is None else self.request_id


class Held(NamedTuple):
    """A message that must not go out yet, and the request_id that it carries, if any."""

    delivery: Delivery
    send: Send
    message: Any
    request_id: Any


class Holder(Protocol):
    """A subscription, as its delivery sees it: what must not go out yet waits there."""

    held: deque[Held] | None

    def hold(self, held: Held) -> None:
        """Send a message later, when the cause of its event, and of those before, is answered."""


class Delivery:
    """One event on its way through a handler, and for whom.

    Args:
        line: the subscription; None for what is told to one request alone.
        cause: the call of the same client that changed the row.

    ``gone`` are the request_ids that have been unsubscribed meanwhile. ``row`` is what the
    subscription has waited for.
    """

    __slots__ = ("cause", "event", "gone", "line", "row", "subscribers")

    def __init__(
        self,
        event: Event,
        subscribers: tuple[Subscriber, ...],
        line: Holder | None = None,
        cause: Call | None = None,
        row: Any = None,
    ) -> None:
        self.event = event
        self.subscribers = subscribers
        self.line = line
        self.cause = cause
        self.row = row
        self.gone: tuple[Any, ...] = ()

    @property
    def request_ids(self) -> list[Any]:
        """The request_ids that were passed to ``subscribe``; a new list each time."""
        if len(self.subscribers) == 1:  # as nearly always
            only = self.subscribers[0].request_id
            return [] if only is None else [only]
        return [s.request_id for s in self.subscribers if s.request_id is not None]

    @property
    def over(self) -> bool:
        """Whether all for whom it is have unsubscribed meanwhile."""
        return bool(self.gone) and len(self.gone) >= len(self.subscribers)

    @property
    def hindered(self) -> bool:
        """Whether ``keeps`` has to be asked at all."""
        line = self.line
        return self.cause is not None or bool(self.gone) or (line is not None and bool(line.held))

    def leave(self, subscriber: Subscriber) -> None:
        """Let nothing of this out to somebody who has unsubscribed, if it is for them at all."""
        if any(each is subscriber for each in self.subscribers):
            self.gone = (*self.gone, subscriber.reply_id)

    def keeps(self, send: Send, message: Any, request_id: Any = None) -> bool:
        """
        Whether something that a handler sends does not go out, or not now.

        Not for those who have unsubscribed. And a client reads the reply to its
        own change first: until then what the change sends to it waits, and what
        comes later waits behind it. The handler does not wait, so an action may
        wait for what the handler does.
        """
        if self.over:
            return True
        line = self.line
        if line is None:
            return False
        if line.held or (self.cause is not None and not self.cause.finished.is_set()):
            line.hold(Held(self, send, message, request_id))
            return True
        return False


current_delivery: ContextVar[Delivery | None] = ContextVar(
    "dcrf_graph.current_delivery", default=None
)
