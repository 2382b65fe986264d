"""
``subscribe_list``: a list, and from then on every change of it (beyond upstream).

It takes the arguments of ``list``: its filters, its search, its ordering. The
reply is the list; then a row that comes into it is a create, one that leaves it
a delete, one that stays an update. Between the list and the first change there
is no gap: the client has subscribed before the list is read.

Whether a row is in the list is asked of the database once per change and
distinct list, however many follow it, where nobody could tell the difference.

Source: docs/decisions/0030-live-lists-ask-the-queryset.md
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Hashable, Mapping
from contextvars import Context
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from rest_framework import status
from rest_framework.exceptions import ValidationError

from dcrf_graph.arguments import REQUIRED
from dcrf_graph.calls import Call, current_call
from dcrf_graph.changes.change import Event, Gap
from dcrf_graph.changes.envelope import key_of
from dcrf_graph.configured import is_computed
from dcrf_graph.decorators import action
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.generics import GenericAsyncAPIConsumer, asked_by_query
from dcrf_graph.loading.writing import plan_of
from dcrf_graph.mixins import ListModelMixin, Reply, rows_written
from dcrf_graph.observer.delivery import Subscriber, delivering, delivery_now
from dcrf_graph.observer.generics import ObserverConsumerMixin, _GenericModelObserver
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import in_database_thread, own_thread

SNAPSHOT = "snapshot"
"""The action of a frame that brings the whole list again."""
LIBRARIES = ("dcrf_graph.", "rest_framework.", "django_filters.")
READING = (
    "filter_queryset",
    "get_queryset",
    "get_serializer",
    "get_serializer_class",
    "get_serializer_context",
    "live_row",
    "rows_listed",
    "view_of_call",
)
"""What finds and writes the rows of a list; where one of them is overridden it runs for each."""
CONFIGURED = frozenset(READING) | {
    "filter_backends",
    "filterset_class",
    "filterset_fields",
    "load_relations",
    "ordering",
    "ordering_fields",
    "queryset",
    "search_fields",
    "serializer_class",
}
"""What says which rows those are: a consumer that has one of its own has a list of its own."""


@dataclass
class LiveList:
    """What one request follows: the arguments of its list, and the keys of the rows in it.

    ``missed`` are changes that came while the list was being read; None once
    the client has it. ``read`` says that it has been read once: the arguments were good.
    """

    arguments: dict[str, Any]
    read: bool = False
    keys: set[str] = field(default_factory=set)
    missed: list[Event] | None = field(default_factory=list)


class LiveListMixin(ObserverConsumerMixin, ListModelMixin):
    """
    ``subscribe_list`` and ``unsubscribe_list``: the rows of ``list``, kept current.

    Changes of the list's own rows are seen; that a filter reads a related row
    which changes is not. ``observer_many_to_many_relationships = True`` makes
    changes of many-to-many relations changes of the row.

    Attributes:
        max_live_rows: rows that one list may have; by default ``MAX_LIVE_ROWS``.
    """

    max_live_rows: int | None = None

    @action(subscribes="handle_list_change")
    async def subscribe_list(self: Any, request_id: Any = None, **kwargs: Any) -> Reply:
        """
        Answer with the rows of the list, and tell every change of it from now on.

        Raises:
            ValidationError: without a request_id, which the events will carry; if the
                list has more than ``max_live_rows`` rows. Nothing is subscribed then.
        """
        if request_id is None:
            raise ValidationError({"request_id": [REQUIRED]})
        held = {each.request_id for each in self.list_subscribers()}
        for ended in self.live_lists.keys() - held:
            del self.live_lists[ended]
        # Before subscribing: what is heard then has to be kept.
        live = self.live_lists[request_id] = LiveList({**kwargs, "action": "list"})
        await self.handle_list_change.subscribe(request_id=request_id)
        try:
            rows = await in_database_thread(self.live_rows)(live)
        except BaseException:
            await self.handle_list_change.unsubscribe(request_id=request_id)
            self.live_lists.pop(request_id, None)
            raise
        work = self._catch_up(request_id, live, current_call.get())
        self.connection.start(work, context=Context())
        return rows, status.HTTP_201_CREATED

    @action(graphql=False)
    async def unsubscribe_list(self: Any, request_id: Any = None, **kwargs: Any) -> Reply:
        """End this request's subscription; harmless where there is none."""
        if request_id is not None:
            await self.handle_list_change.unsubscribe(request_id=request_id)
            self.live_lists.pop(request_id, None)
        return None, status.HTTP_204_NO_CONTENT

    @property
    def live_lists(self) -> dict[Any, LiveList]:
        """The lists that this consumer's client follows, by request_id."""
        lists: dict[Any, LiveList] = self.__dict__.setdefault("_live_lists", {})
        return lists

    def list_subscribers(self: Any) -> list[Subscriber]:
        """Who follows a list of this consumer."""
        return list(self.subscriptions.of(type(self).handle_list_change))

    # -- reading ------------------------------------------------------------------

    def rows_listed(self: Any, arguments: Mapping[str, Any], *, followed: bool = True) -> Any:
        """The rows of a list, as a queryset.

        Args:
            followed: the arguments have been good: if they are not any more, because what
                a filter names is gone (``board=7``), there are no rows.

        Raises:
            ValidationError: of a list that is not followed, for arguments that are wrong.
        """
        rows = self.get_queryset(**arguments)
        if not followed:
            refuse_what_cannot_be_asked(self, rows)
        try:
            return self.filter_queryset(rows, **arguments)
        except ValidationError:
            if not followed:
                raise
            return rows.none()

    def live_rows(self: Any, live: LiveList) -> Any:
        """The whole list as it is now; its keys are remembered."""
        most = self.max_live_rows or api_settings.MAX_LIVE_ROWS
        rows = self.rows_listed(live.arguments, followed=live.read)
        refuse_what_cannot_be_asked(self, rows)
        with asked_by_query(self, rows, live.arguments):
            keys = list(rows.values_list("pk", flat=True)[: most + 1])
        if len(keys) > most:
            raise ValidationError(f"The list has more than {most} rows: narrow it.")
        live.keys, live.read = set(map(as_text, keys)), True
        return rows_written(self, rows, None, live.arguments)

    def live_row(self: Any, arguments: Mapping[str, Any], pk: Any) -> Any:
        """The row of this key as ``list`` writes it; None where it is not in the list."""
        rows = self.rows_listed(arguments)
        return next(iter(rows_written(self, rows.filter(pk=pk), None, arguments)), None)

    def live_scope(self: Any, arguments: Mapping[str, Any]) -> Hashable:
        """What a list depends on: lists of equal scopes have equal rows."""
        names = {name: value for name, value in arguments.items() if name != "action"}
        scope = (type(self), json.dumps(names, sort_keys=True), self.scope.get("query_string"))
        consumer_class: Any = type(self)
        alike = CONFIGURED.isdisjoint(self.__dict__) and is_the_same_for_all(consumer_class)
        return scope if alike else (*scope, id(self))

    # -- changes -------------------------------------------------------------------

    @_GenericModelObserver
    async def handle_list_change(self: Any, message: Any, **kwargs: Any) -> None:
        """Tell every list that the row is in, or was in."""
        delivery = delivery_now()
        if delivery is None:
            return
        for subscriber in delivery.subscribers:
            live = self.live_lists.get(subscriber.request_id)
            if live is None:
                continue
            if live.missed is not None:
                live.missed.append(delivery.event)
            else:
                await self.tell_list(subscriber, live, delivery.event)

    async def tell_list(self: Any, subscriber: Subscriber, live: LiveList, event: Event) -> None:
        """Tell one list what a change of a row means for it, if anything."""
        row = await self.current_row(live, event)
        if self.live_lists.get(subscriber.request_id) is not live:
            return  # it was subscribed anew meanwhile, or not at all any more
        key = as_text(event.pk)
        if row is not None:
            told, data, code = ("update" if key in live.keys else "create"), row, 200
            live.keys.add(key)
        elif key in live.keys:
            told, data, code = "delete", {"pk": event.pk}, 204
            live.keys.discard(key)
        else:
            return
        # What the change is for this list, which may be another thing than for the row.
        with delivering(replace(event, action=told), subscriber):
            await self.reply(action=told, data=data, status=code, request_id=subscriber.request_id)

    async def current_row(self: Any, live: LiveList, event: Event) -> Any:
        """The row of an event as the list has it, read once for all lists of one scope."""
        scope = self.live_scope(live.arguments)
        reading = event.memo.get(scope)
        if reading is None or (reading.done() and (reading.cancelled() or reading.exception())):
            # Nobody's own task: who asked first may leave while the others wait.
            reading = asyncio.get_running_loop().create_task(
                self._read(live.arguments, event.pk), context=Context()
            )
            event.memo[scope] = reading
        return await asyncio.shield(reading)

    async def _read(self: Any, arguments: Mapping[str, Any], pk: Any) -> Any:
        async with own_thread():
            return await in_database_thread(self.live_row)(arguments, pk)

    async def _catch_up(self: Any, request_id: Any, live: LiveList, call: Call | None) -> None:
        """Tell what changed while the list was read, once the client has it."""
        if call is not None:
            await call.finished.wait()
        while live.missed:
            event = live.missed.pop(0)
            for subscriber in self.list_subscribers():
                if subscriber.request_id == request_id:
                    try:
                        await self.tell_list(subscriber, live, event)
                    except Exception as error:
                        await self.fail_event(subscriber, event.action, error)
        live.missed = None

    async def tell_gap(self: Any, subscriber: Subscriber, gap: Gap) -> None:
        """Bring the whole list again, where changes of it may have been missed."""
        live = self.live_lists.get(subscriber.request_id)
        if live is None or subscriber not in self.list_subscribers():
            await super().tell_gap(subscriber, gap)  # type: ignore[misc]
            return
        # These are rows, which not everybody may see who may hear that some are missing.
        await self.check_subscriber(subscriber)
        rows = await in_database_thread(self.live_rows)(live)
        if self.live_lists.get(subscriber.request_id) is not live:
            return
        event = Event(observer="", group="", message="", action=SNAPSHOT)
        with delivering(event, subscriber):
            await self.reply(action=SNAPSHOT, data=rows, request_id=subscriber.request_id)

    def object_of(self: Any, event: Event) -> Any:
        """No object to ask permission for: a list shows what its queryset has, as ``list`` does."""
        if event.observer == type(self).handle_list_change.stable_id:
            return None
        return super().object_of(event)  # type: ignore[misc]


def unaskable(rows: Any) -> list[tuple[str, str]]:
    """Why rows cannot be narrowed to one of them, and what to do; empty where they can."""
    query = rows.query
    if query.is_sliced:
        return [("sliced", "Slice in `list`, or with a paginator.")]
    if query.combinator:
        remedy = "Combine conditions instead: filter(Q(...) | Q(...))."
        return [(f"a {query.combinator} of querysets", remedy)]
    return []


def refuse_what_cannot_be_asked(consumer: Any, rows: Any) -> None:
    """Refuse rows that cannot be narrowed to one of them.

    Raises:
        ConfigurationError: says why, and what to do.
    """
    for what, remedy in unaskable(rows.all()):
        raise ConfigurationError(
            f"The queryset of {type(consumer).__name__} is {what}: whether a row is in it cannot "
            f"be asked, so nobody can follow it. {remedy}"
        )


def as_text(pk: Any) -> str:
    """A row's key as text; other processes write the parts of one as text, too."""
    return str(key_of(pk))


def is_live_list(consumer_class: Any, action: str) -> bool:
    """Whether an action of a consumer follows its list."""
    return action == "subscribe_list" and issubclass(consumer_class, LiveListMixin)


@cache
def is_the_same_for_all(consumer_class: Any) -> bool:
    """Whether the rows of a list depend on its arguments alone, whoever asks."""
    if any(is_computed(consumer_class, name) for name in CONFIGURED):
        return False
    bases = (LiveListMixin, GenericAsyncAPIConsumer)
    for name in READING:
        if getattr(consumer_class, name, None) not in [getattr(b, name, None) for b in bases]:
            return False
    if getattr(consumer_class, "filterset_class", None) is not None:
        return False
    backends = consumer_class.filter_backends or ()
    if not all(backend.__module__.startswith(LIBRARIES) for backend in backends):
        return False
    model = getattr(consumer_class.queryset, "model", None)
    if model is None or not consumer_class.load_relations:
        return False
    return plan_of(consumer_class.serializer_class, model) is not None
