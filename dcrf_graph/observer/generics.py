"""
Subscribing to one row: ``subscribe_instance`` (upstream's module and names).

The observer is made for each consumer class that has a queryset, so two
consumers of one model share nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from inspect import getattr_static
from typing import Any

import orjson
from django.db.models import Model
from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import ValidationError

from dcrf_graph.api_consumer import APIConsumerMetaclass
from dcrf_graph.calls import calling
from dcrf_graph.changes.change import Event
from dcrf_graph.decorators import action
from dcrf_graph.encoding import dumps
from dcrf_graph.following import Row, row_of, waits
from dcrf_graph.mixins import RetrieveModelMixin
from dcrf_graph.observer.delivery import Delivery, Subscriber, delivery_now
from dcrf_graph.observer.model_observer import ModelObserver
from dcrf_graph.threads import in_database_thread

Reply = tuple[Any, int]


class _GenericModelObserver:
    """An observer that has no model until a consumer class with a queryset is made."""

    def __init__(self, func: Callable[..., Any], **kwargs: Any) -> None:
        self.func = func
        self._group_names: Callable[..., Iterable[str]] | None = None
        self._serializer: Callable[..., Any] | None = None

    def bind_to_model(
        self, model_cls: type[Model], name: str, many_to_many: bool = False
    ) -> ModelObserver:
        """Make the observer of one consumer class."""
        observer = ModelObserver(
            func=self.func,
            model_cls=model_cls,
            partition=name,
            many_to_many=many_to_many,
            moves=False,
        )
        observer.waits, observer.tells = waits, tail_of
        if self._group_names is not None:
            observer.groups(self._group_names)
        if self._serializer is not None:
            observer.serializer(self._serializer)
        return observer

    def groups(self, func: Callable[..., Iterable[str]]) -> Any:
        self._group_names = func
        return self

    def serializer(self, func: Callable[..., Any]) -> Any:
        self._serializer = func
        return self


class ObserverAPIConsumerMetaclass(APIConsumerMetaclass):
    """Binds generic observers to the model of the class's queryset."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **kwargs: Any
    ) -> APIConsumerMetaclass:
        cls = super().__new__(mcs, name, bases, body, **kwargs)
        own = "queryset" in body
        model = getattr(getattr(cls, "queryset", None), "model", None)
        if model is not None:
            for attribute in dir(cls):
                generic = generic_observer(cls, attribute)
                if generic is not None and (own or is_unbound(cls, attribute)):
                    observer = generic.bind_to_model(
                        model_cls=model,
                        name=f"{cls.__module__}.{cls.__qualname__}.{attribute}",
                        many_to_many=getattr(cls, "observer_many_to_many_relationships", False),
                    )
                    setattr(cls, attribute, observer)
        return cls


def is_unbound(cls: type, attribute: str) -> bool:
    """Whether an attribute is a generic observer that no base class has bound to its queryset."""
    return isinstance(getattr_static(cls, attribute), _GenericModelObserver)


def generic_observer(cls: type, attribute: str) -> _GenericModelObserver | None:
    """The generic observer behind an attribute, also where a base class has bound it."""
    for base in cls.__mro__:
        found = base.__dict__.get(attribute)
        if isinstance(found, _GenericModelObserver):
            return found
        if found is not None and not isinstance(found, ModelObserver):
            return None
    return None


class ObserverConsumerMixin(metaclass=ObserverAPIConsumerMetaclass):
    """What consumers with generic observers have in common."""

    observer_many_to_many_relationships = False

    @property
    def subscribed_requests(self: Any) -> dict[str, set[Any]]:
        """The request_ids that have subscribed, by group."""
        requests: dict[str, set[Any]] = {}
        for subscription in self.subscriptions:
            for subscriber in subscription.subscribers.values():
                if subscriber.request_id is not None:
                    requests.setdefault(subscription.group, set()).add(subscriber.request_id)
        return requests


class ObserverModelInstanceMixin(ObserverConsumerMixin, RetrieveModelMixin):
    """
    ``subscribe_instance`` and ``unsubscribe_instance``: events about one row.

    Each event is the row as ``retrieve`` answers it to this client, read once
    per change however many requests of the connection have subscribed it, and
    once for all clients where it cannot differ; a delete carries ``{"pk": ...}``.
    ``observer_many_to_many_relationships = True`` makes changes of many-to-many
    relations events too.

    Source: upstream's ``observer.generics.ObserverModelInstanceMixin``.
    """

    @action()
    async def subscribe_instance(self: Any, request_id: Any = None, **kwargs: Any) -> Reply:
        """
        Subscribe to the changes of one row.

        Raises:
            ValidationError: without a request_id, which the events will carry.
            Http404: if there is no such row, for this client.
        """
        if request_id is None:
            raise ValidationError({"request_id": ["This field is required."]})
        instance = await in_database_thread(self.get_object)(**kwargs)
        await self.handle_instance_change.subscribe(instance=instance, request_id=request_id)
        return None, status.HTTP_201_CREATED

    @action(graphql=False)
    async def unsubscribe_instance(self: Any, request_id: Any = None, **kwargs: Any) -> Reply:
        """
        End this request's subscription of the row; if it has none, all of the row's.

        The row need not exist any more. Without a key, whatever rows the request follows.
        """
        lookup = self.lookup_url_kwarg or self.lookup_field
        following = self.subscriptions.of(type(self).handle_instance_change)
        if lookup in kwargs:
            named = str(kwargs[lookup])
            following = [s for s in following if str(s.arguments.get(lookup)) == named]
        mine = [s for s in following if request_id is not None and s.request_id == request_id]
        unfollow(self, mine if mine or lookup not in kwargs else following)
        return None, status.HTTP_204_NO_CONTENT

    @_GenericModelObserver
    def handle_instance_change(
        self: Any, message: Any, group: str | None = None, action: str | None = None, **kwargs: Any
    ) -> Awaitable[None]:
        """Give a change to ``handle_observed_action``."""
        handling: Awaitable[None] = self.handle_observed_action(
            action=action, group=group, **message
        )
        return handling

    def tells_keys_only(self: Any, event: Event) -> bool:
        """Whether a deletion is told by the key alone: where nobody has replaced the handlers."""
        consumer_class: Any = type(self)
        return tells_rows(consumer_class, event.observer)

    @handle_instance_change.groups  # type: ignore[no-redef]
    def handle_instance_change(self: Any, instance: Any, *args: Any, **kwargs: Any) -> Any:
        """One group per row."""
        name = self.func.__name__.replace("_", ".")
        yield f"{name}-model-{self.model_label}-pk-{instance.pk}"

    async def handle_observed_action(
        self: Any, action: str, group: str | None = None, **kwargs: Any
    ) -> None:
        """
        Tell every subscribed request about a change of its row.

        Requests that subscribed with the same arguments share one ``retrieve``;
        where it is the same for every client, all of them share one.
        """
        delivery = delivery_now()
        if delivery is not None and (row := alone_with(delivery)) is not None:
            request_id = delivery.subscribers[0].request_id
            await self.reply(action=action, data=row.written, request_id=request_id)
            return
        for subscribers in alike(subscribers_of(self, group, delivery)):
            first = subscribers[0]
            if action == "delete":
                response: Any = kwargs, status.HTTP_204_NO_CONTENT
            elif (shared := shared_row(self, first, delivery)) is not None:
                response = shared, status.HTTP_200_OK
            else:
                arguments = {**kwargs, **first.arguments, "request_id": first.request_id}
                try:
                    with calling(self.subscribing_call(first)):
                        response = await self.retrieve(**{**arguments, "action": action})
                except Exception as error:
                    if isinstance(error, Http404) and await is_gone(self, kwargs):
                        continue  # its own delete is on the way
                    unfollow(self, subscribers)
                    for subscriber in subscribers:
                        await self.end_subscription(subscriber, action, error)
                    continue
            if isinstance(response, tuple):
                data, code = response
                for subscriber in subscribers:
                    await self.reply(
                        action=action, data=data, status=code, request_id=subscriber.request_id
                    )


@cache
def tells_rows(consumer_class: Any, observer_id: str) -> bool:
    """Whether an observer is the one of single rows, and nobody has replaced what handles them."""
    observer = getattr(consumer_class, "handle_instance_change", None)
    ours = ObserverModelInstanceMixin
    return (
        observer is not None
        and observer.stable_id == observer_id
        and observer.func is ours.handle_instance_change.func
        and consumer_class.handle_observed_action is ours.handle_observed_action
    )


def tail_of(line: Any, request_id: Any) -> str | None:
    """How the frame ends that tells a request the row that everybody reads alike.

    None where it is not our handler that would tell it.
    """
    consumer_class: Any = type(line.consumer)
    return f"{dumps(request_id)}}}" if tells_rows(consumer_class, line.observer_id) else None


def alone_with(delivery: Delivery) -> Row | None:
    """The row of an event for the one who is delivered it, if everybody reads it alike."""
    row: Row | None = delivery.row
    if row is None or row.written is None or len(delivery.subscribers) > 1:
        return None
    return None if delivery.subscribers[0].request_id is None else row


def shared_row(
    consumer: Any, subscriber: Subscriber, delivery: Delivery | None
) -> orjson.Fragment | None:
    """The row as everybody reads it, written already; None where this client reads it alone."""
    if delivery is None or len(delivery.subscribers) == 1:
        return None
    row = row_of(consumer, delivery.event, subscriber.arguments)
    return None if row is None or row.read_at is None else row.written


def subscribers_of(consumer: Any, group: str | None, delivery: Delivery | None) -> list[Subscriber]:
    """Whom a change is for: those of the delivery, else all that have subscribed the group."""
    if delivery is not None:
        return [s for s in delivery.subscribers if s.request_id is not None]
    observer = type(consumer).handle_instance_change
    return [s for s in consumer.subscriptions.of(observer, group) if s.request_id is not None]


def unfollow(consumer: Any, subscribers: Iterable[Subscriber]) -> None:
    """End these subscriptions of rows, and nothing else that their requests have subscribed."""
    observer = type(consumer).handle_instance_change
    for subscription in consumer.subscriptions:
        if subscription.observer is observer:
            for subscriber in subscribers:
                consumer.subscriptions.discard(subscription, subscriber)


def alike(subscribers: list[Subscriber]) -> list[list[Subscriber]]:
    """Subscribers by the action and arguments that they subscribed with."""
    if len(subscribers) == 1:
        return [subscribers]
    groups: dict[str, list[Subscriber]] = {}
    for subscriber in subscribers:
        key = repr((subscriber.action, sorted(subscriber.arguments.items())))
        groups.setdefault(key, []).append(subscriber)
    return list(groups.values())


async def is_gone(consumer: Any, message: dict[str, Any]) -> bool:
    """Whether the row of a message has left the database, and not only this client's sight."""
    model = type(consumer).handle_instance_change.model_cls
    rows = model._base_manager.filter(pk=message.get("pk"))
    return not await in_database_thread(rows.exists)()
