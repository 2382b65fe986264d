"""An observer and a reader as capture and hub see them, which keep what they are asked and told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connection
from django.db.models import Model

from dcrf_graph.changes.capture import watch
from dcrf_graph.changes.change import Action, Event, Gap
from dcrf_graph.changes.hub import Hub, hub


class AtOnce:
    """A loop that does at once what it is asked to do soon: all that a reader needs of one."""

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> None:
        callback(*args)

    def is_closed(self) -> bool:
        return False


class Reader:
    """A member of groups that keeps its events."""

    def __init__(
        self, observer_id: str = "observer", loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self.at_once = loop is None
        self.loop = loop or cast(asyncio.AbstractEventLoop, AtOnce())
        self.observer_id = observer_id
        self.pending = 0
        self.events: list[Event] = []
        self.gaps: list[Gap] = []
        self.gapped = asyncio.Event()
        self.came: asyncio.Queue[Event] = asyncio.Queue()

    def push(self, event: Event) -> None:
        self.events.append(event)
        if not self.at_once:
            self.came.put_nowait(event)

    def gap(self, gap: Gap) -> None:
        self.gaps.append(gap)
        self.gapped.set()

    async def next(self) -> Event:
        """The next event; fails when none comes."""
        return await asyncio.wait_for(self.came.get(), 10)

    def read(self) -> list[tuple[str, str, Any]]:
        """What was told since the last time: ``(action, group, body)``."""
        told = [(str(e.action), e.group, json.loads(e.message)["body"]) for e in self.events]
        self.events.clear()
        return told

    def actions(self) -> list[str]:
        """The actions of the events since the last time."""
        return [action for action, _, _ in self.read()]


class Observer:
    """An observer of a model, with a group per value that ``group_by`` names.

    Without ``group_by`` every row is in one group, called like the observer.
    """

    def __init__(
        self,
        group_by: Callable[[Any], Any] | None = None,
        body: Callable[[Any], Any] = lambda row: row.pk,
        many_to_many: bool = False,
        stable_id: str = "observer",
    ) -> None:
        self.group_by = group_by
        self.body = body
        self.many_to_many = many_to_many
        self.stable_id = stable_id
        self.serialized: list[Action] = []

    @property
    def grouped(self) -> bool:
        return self.group_by is not None

    def group_names_for_signal(self, *, instance: Any) -> Iterable[str]:
        yield self.stable_id if self.group_by is None else str(self.group_by(instance))

    def serialize(self, instance: Any, action: Action) -> dict[str, Any]:
        self.serialized.append(action)
        return {"type": "told", "body": self.body(instance), "action": action.value}

    def serialize_key(self, pk: Any, action: Action) -> dict[str, Any]:
        return {"type": "told", "body": {"key": pk}, "action": action.value}

    def group_called(self, name: str) -> str:
        return name


def join(reader: Reader, *groups: str, to: Hub = hub) -> None:
    """Let a reader hear groups; without a loop, so without a channel layer."""
    for group in groups:
        joining = to.join(group, reader)
        try:
            joining.send(None)
        except StopIteration:
            continue
        raise AssertionError("joining waits for something")


@contextmanager
def observed(model: type[Model], *groups: str, **options: Any) -> Iterator[Reader]:
    """A reader of the groups of an observer of a model, for as long as the block lasts."""
    observer = Observer(**options)
    watch(model, observer, many_to_many=observer.many_to_many)
    reader = Reader(observer.stable_id)
    groups = groups or (observer.stable_id,)
    join(reader, *groups)
    try:
        yield reader
    finally:
        for group in groups:
            hub.leave(group, reader)


@contextmanager
def tables(*models: type[Model]) -> Iterator[None]:
    """The tables of models that one test defines, in the order of their relations."""
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            for model in reversed(models):
                editor.delete_model(model)
