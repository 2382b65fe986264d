"""
A deletion of which a client hears no more than the key.

With the row may have gone what says who may see it, so nobody is refused a
deletion, and nobody is told the row either.

Source: docs/decisions/0038-a-deletion-is-never-refused.md
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dcrf_graph.changes.change import Action, Event
from dcrf_graph.encoding import dumps


class RowIsGone(Exception):
    """Nobody can say of an event whether a client may hear it: with the row went what says so.

    Not a refusal: of a deletion the key is told, and of what was before it nothing.
    """


def is_deletion(event: Event) -> bool:
    """Whether an event says that a row is not there any more."""
    return event.action == Action.DELETE.value


def told_by_key(event: Event, observer: Any) -> Event:
    """A deletion that says nothing of the row but its key, made once for all who hear it so."""
    keyed: Event | None = event.memo.get(told_by_key)
    if keyed is None:
        # What came from another process is as JSON has it.
        pk = observer.model_cls._meta.pk.to_python(event.pk)
        message = {**observer.serialize_key(pk, Action.DELETE), "group": event.group}
        keyed = replace(event, message=dumps(message), model=None, instance=None, memo={})
        event.memo[told_by_key] = keyed
    return keyed
