"""
A consumer's subscriptions: which groups of which observers, for which requests.

Each subscription has its own queue. What is in it is handed to the observer's
handler one event after the other, in a task of the connection, so a slow
handler delays nobody else; before each event whoever subscribed is asked for
permission again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Iterable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.exceptions import APIException, Throttled

from dcrf_graph.calls import Call, current_call
from dcrf_graph.changes.change import Event, Gap
from dcrf_graph.changes.hub import hub
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import own_thread

if TYPE_CHECKING:
    from dcrf_graph.observer.base_observer import BaseObserver

logger = logging.getLogger(__name__)

REFUSALS = (APIException, PermissionDenied, Http404)
"""What says that a client may not hear an event; anything else is a failure."""
TOO_SLOW = "Events came faster than this client reads them; subscribe again and refetch."


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Delivery:
    """One event on its way through a handler, and for whom."""

    event: Event
    subscribers: tuple[Subscriber, ...]

    @property
    def request_ids(self) -> list[Any]:
        """The request_ids that were passed to ``subscribe``."""
        return [s.request_id for s in self.subscribers if s.request_id is not None]


current_delivery: ContextVar[Delivery | None] = ContextVar(
    "dcrf_graph.current_delivery", default=None
)


class Subscription:
    """One consumer's place in one group of one observer."""

    def __init__(self, owner: Subscriptions, observer: BaseObserver, group: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.owner = owner
        self.observer = observer
        self.group = group
        self.subscribers: dict[Any, Subscriber] = {}
        self._queue: deque[tuple[Event | Gap, Call | None]] = deque()
        self._task: asyncio.Task[Any] | None = None
        self._max_pending = api_settings.MAX_PENDING_EVENTS

    @property
    def observer_id(self) -> str:
        """The observer's name, the same in every process."""
        return self.observer.stable_id

    @property
    def pending(self) -> int:
        """How many events wait for the handler."""
        return len(self._queue)

    def push(self, event: Event) -> None:
        """Queue an event for the handler; too many waiting end the subscription."""
        if len(self._queue) >= self._max_pending:
            self._queue.clear()
            ended = list(self.subscribers.values())
            for subscriber in ended:
                self.owner.discard(self, subscriber)
            self.owner.connection.start(self._overflow(event, ended), context=Context())
            return
        # A callback runs in the context of whoever scheduled it: the publisher.
        cause = current_call.get()
        mine = cause is not None and cause.consumer is self.owner.consumer
        self._queue.append((event, cause if mine else None))
        self._start()

    def gap(self, gap: Gap) -> None:
        """Queue that events are missing; what is queued next to another gap is one with it."""
        if self._queue and isinstance(last := self._queue[-1][0], Gap):
            self._queue[-1] = (last.and_(gap), None)
            return
        self._queue.append((gap, None))
        self._start()

    def _start(self) -> None:
        if self._task is None:
            # An empty context: no request of whoever caused the change leaks in.
            self._task = self.owner.connection.start(self._drain(), context=Context())

    async def _drain(self) -> None:
        try:
            while self._queue:
                event, cause = self._queue.popleft()
                if cause is not None:
                    # A client reads the reply to its own change first.
                    await cause.finished.wait()
                try:
                    async with own_thread():
                        if isinstance(event, Gap):
                            await self._tell(event)
                        else:
                            await self._deliver(event)
                except Exception:
                    # A reply failed, and so did the one that should say so: the next may not.
                    logger.exception("An event of %s was not delivered", self.observer_id)
        finally:
            self._task = None

    async def _deliver(self, event: Event) -> None:
        may_hear = []
        for key, subscriber in list(self.subscribers.items()):
            try:
                await self.owner.consumer.check_event(subscriber, event)
            except REFUSALS as refusal:
                if self.owner.drop(subscriber):
                    await self.owner.consumer.end_subscription(subscriber, event.action, refusal)
            except Exception as error:
                await self.owner.consumer.fail_event(subscriber, event.action, error)
            else:
                may_hear.append((key, subscriber))
        # Whoever has unsubscribed while others were asked hears nothing any more.
        allowed = [subscriber for key, subscriber in may_hear if key in self.subscribers]
        if not allowed:
            return
        token = current_delivery.set(Delivery(event, tuple(allowed)))
        try:
            await self.observer(json.loads(event.message), consumer=self.owner.consumer)
        except Exception as error:
            for subscriber in allowed:
                await self.owner.consumer.fail_event(subscriber, event.action, error)
        finally:
            current_delivery.reset(token)

    async def _tell(self, gap: Gap) -> None:
        for subscriber in list(self.subscribers.values()):
            await self.owner.consumer.tell_gap(subscriber, gap)

    async def _overflow(self, event: Event, ended: Iterable[Subscriber]) -> None:
        for subscriber in ended:
            refusal = Throttled(detail=TOO_SLOW)
            await self.owner.consumer.end_subscription(subscriber, event.action, refusal)


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
        subscription.subscribers[key] = subscriber
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
            subscription.subscribers.clear()
            hub.leave(subscription.group, subscription)
        self._subscriptions.clear()
