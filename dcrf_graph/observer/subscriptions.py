"""
A consumer's subscriptions: which groups of which observers, for which requests.

Each subscription has its own queue. What is in it is handed to the observer's
handler one event after the other, so a slow handler delays nobody else; before
each event whoever subscribed is asked for permission again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.exceptions import APIException, Throttled

from dcrf_graph.calls import Call, current_call
from dcrf_graph.changes.change import Event, Gap
from dcrf_graph.changes.hub import hub
from dcrf_graph.encoding import decoder_of
from dcrf_graph.observer.backlog import Backlog, Policy
from dcrf_graph.observer.deliverer import deliverer
from dcrf_graph.protocols.effects import Close, CloseCode
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import CallContext

if TYPE_CHECKING:
    from dcrf_graph.observer.base_observer import BaseObserver

logger = logging.getLogger(__name__)

REFUSALS = (APIException, PermissionDenied, Http404)
"""What says that a client may not hear an event; anything else is a failure."""
Send = Callable[[Any], Awaitable[None]]
"""What carries a message on its way to the client."""
TOO_SLOW = "Events came faster than this client reads them; subscribe again and refetch."


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


@dataclass(eq=False, slots=True)
class Delivery:
    """One event on its way through a handler, and for whom.

    ``cause`` is the call of the same client that changed the row. ``gone`` are
    the request_ids that have been unsubscribed meanwhile.
    """

    event: Event
    subscribers: tuple[Subscriber, ...]
    line: Subscription | None = None
    cause: Call | None = None
    gone: tuple[Any, ...] = ()

    @property
    def request_ids(self) -> list[Any]:
        """The request_ids that were passed to ``subscribe``."""
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

    def keeps(self, send: Send, message: Any) -> bool:
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
            line.hold(self, send, message)
            return True
        return False


current_delivery: ContextVar[Delivery | None] = ContextVar(
    "dcrf_graph.current_delivery", default=None
)


class Subscription:
    """One consumer's place in one group of one observer: who subscribed it, and its queue."""

    __slots__ = (
        "__weakref__",
        "_busy",
        "_by_connecting",
        "_delivery",
        "_max_pending",
        "_parked",
        "_queue",
        "_waited",
        "connection",
        "deliverer",
        "group",
        "held",
        "loop",
        "observer",
        "owner",
        "subscribers",
    )

    def __init__(self, owner: Subscriptions, observer: BaseObserver, group: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.owner = owner
        self.observer = observer
        self.group = group
        self.subscribers: dict[Any, Subscriber] = {}
        self.deliverer = deliverer()
        self.held: deque[tuple[Delivery, Send, Any]] | None = None
        self._queue: Backlog | None = None
        self._busy = False
        self._parked = False
        self._waited = False
        self._delivery: Delivery | None = None
        self._max_pending = api_settings.MAX_PENDING_EVENTS
        self._by_connecting = False
        self.connection = owner.connection

    @property
    def observer_id(self) -> str:
        """The observer's name, the same in every process."""
        return self.observer.stable_id

    @property
    def pending(self) -> int:
        """How many events wait for the handler."""
        return len(self._queue or ()) + len(self.held or ())

    def add(self, key: Any, subscriber: Subscriber) -> None:
        """Let one more request hear."""
        self.subscribers[key] = subscriber
        # What was subscribed without an action is asked for in another way.
        self._by_connecting = self._by_connecting or subscriber.action is None

    def push(self, event: Event) -> None:
        """Queue an event for the handler; if too many wait, the observer's policy decides."""
        # A callback runs in the context of whoever scheduled it: the publisher.
        cause = current_call.get()
        if cause is not None and cause.consumer is not self.owner.consumer:
            cause = None
        queue = self._queue
        if queue is None:
            queue = self._queue = Backlog()
        elif queue and (self._crowded(queue, event, cause) or not self.subscribers):
            return
        queue.append((event, cause))
        self._start()

    def _crowded(self, queue: Backlog, event: Event, cause: Call | None) -> bool:
        """Whether an event that others wait before is not to be queued behind them."""
        policy = self.policy
        if policy == "latest" and queue.latest(event, cause):
            return True
        limit = self._max_pending - (len(self.held) if self.held else 0)
        if len(queue) < limit:
            return False
        if policy in ("latest", "drop_oldest") and limit > 1:
            queue.make_room(limit)
            return False
        queue.clear()
        ended = list(self.subscribers.values())
        for subscriber in ended:
            self.owner.discard(self, subscriber)
        connection = self.owner.connection
        if policy != "disconnect" or not connection.cut(Close(CloseCode.TRY_AGAIN_LATER, TOO_SLOW)):
            connection.start(self._overflow(event, ended), context=Context())
        return True

    @property
    def policy(self) -> Policy:
        """What happens when events come faster than they are read."""
        chosen: Policy = self.observer.policy or api_settings.SLOW_READERS
        return chosen

    def gap(self, gap: Gap) -> None:
        """Queue that events are missing; what is queued next to another gap is one with it."""
        if self._queue is None:
            self._queue = Backlog()
        if self._queue and isinstance(last := self._queue[-1][0], Gap):
            self._queue[-1] = (last.and_(gap), None)
            return
        self._queue.append((gap, None))
        self._start()

    def hold(self, delivery: Delivery, send: Send, message: Any) -> None:
        """Send a message later, when the cause of its event, and of those before, is answered."""
        if self.held is None:
            self.held = deque()
        if not self.held and delivery.cause is not None:
            delivery.cause.followers.append(self._start)
        self.held.append((delivery, send, message))

    def discarded(self, subscriber: Subscriber) -> None:
        """Let nothing out to a subscriber any more, but what its handler has itself to say."""
        delivery = self._delivery
        if delivery is not None and current_delivery.get() is not delivery:
            delivery.gone = (*delivery.gone, subscriber.reply_id)

    # -- delivering: what the deliverer asks for ---------------------------------------

    def _start(self) -> None:
        if not self._busy:
            self._busy = True
            self.deliverer.add(self)

    def goes_on(self) -> bool:
        """Whether there is more to deliver now."""
        if self._parked:
            return False
        if self._queue or (self.held and self._may_send_held()):
            return True
        self._busy = False
        self._delivery = None
        return False

    def _may_send_held(self) -> bool:
        if not self.held:
            return False
        cause = self.held[0][0].cause
        return cause is None or cause.finished.is_set()

    def next_delivery(self) -> Coroutine[Any, Any, None] | None:
        """What comes first: what was held, then the oldest event."""
        if self.held and self._may_send_held():
            delivery, send, message = self.held.popleft()
            return self._send_held(delivery, send, message)
        if not self._queue:
            return None
        item, cause = self._queue[0]
        if isinstance(item, Gap):
            self._queue.popleft()
            return self._tell(item)
        if self.observer.waits is not None and not self._waited:
            for wanted in self.observer.waits(self, item):
                # No task waits, but this line: it comes again when what it wants is there.
                self._parked = self._waited = True
                wanted.waiting.append(self._unpark)
                return None
        self._waited = False
        self._queue.popleft()
        return self._deliver(item, cause)

    def _unpark(self) -> None:
        self._parked = False
        self.deliverer.add(self)

    async def _send_held(self, delivery: Delivery, send: Send, message: Any) -> None:
        following = self.held[0][0].cause if self.held else None
        if following is not None and following is not delivery.cause:
            following.followers.append(self._start)
        if not delivery.over:
            current_delivery.set(delivery)
            await send(message)

    async def _deliver(self, event: Event, cause: Call | None) -> None:
        thread = CallContext()
        thread.enter()
        consumer = self.owner.consumer
        try:
            if not self._by_connecting and consumer.may_hear():
                allowed = tuple(self.subscribers.values())
            else:
                allowed = await self._asked(event)
            if not allowed:
                return
            delivery = self._delivery = Delivery(event, allowed, self, cause)
            token = current_delivery.set(delivery)
            try:
                await self.observer.handling(read(event), consumer)
            except Exception as error:
                current_delivery.reset(token)
                for subscriber in allowed:
                    if subscriber.reply_id not in delivery.gone:
                        await consumer.fail_event(subscriber, event.action, error)
        finally:
            if thread.thread is None:
                thread.ended = True
            else:
                await thread.end()

    async def _asked(self, event: Event) -> tuple[Subscriber, ...]:
        """Those who may hear an event; the others are told so, and their subscription ends."""
        consumer = self.owner.consumer
        may_hear = []
        for key, subscriber in list(self.subscribers.items()):
            try:
                await consumer.check_event(subscriber, event)
            except REFUSALS as refusal:
                if self.owner.drop(subscriber):
                    await consumer.end_subscription(subscriber, event.action, refusal)
            except Exception as error:
                await consumer.fail_event(subscriber, event.action, error)
            else:
                may_hear.append((key, subscriber))
        # Whoever has unsubscribed while others were asked hears nothing any more.
        return tuple(subscriber for key, subscriber in may_hear if key in self.subscribers)

    async def _tell(self, gap: Gap) -> None:
        for subscriber in list(self.subscribers.values()):
            await self.owner.consumer.tell_gap(subscriber, gap)

    async def _overflow(self, event: Event, ended: Iterable[Subscriber]) -> None:
        for subscriber in ended:
            refusal = Throttled(detail=TOO_SLOW)
            await self.owner.consumer.end_subscription(subscriber, event.action, refusal)


def read(event: Event) -> Any:
    """A copy of an event's message, for one handler."""
    decode = event.memo.get(read)
    if decode is None:
        # Looked at once, and not by each reader.
        decode = event.memo[read] = decoder_of(event.message)
    return decode(event.message)


class Subscriptions:
    """Everything that one consumer has subscribed."""

    def __init__(self, consumer: Any) -> None:
        self.consumer = consumer
        self._subscriptions: dict[tuple[str, str], Subscription] = {}
        self._closed = False

    @property
    def connection(self) -> Any:
        """What runs the deliveries."""
        return self.consumer.connection

    def __iter__(self) -> Any:
        return iter(list(self._subscriptions.values()))

    async def join(self, observer: BaseObserver, groups: Iterable[str], request_id: Any) -> None:
        """
        Subscribe the current call to groups of an observer: to all of them, or to none.

        Subscribing twice under one request_id is subscribing once, with the
        latest arguments. A consumer that has disconnected subscribes nothing.

        Raises:
            Throttled: when the connection, all of its streams together, would
                have more than ``MAX_SUBSCRIPTIONS``.
            Exception: whatever the channel layer raises.

        Cancelling subscribes nothing.
        """
        if self._closed:
            return
        call = current_call.get()
        key = request_id
        if request_id is None and call is not None and call.captured:
            key = call.request_id
        subscriber = Subscriber(
            request_id,
            None if call is None else call.request_id,
            None if call is None else call.action,
            {} if call is None else dict(call.arguments),
        )
        new = [group for group in groups if not self._has(observer, group, key)]
        if self.connection.subscribed + len(new) > api_settings.MAX_SUBSCRIPTIONS:
            raise Throttled(detail="Too many subscriptions on this connection.")
        joined = [self._place(observer, group, key, subscriber) for group in groups]
        try:
            for subscription in joined:
                if subscription.subscribers:
                    await hub.join(subscription.group, subscription)
        except BaseException:
            for subscription in joined:
                if subscription.group in new:
                    self.discard(subscription, subscriber)
            raise

    def _has(self, observer: BaseObserver, group: str, key: Any) -> bool:
        subscription = self._subscriptions.get((observer.stable_id, group))
        return subscription is not None and key in subscription.subscribers

    def _place(
        self, observer: BaseObserver, group: str, key: Any, subscriber: Subscriber
    ) -> Subscription:
        subscription = self._subscriptions.get((observer.stable_id, group))
        if subscription is None:
            subscription = Subscription(self, observer, group)
            self._subscriptions[observer.stable_id, group] = subscription
        self.connection.subscribed += key not in subscription.subscribers
        subscription.add(key, subscriber)
        return subscription

    def leave(self, observer: BaseObserver, group: str, request_id: Any) -> None:
        """Unsubscribe a request from a group; without a request_id, every request."""
        subscription = self._subscriptions.get((observer.stable_id, group))
        if subscription is not None:
            for subscriber in list(subscription.subscribers.values()):
                if request_id is None or subscriber.request_id == request_id:
                    self.discard(subscription, subscriber)

    def end(self, request_id: Any) -> bool:
        """End whatever a request has subscribed; False if it had nothing."""
        found = False
        for subscription in self:
            for subscriber in list(subscription.subscribers.values()):
                if subscriber.reply_id == request_id:
                    self.discard(subscription, subscriber)
                    found = True
        return found

    def drop(self, subscriber: Subscriber) -> bool:
        """Take a subscriber out of every group that its action has subscribed for the request.

        False if it was out already; the request_id may be somebody else's by then.
        """
        everybody = [(each, other) for each in self for other in list(each.subscribers.values())]
        if all(other is not subscriber for _, other in everybody):
            return False
        for each, other in everybody:
            if (other.reply_id, other.action) == (subscriber.reply_id, subscriber.action):
                self.discard(each, other)
        return True

    async def ask_again(self) -> None:
        """Ask for every subscriber whether it may still listen; who may not is told, and ends."""
        for subscription in self:
            for subscriber in list(subscription.subscribers.values()):
                try:
                    await self.consumer.check_subscriber(subscriber)
                except REFUSALS as refusal:
                    if self.drop(subscriber):
                        await self.consumer.end_subscription(subscriber, subscriber.action, refusal)

    def discard(self, subscription: Subscription, subscriber: Subscriber) -> bool:
        """Take one subscriber out; the last one out leaves the group.

        False if it was out already.
        """
        keys = [key for key, other in subscription.subscribers.items() if other is subscriber]
        for key in keys:
            del subscription.subscribers[key]
        self.connection.subscribed -= len(keys)
        if keys:
            subscription.discarded(subscriber)
        if keys and not subscription.subscribers:
            del self._subscriptions[subscription.observer_id, subscription.group]
            hub.leave(subscription.group, subscription)
        return bool(keys)

    def of(self, observer: BaseObserver, group: str | None = None) -> Iterable[Subscriber]:
        """Who has subscribed an observer, in one of its groups or in any."""
        return [
            subscriber
            for subscription in self
            if subscription.observer is observer and group in (None, subscription.group)
            for subscriber in subscription.subscribers.values()
        ]

    def close(self) -> None:
        """Leave every group, for good; nothing is delivered after this returns."""
        self._closed = True
        for subscription in self:
            self.connection.subscribed -= len(subscription.subscribers)
            for subscriber in list(subscription.subscribers.values()):
                subscription.discarded(subscriber)
            subscription.subscribers.clear()
            hub.leave(subscription.group, subscription)
        self._subscriptions.clear()
