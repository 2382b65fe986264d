"""
What every observer can do: name groups, make messages, be subscribed (upstream's names).

The decorators replace a consumer's method by an observer; reached through an
instance (``self.card_activity``) its methods know the consumer.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

from dcrf_graph.changes.change import Event
from dcrf_graph.observer.backlog import POLICIES, Policy
from dcrf_graph.observer.delivery import Delivery, delivery_now
from dcrf_graph.observer.reading import Reading
from dcrf_graph.observer.utils import ObjPartial


@lru_cache(maxsize=65_536)
def hashed(name: str) -> str:
    """A group name that every channel layer takes: at most 100 ASCII letters, digits, ``-_.``."""
    return f"DCRF-{hashlib.sha256(name.encode()).hexdigest()}"


_named: WeakValueDictionary[str, BaseObserver] = WeakValueDictionary()
"""The observers of this process, by their ``stable_id``."""


class BaseObserver:
    """
    An observer: which signal, which groups, what message, and the handler.

    Args:
        func: the handler, as written in the consumer's class body.
        partition: keeps observers apart that share one handler.
        policy: what happens when a client reads more slowly than events come: ``"end"``,
            ``"drop_oldest"``, ``"latest"`` or ``"disconnect"``; by default ``SLOW_READERS``.

    Raises:
        ValueError: for another policy.

    Source: upstream's ``observer.base_observer.BaseObserver``.
    """

    policy: Policy | None = None
    """What happens when a client reads too slowly; by default what ``SLOW_READERS`` says."""

    waits: Callable[[Any, Event], tuple[Any, list[Any] | None]] | None
    """What a subscription is delivered beside an event, and the list of who waits for it."""

    tells: Callable[[Any, Any], str | None] | None
    """How a frame ends that tells a request what comes beside its event, by the subscription and
    the request_id, where the handler would do just that; None where it has to be run."""

    def __init__(
        self, func: Callable[..., Any], partition: str = "*", policy: Policy | None = None
    ) -> None:
        if policy is not None and policy not in POLICIES:
            raise ValueError(f"expected a policy of {', '.join(POLICIES)}, got {policy!r}")
        self.func = func
        self.policy = policy
        self.waits = self.tells = None
        # Looked at once: it is asked for each subscriber of each event.
        self._called_otherwise = type(self).__call__ is not BaseObserver.__call__
        self._serializer: Callable[..., Any] | None = None
        self._group_names_for_signal: Callable[..., Iterable[str]] | None = None
        self._group_names_for_consumer: Callable[..., Iterable[str]] | None = None
        self.stable_id = self._named(
            f"{partition}-{self.__class__.__name__}-{func.__module__}.{func.__qualname__}"
        )

    def _named(self, name: str) -> str:
        """A name of one's own: classes that one function makes have the same qualified name."""
        names = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
        name = next(each for each in names if each not in _named)
        _named[name] = self
        return name

    # -- delivering ---------------------------------------------------------------

    async def __call__(self, message: dict[str, Any], consumer: Any = None, **kwargs: Any) -> Any:
        """
        Give a message to the handler.

        Args:
            message: ``{"type", "body", "group"}`` and, of a model, ``"action"``.
                It is the handler's own copy.
            consumer: the consumer that subscribed.
        """
        request_ids = self.request_ids(consumer, message.get("group"))
        return await self._handling(dict(message), consumer, request_ids, **kwargs)

    def handling(self, reading: Reading, consumer: Any, delivery: Delivery) -> Any:
        """What the current delivery awaits."""
        if self._called_otherwise:
            return self(reading.copy(), consumer=consumer)
        if not reading.usual:
            return self._handling(reading.copy(), consumer, [*delivery.request_ids])
        return self.func(
            consumer,
            reading.body(),
            observer=self,
            message_type=reading.type,
            subscribing_request_ids=[*delivery.request_ids],
            group=reading.group,
            action=reading.action,
        )

    def _handling(
        self, message: dict[str, Any], consumer: Any, request_ids: list[Any], **kwargs: Any
    ) -> Any:
        body = message.pop("body", {})
        return self.func(
            consumer,
            body,
            observer=self,
            message_type=message.pop("type"),
            subscribing_request_ids=request_ids,
            **message,
            **kwargs,
        )

    def request_ids(self, consumer: Any, group: str | None) -> list[Any]:
        """The request_ids that this delivery is for: those that may still hear of it."""
        delivery = delivery_now()
        if delivery is not None:
            return list(delivery.request_ids)
        if consumer is None:
            return []
        subscribers = consumer.subscriptions.of(self, group)
        return [s.request_id for s in subscribers if s.request_id is not None]

    def __get__(self, parent: Any, objtype: type | None = None) -> Any:
        return self if parent is None else ObjPartial(self, consumer=parent)

    # -- subscribing ---------------------------------------------------------------

    async def subscribe(
        self, consumer: Any, *args: Any, request_id: Any = None, **kwargs: Any
    ) -> Iterable[str]:
        """
        Subscribe the consumer. What is committed after this returns is heard.

        Args:
            request_id: events carry it as one of ``subscribing_request_ids``.
            args, kwargs: passed to ``groups_for_consumer``.

        Returns:
            The groups, as they are called on the channel layer.

        Raises:
            Throttled: with too many subscriptions on the connection.
        """
        groups = list(self.group_names_for_consumer(consumer, *args, **kwargs))
        await consumer.subscriptions.join(self, dict.fromkeys(groups), request_id)
        return groups

    async def unsubscribe(
        self, consumer: Any, *args: Any, request_id: Any = None, **kwargs: Any
    ) -> Iterable[str]:
        """
        Unsubscribe one request, or without a request_id all of this consumer's.

        With a request_id, others that have subscribed the same groups go on.

        Returns:
            The groups, as they are called on the channel layer.
        """
        groups = list(self.group_names_for_consumer(consumer, *args, **kwargs))
        for group in groups:
            consumer.subscriptions.leave(self, group, request_id)
        return groups

    # -- groups ----------------------------------------------------------------------

    @property
    def grouped(self) -> bool:
        """Whether the groups depend on what the signal is about."""
        return self._group_names_for_signal is not None

    def group_names_for_consumer(self, consumer: Any, *args: Any, **kwargs: Any) -> Iterator[str]:
        """The groups that a consumer subscribes with these arguments."""
        if self._group_names_for_consumer is None:
            yield from map(self.clean_group_name, self.group_names(*args, **kwargs))
            return
        for group in self._group_names_for_consumer(self, *args, consumer=consumer, **kwargs):
            yield self.group_called(group)

    def group_names_for_signal(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """The groups that hear of a signal with these arguments."""
        if self._group_names_for_signal is None:
            yield from map(self.clean_group_name, self.group_names(*args, **kwargs))
            return
        for group in self._group_names_for_signal(self, *args, **kwargs):
            yield self.group_called(group)

    def group_called(self, name: str) -> str:
        """The group that a name of ``groups_for_signal`` stands for, as the layer calls it."""
        return self.clean_group_name(f"{self.stable_id}-{name}")

    def group_names(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """The one group of an observer that has no groups of its own."""
        yield f"{self.stable_id}-{self.func.__name__.replace('_', '.')}"

    def clean_group_name(self, name: str) -> str:
        """The name that the channel layer sees."""
        return hashed(name)

    # -- decorators --------------------------------------------------------------------

    def serializer(self, func: Callable[..., Any]) -> Any:
        """
        Decorate the method that makes the message: ``(self, instance, action, **kwargs)``.

        It runs once per event, after the commit, for all subscribers together,
        so it knows no user and no request.
        """
        self._serializer = func
        return self

    def groups_for_signal(self, func: Callable[..., Iterable[str]]) -> Any:
        """Decorate the method that says which groups hear of a change: ``(self, instance)``."""
        self._group_names_for_signal = func
        return self

    def groups_for_consumer(self, func: Callable[..., Iterable[str]]) -> Any:
        """Decorate the method that says which groups ``subscribe`` joins; gets its arguments."""
        self._group_names_for_consumer = func
        return self

    def groups(self, func: Callable[..., Iterable[str]]) -> Any:
        """Decorate one method that is both ``groups_for_signal`` and ``groups_for_consumer``."""
        self._group_names_for_consumer = func
        self._group_names_for_signal = func
        return self

    def serialize(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The message: ``{"type": ..., "body": ...}``, with what the serializer method made."""
        body = self._serializer(self, *args, **kwargs) if self._serializer else {}
        return {"type": self.func.__name__.replace("_", "."), "body": body}
