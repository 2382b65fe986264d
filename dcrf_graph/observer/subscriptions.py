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
from collections import deque
from collections.abc import Iterable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import APIException, Throttled

from dcrf_graph.calls import Call, current_call
from dcrf_graph.changes.change import Event
from dcrf_graph.changes.hub import hub
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import own_thread

if TYPE_CHECKING:
    from dcrf_graph.observer.base_observer import BaseObserver

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
        self._queue: deque[tuple[Event, Call | None]] = deque()
        self._task: asyncio.Task[Any] | None = None
        self._max_pending = api_settings.MAX_PENDING_EVENTS

    @property
    def observer_id(self) -> str:
        """The observer's name, the same in every process."""
        return self.observer.stable_id

    def push(self, event: Event) -> None:
        """Queue an event for the handler; too many waiting end the subscription."""
        if len(self._queue) >= self._max_pending:
            self._queue.clear()
            self.owner.connection.start(self._overflow(event), context=Context())
            return
        # A callback runs in the context of whoever scheduled it: the publisher.
        cause = current_call.get()
        mine = cause is not None and cause.consumer is self.owner.consumer
        self._queue.append((event, cause if mine else None))
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
                async with own_thread():
                    await self._deliver(event)
        finally:
            self._task = None

    async def _deliver(self, event: Event) -> None:
        allowed = []
        for subscriber in list(self.subscribers.values()):
            try:
                await self.owner.consumer.check_event(subscriber, event)
            except APIException as refusal:
                self.owner.discard(self, subscriber)
                await self.owner.consumer.end_subscription(subscriber, event.action, refusal)
            except Exception as error:
                await self.owner.consumer.fail_event(subscriber, event.action, error)
            else:
                allowed.append(subscriber)
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

    async def _overflow(self, event: Event) -> None:
        for subscriber in list(self.subscribers.values()):
            self.owner.discard(self, subscriber)
            refusal = Throttled(detail=TOO_SLOW)
            await self.owner.consumer.end_subscription(subscriber, event.action, refusal)


class Subscriptions:
    """Everything that one consumer has subscribed."""

    def __init__(self, consumer: Any) -> None:
        self.consumer = consumer
        self._subscriptions: dict[tuple[str, str], Subscription] = {}

    @property
    def connection(self) -> Any:
        """What runs the deliveries."""
        return self.consumer.connection

    def __iter__(self) -> Any:
        return iter(list(self._subscriptions.values()))

    async def join(self, observer: BaseObserver, group: str, request_id: Any) -> None:
        """
        Subscribe the current call to a group of an observer.

        Subscribing twice under one request_id is subscribing once, with the
        latest arguments.

        Raises:
            Throttled: when ``MAX_SUBSCRIPTIONS`` are there already; nothing was subscribed.
        """
        call = current_call.get()
        key = request_id
        if request_id is None and call is not None and call.captured:
            key = call.request_id
        subscription = self._subscriptions.get((observer.stable_id, group))
        if subscription is None or key not in subscription.subscribers:
            held = sum(len(each.subscribers) for each in self._subscriptions.values())
            if held >= api_settings.MAX_SUBSCRIPTIONS:
                raise Throttled(detail="Too many subscriptions on this connection.")
        if subscription is None:
            subscription = Subscription(self, observer, group)
            self._subscriptions[observer.stable_id, group] = subscription
        subscription.subscribers[key] = Subscriber(
            request_id,
            None if call is None else call.request_id,
            None if call is None else call.action,
            {} if call is None else dict(call.arguments),
        )
        await hub.join(group, subscription)

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

    def discard(self, subscription: Subscription, subscriber: Subscriber) -> None:
        """Take one subscriber out; the last one out leaves the group."""
        for key, other in list(subscription.subscribers.items()):
            if other is subscriber:
                del subscription.subscribers[key]
        if not subscription.subscribers:
            self._subscriptions.pop((subscription.observer_id, subscription.group), None)
            hub.leave(subscription.group, subscription)

    def of(self, observer: BaseObserver, group: str | None = None) -> Iterable[Subscriber]:
        """Who has subscribed an observer, in one of its groups or in any."""
        return [
            subscriber
            for subscription in self
            if subscription.observer is observer and group in (None, subscription.group)
            for subscriber in subscription.subscribers.values()
        ]

    def close(self) -> None:
        """Leave every group; nothing is delivered after this returns."""
        for subscription in self:
            subscription.subscribers.clear()
            hub.leave(subscription.group, subscription)
        self._subscriptions.clear()
