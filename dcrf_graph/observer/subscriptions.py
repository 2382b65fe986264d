"""
A consumer's subscriptions: which groups of which observers, for which requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import Throttled

from dcrf_graph.calls import current_call
from dcrf_graph.changes.hub import hub
from dcrf_graph.observer.deliberate import REFUSALS
from dcrf_graph.observer.delivery import Subscriber
from dcrf_graph.observer.subscription import Subscription
from dcrf_graph.settings import api_settings

if TYPE_CHECKING:
    from dcrf_graph.observer.base_observer import BaseObserver


class Subscriptions:
    """Everything that one consumer has subscribed."""

    __slots__ = ("_closed", "_subscriptions", "consumer")

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
        removed = subscription.remove(subscriber)
        self.connection.subscribed -= removed
        if removed and not subscription.subscribers:
            del self._subscriptions[subscription.observer_id, subscription.group]
            hub.leave(subscription.group, subscription)
        return bool(removed)

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
            for subscriber in list(subscription.subscribers.values()):
                self.connection.subscribed -= subscription.remove(subscriber)
            hub.leave(subscription.group, subscription)
        self._subscriptions.clear()
