"""
The row of an event, read once for everybody who reads it the same.

``subscribe_instance`` answers each change with the row as ``retrieve`` gives it to
this client. Where that provably depends on no client, it is read and written
once per event: the consumer's own ways of finding, permitting, writing and
sending a row are ours, no filter is asked, the permissions ask nothing but who
the user is (which is asked of each), and the serializer has not looked at its
context. Whether it has is not guessed: the context notices.

Source: docs/decisions/0025-one-row-for-all-who-read-it-alike.md
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from functools import cache
from time import monotonic
from typing import Any

import orjson
from django.db.models import Manager, QuerySet
from rest_framework.status import HTTP_200_OK

from dcrf_graph.access import ASKING, plain_question
from dcrf_graph.changes.change import Event
from dcrf_graph.configured import is_computed
from dcrf_graph.encoding import dumps
from dcrf_graph.generics import GenericAsyncAPIConsumer, row_or_404
from dcrf_graph.loading.representation import loading
from dcrf_graph.loading.writing import written as by_plan
from dcrf_graph.mixins import RetrieveModelMixin
from dcrf_graph.observer.deliverer import running_apart
from dcrf_graph.protocols.native import reply_payload
from dcrf_graph.threads import in_database_thread, own_thread

logger = logging.getLogger(__name__)

GOOD_FOR = 1.0
"""Seconds that a row is good for after it was read: a client who lags gets a newer one."""
OURS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (RetrieveModelMixin, ("retrieve",)),
    (
        GenericAsyncAPIConsumer,
        (
            "encode_json",
            "filter_queryset",
            "get_object",
            "get_queryset",
            "get_serializer",
            "get_serializer_class",
            "get_serializer_context",
            "handle_exception",
            "reply",
            "send",
            "send_json",
            "view_of_call",
        ),
    ),
)
"""What finds, writes and sends a row; where one of them is overridden it runs for each client."""
ATTRIBUTES = frozenset(
    {
        "filter_backends",
        "load_relations",
        "lookup_field",
        "lookup_url_kwarg",
        "permission_classes",
        "queryset",
        "serializer_class",
    }
)
"""What says how rows are read, and may not be computed for each consumer."""
CONFIGURED = ATTRIBUTES | ASKING | {name for _, names in OURS for name in names}
CONFIGURED |= {"handle_instance_change", "handle_observed_action"}
"""What an instance may not have of its own."""


class Noticing(dict[str, Any]):
    """A serializer's context that notices whether anybody looks into it."""

    noticed = False


def noticing(name: str) -> Any:
    """A method of ``dict`` that leaves a note that it was called."""
    method = getattr(dict, name)

    def look(self: Noticing, *args: Any, **kwargs: Any) -> Any:
        self.noticed = True
        return method(self, *args, **kwargs)

    return look


# By `__iter__` and `keys` C code (`dict(context)`, `{**context}`) comes this way, too.
for _name in (
    *("__contains__", "__eq__", "__getitem__", "__iter__", "__len__", "__ne__", "__or__"),
    *("__repr__", "__reversed__", "__ror__", "copy", "get", "items", "keys", "pop", "popitem"),
    *("setdefault", "values"),
):
    setattr(Noticing, _name, noticing(_name))


class Row:
    """The row of one event, or that it is not the same for everybody.

    ``frame`` is the frame that tells it, with a request_id of null, and ``opening`` what of it
    comes before that.
    """

    __slots__ = ("frame", "opening", "read_at", "waiting", "written")

    def __init__(self) -> None:
        self.read_at: float | None = None
        self.written: orjson.Fragment | None = None
        self.frame: str | None = None
        self.opening: str | None = None
        self.waiting: list[Any] = []


@cache
def reads_alike(consumer_class: Any) -> bool:
    """Whether nothing but ours finds, writes and sends the rows of a class; decided once."""
    return (
        issubclass(consumer_class, GenericAsyncAPIConsumer)
        and not any(is_computed(consumer_class, name) for name in ATTRIBUTES)
        and not consumer_class.filter_backends
        and isinstance(consumer_class.queryset, QuerySet | Manager)
        and all(
            function_of(consumer_class, name) is function_of(owner, name)
            for owner, names in OURS
            for name in names
        )
    )


def function_of(owner: type, name: str) -> Any:
    found = getattr(owner, name, None)
    return getattr(found, "__func__", found)


def key_of(consumer: Any, arguments: dict[str, Any]) -> tuple[Any, ...] | None:
    """What the row of a subscriber depends on; None where that is more than can be said."""
    consumer_class: Any = type(consumer)
    if (
        not reads_alike(consumer_class)
        or not CONFIGURED.isdisjoint(consumer.__dict__)
        or not isinstance(consumer_class.permission_classes, list | tuple)
        or plain_question(consumer_class, tuple(consumer_class.permission_classes)) is None
    ):
        return None
    named = arguments.get(consumer_class.lookup_url_kwarg or consumer_class.lookup_field)
    if type(named) is not str:
        if not isinstance(named, int | str):
            return None
        named = str(named)
    return consumer_class, named


def row_of(consumer: Any, event: Event, arguments: dict[str, Any]) -> Row | None:
    """The row for a subscriber with these arguments, maybe not read yet; None: read it alone."""
    key = key_of(consumer, arguments)
    return None if key is None else row_called(key, consumer, event)


def row_called(key: tuple[Any, ...], consumer: Any, event: Event) -> Row:
    """The row of this key, as it is after an event."""
    row: Row | None = event.memo.get(key)
    if row is None or (row.read_at is not None and monotonic() - row.read_at > GOOD_FOR):
        row = event.memo[key] = Row()
        # It belongs to no connection: others wait for it, too.
        loop = asyncio.get_running_loop()
        work = read(row, consumer, key[1], event.action)
        running_apart(loop.create_task(work, context=Context()))
    return row


async def read(row: Row, consumer: Any, named: str, action: str | None) -> None:
    """Read and write the row, then go on with those who wait."""
    try:
        async with own_thread():
            text = await in_database_thread(written)(consumer, named)
        if text is not None:
            row.written = orjson.Fragment(text)
            row.frame = dumps(reply_payload([], HTTP_200_OK, action, data=row.written))
            row.opening = row.frame.removesuffix("null}")
    except Exception as error:
        # Each of them finds out alone, and is told so.
        logger.debug("A row was not read for all", exc_info=error)
    finally:
        row.read_at = monotonic()
        waiting, row.waiting = row.waiting, []
        for line in waiting:
            line.deliverer.add(line)


def written(consumer: Any, named: str) -> str | None:
    """The row as JSON, found and written as ``retrieve`` does; None where a client matters."""
    queryset = type(consumer).get_queryset(consumer)
    instance = row_or_404(queryset, **{consumer.lookup_field: named})
    if consumer.load_relations:
        # A plan looks at no context.
        rows = by_plan(consumer.serializer_class, [instance])
        if rows is not None:
            return dumps(rows[0])
    context = Noticing(consumer.get_serializer_context())
    serializer = consumer.serializer_class(instance, context=context)
    data = (loading(serializer) if consumer.load_relations else serializer).data
    return None if context.noticed else dumps(data)


MARK = "_attributes_looked_at"


def marked(attributes: dict[str, Any]) -> object:
    """
    A mark that is the last value of an object's attributes until one more is there.

    What is set anew comes after the mark, in whatever way it is set; what is taken away, or
    changed, was looked at before.
    """
    if next(reversed(attributes), None) != MARK:
        attributes.pop(MARK, None)
        attributes[MARK] = object()
    mark: object = attributes[MARK]
    return mark


def key_on(line: Any) -> tuple[Any, ...] | None:
    """What the row of a subscription's one subscriber depends on; found out, and kept.

    With the mark on the consumer: an attribute that it gets later may say how rows are read.
    """
    mark = marked(line.consumer.__dict__)
    [subscriber] = line.subscribers.values()
    key = key_of(line.consumer, subscriber.arguments)
    line.row_key = key, mark
    return key


def waits(line: Any, event: Event) -> tuple[Row | None, list[Any] | None]:
    """The row that a subscription is delivered with an event, and the lines that wait for it.

    The row is None where its subscribers read several, or alone; the second where nothing is
    waited for.
    """
    if event.action == "delete":
        return None, None
    if len(line.subscribers) == 1:
        known = line.row_key
        if known is not None and known[1] is next(reversed(line.consumer.__dict__.values())):
            key = known[0]
        else:
            key = key_on(line)
        if key is None:
            return None, None
        row = event.memo.get(key)
        if row is None or row.read_at is not None:
            row = row_called(key, line.consumer, event)
        return row, row.waiting if row.read_at is None else None
    rows = [row_of(line.consumer, event, s.arguments) for s in line.subscribers.values()]
    waiting = next((row.waiting for row in rows if row is not None and row.read_at is None), None)
    return None, waiting
