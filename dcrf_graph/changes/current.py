"""An event once more, as the row is now."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.db.models import Model

from dcrf_graph.changes.change import Action, Event, Source
from dcrf_graph.changes.events import encoder, groups_of
from dcrf_graph.changes.rows import key_read, read


def current(event: Event, model: type[Model], source: Source) -> Event:
    """
    What an observer has to say to the event's group of the row as it is now.

    It is the event itself where that says so already. One query, on the event's
    alias; it waits for no lock of the row.
    """
    pk = key_read(model, event.pk)
    row = read(model, [pk], event.using).get(pk)
    deleted = event.action == Action.DELETE.value
    if row is None or event.group not in groups_of(source, row):
        if deleted:
            return event
        message = text_of(source.serialize_key(pk, Action.DELETE), event.group)
        return replace(event, message=message, action="delete", model=None, instance=None, memo={})
    if not deleted:
        said = source.serialize(row, Action(event.action))
        if text_of(said, event.group) == event.message:
            return event
        # Which fields were written says nothing of how the row is.
        changed = json.loads(event.message).get("changed_fields")
        if text_of({**said, "changed_fields": changed}, event.group) == event.message:
            return event
    action = Action.CREATE if deleted else Action.UPDATE
    return replace(
        event,
        message=text_of(source.serialize(row, action), event.group),
        action=action.value,
        model=model._meta.label_lower,
        instance=row,
        memo={},
    )


def text_of(message: dict[str, Any], group: str) -> str:
    """A message for a group, as JSON."""
    return f'{encoder.encode(message)[:-1]}, "group": {encoder.encode(group)}}}'
