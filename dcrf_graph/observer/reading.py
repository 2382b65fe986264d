"""
What handlers are given of an event: a message of one's own for each.

A handler may change its message, so nothing that can be changed is shared. The text is read once
per event; what each handler gets is a copy, which takes a fraction of reading it again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from dcrf_graph.changes.change import Event
from dcrf_graph.encoding import loads

USUAL = frozenset({"type", "body", "group", "action"})
"""What a message of a model's observer holds, where nobody has replaced ``serialize``."""


class Reading:
    """The message of one event, read.

    ``copy`` makes a message, ``body`` makes its body alone. ``usual`` says that there is nothing
    else in it than its ``type``, ``group`` and ``action``. ``changed`` names what an update wrote,
    where that is known.
    """

    __slots__ = ("action", "body", "changed", "copy", "group", "type", "usual")

    def __init__(self, text: str) -> None:
        message = loads(text)
        self.copy = copier_of(message)
        self.body = copier_of(message.get("body"))
        self.usual = message.keys() == USUAL
        self.type = message.get("type")
        self.group = message.get("group")
        self.action = message.get("action")
        self.changed: list[str] | None = message.get("changed_fields")


def reading_of(event: Event) -> Reading:
    """The message of an event, read by the first who asks."""
    reading: Reading | None = event.reading
    if reading is None:
        reading = Reading(event.message)
        object.__setattr__(event, "reading", reading)  # an event does not change for anybody else
    return reading


def copier_of(value: Any) -> Callable[[], Any]:
    """What makes copies of a JSON value that have nothing in common which can be changed."""
    kind = type(value)
    if kind is dict:
        inner = {key: copier_of(v) for key, v in value.items() if type(v) in (dict, list)}
        return partial(with_copies, value, inner) if inner else value.copy
    if kind is list:
        places = {at: copier_of(v) for at, v in enumerate(value) if type(v) in (dict, list)}
        return partial(with_copies, value, places) if places else value.copy
    return partial(same, value)


def with_copies(value: Any, inner: dict[Any, Callable[[], Any]]) -> Any:
    """A copy of a dict or list, with copies of what is in it."""
    copy = value.copy()
    for key, make in inner.items():
        copy[key] = make()
    return copy


def same(value: Any) -> Any:
    """A value that nobody can change."""
    return value
