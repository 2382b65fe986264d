"""
One event on its way to those who subscribed, and who they are.

Whatever is sent finds the delivery that it is part of by a context variable, which follows a
handler into the threads and tasks that it starts: the one that names the thread of its
synchronous code, unless another names the delivery.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from asgiref.sync import SyncToAsync

from dcrf_graph.calls import Call
from dcrf_graph.changes.change import Event
from dcrf_graph.threads import CallContext

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


class Delivery(CallContext):
    """One event on its way through a handler, and for whom.

    ``line`` is the subscription, None for what is told to one request alone. ``cause`` is the
    call of the same client that changed the row, ``row`` what the subscription has waited for,
    ``gone`` the request_ids that have been unsubscribed meanwhile. ``free`` says that what is sent
    plainly goes out at once, where nothing is held: there is no cause, and nobody has gone.

    It is also the key of the thread that the handler's synchronous code runs on, so ask whether
    it *is* there, and not whether it is true.
    """

    # Places, and none of them a default of the class: that would be looked for in vain each time.
    __slots__ = ("cause", "event", "free", "gone", "line", "request_ids", "row", "subscribers")

    cause: Call | None
    row: Any
    free: bool
    gone: tuple[Any, ...]
    event: Event
    subscribers: tuple[Subscriber, ...]
    request_ids: tuple[Any, ...]
    line: Holder | None

    @property
    def delivery(self) -> Delivery:
        """What the code with this key is part of."""
        return self

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
            self.free = False

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


def delivery_of(
    event: Event, subscribers: tuple[Subscriber, ...], line: Holder | None = None
) -> Delivery:
    """A delivery; its ``request_ids`` are those that were passed to ``subscribe``."""
    delivery: Delivery = Delivery()
    delivery.event = event
    delivery.subscribers = subscribers
    delivery.request_ids = request_ids_of(subscribers)
    delivery.line = line
    delivery.cause = delivery.row = None
    delivery.free = False
    delivery.gone = ()
    return delivery


def request_ids_of(subscribers: Iterable[Subscriber]) -> tuple[Any, ...]:
    """The request_ids of those who have given one."""
    return tuple(each.request_id for each in subscribers if each.request_id is not None)


BY_THREAD: Any = object()
"""That the key of the thread says what the delivery is: setting one variable is dear enough."""
current_delivery: ContextVar[Delivery | None] = ContextVar(
    "dcrf_graph.current_delivery", default=BY_THREAD
)


def delivery_now() -> Delivery | None:
    """The delivery that the running code is part of."""
    named = current_delivery.get()
    if named is not BY_THREAD:
        return named
    key = SyncToAsync.thread_sensitive_context.get(None)
    delivery: Delivery | None = getattr(key, "delivery", None)
    return delivery


@contextmanager
def delivering(event: Event, subscriber: Subscriber) -> Iterator[None]:
    """Send what is sent inside as an event to one subscriber."""
    token = current_delivery.set(delivery_of(event, (subscriber,)))
    try:
        yield
    finally:
        current_delivery.reset(token)
