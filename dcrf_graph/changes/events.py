"""
What observers say of a commit: each row read at most once, each message made once.

A group that a row has left hears the key alone. Who is in it may not see what
the row has become, and what it was the group has heard before. What an observer
fails to say is told as a gap, to its own groups.

Source: docs/decisions/0020-a-row-that-leaves-is-told-by-its-key.md,
docs/decisions/0043-what-could-not-be-said-is-a-gap.md
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from django.db.models import Model

from dcrf_graph.changes.change import GAP, UNKNOWN, Action, Change, Event, Source, lost
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import Record
from dcrf_graph.changes.rows import as_deleted, made_of, read
from dcrf_graph.changes.snapshot import loaded_from, restored
from dcrf_graph.encoding import JSONEncoder

logger = logging.getLogger(__name__)

Groups = dict[str, frozenset[str]]
"""Per observer, the groups of a row."""


class Listened(Protocol):
    """A capture, as far as its observers are asked."""

    def heard(self) -> list[Source]:
        """The observers that somebody may be listening to."""


def events_of_commit(
    records: Iterable[Record], captures: Mapping[type[Model], Listened]
) -> list[Event]:
    """What each observer says of each committed change, to each group.

    It raises nothing that an observer raises: that is logged, and told as a gap.
    """
    wanted = {model: captures[model].heard() for model in {r.model for r in records}}
    heard = [(record, heard_of(record, wanted[record.model])) for record in records]
    heard = [(record, sources) for record, sources in heard if sources]
    rows = rows_of(record for record, _ in heard)
    events: list[Event] = []
    for record, sources in heard:
        for source in sources:
            if id(record) not in rows:
                events.append(lost(source.stable_id))
                continue
            try:
                events.extend(events_of(source, record, rows[id(record)]))
            except Exception:
                logger.exception("The observer %s failed on a change", source.stable_id)
                events.append(lost(source.stable_id))
    return with_each_gap_once(events) if len(events) > 1 else events


def with_each_gap_once(events: Iterable[Event]) -> list[Event]:
    """The events of a commit: who fetches everything anew need not do so for each row."""
    told: set[tuple[str, str]] = set()
    kept = []
    for event in events:
        if event.action == GAP:
            if (event.observer, event.group) in told:
                continue
            told.add((event.observer, event.group))
        kept.append(event)
    return kept


def heard_of(record: Record, wanted: list[Source]) -> list[Source]:
    """The observers that hear of a change: of changed relations only those that ask for them."""
    if not record.relations_only:
        return wanted
    return [source for source in wanted if source.many_to_many]


def rows_of(records: Iterable[Record]) -> dict[int, Model | None]:
    """The row of each record, by the record's id; None for those that are gone again.

    A row that was deleted, and is there when that is told late, was created again.
    Those that could not be read are left out.
    """
    rows: dict[int, Model | None] = {}
    unread: dict[tuple[type[Model], str], list[Record]] = {}
    for record in records:
        if record.action is Action.DELETE:
            rows[id(record)] = deleted_row(record)
        elif record.saved is not None:
            rows[id(record)] = made_of(record.model, record.saved, record.using)
        if record.late or id(record) not in rows:
            unread.setdefault((record.model, record.using), []).append(record)
    for (model, using), batch in unread.items():
        try:
            found = read(model, [record.pk for record in batch], using)
        except Exception:
            logger.exception("Changes of %s could not be read", model._meta.label)
            continue
        for record in batch:
            if record.pk in found:
                rows[id(record)] = found[record.pk]
                if record.action is Action.DELETE:
                    record.action = Action.UPDATE
            else:
                rows.setdefault(id(record), None)
    return rows


def deleted_row(record: Record) -> Model:
    """A row that is gone: the instance that was deleted, or as much of one as its key."""
    if record.deleted is not None:
        return as_deleted(record.model, record.pk, record.using, record.deleted)
    row = made_of(record.model, {}, record.using)
    row.pk = record.pk
    return row


def events_of(source: Source, record: Record, row: Model | None) -> Iterable[Event]:
    """What one observer says of a committed change; row is None if it is gone again.

    Then its own delete is told to the groups that it was in last: those that it
    had been in before have to hear of it here. What cannot be said is logged once,
    and the groups that were to hear it are told of a gap.

    Raises:
        Exception: whatever the observer raises when it is asked for groups.
    """
    failed = False
    is_delete = record.action is Action.DELETE
    after = frozenset[str]() if is_delete or row is None else groups_of(source, row)
    before = groups_known(source, record, row, after)
    if before is UNKNOWN:
        yield lost(source.stable_id)
        before = after
    change = Change(record.model, record.pk, record.action, before, after, record.using)
    for action, groups in change.by_group():
        wanted = [group for group in sorted(groups) if hub.wants(source.stable_id, group)]
        if not wanted:
            continue
        left = action is Action.DELETE and not is_delete
        try:
            start = encoder.encode(said(source, record, row, action))[:-1]
        except Exception:
            if not failed:
                logger.exception("The observer %s failed on a change", source.stable_id)
            failed = True
            yield from (lost(source.stable_id, group) for group in wanted)
            continue
        for group in wanted:
            yield Event(
                observer=source.stable_id,
                group=group,
                message=f'{start}, "group": {encoder.encode(group)}}}',
                action=action.value,
                pk=record.pk,
                using=record.using,
                model=None if left else record.model._meta.label_lower,
                instance=None if left else row,
            )


def said(source: Source, record: Record, row: Model | None, action: Action) -> dict[str, Any]:
    """What an observer says of a change to the groups that it is this action for.

    Raises:
        Exception: whatever the observer's serializer raises of a row that is there.
    """
    is_delete = record.action is Action.DELETE
    message = record.messages.get(source.stable_id) if is_delete else None
    left = action is Action.DELETE and not is_delete
    if row is None or left or (is_delete and message is None and record.deleted is None):
        message = source.serialize_key(record.pk, action)
    elif message is None:
        message = said_of_row(source, row, record.pk, action)
    if action is Action.UPDATE and record.changed is not None:
        message = {**message, "changed_fields": sorted(record.changed)}
    return message


def said_of_row(source: Source, row: Model, pk: Any, action: Action) -> dict[str, Any]:
    """What an observer says of a row; of one that is deleted at least its key.

    Raises:
        Exception: whatever the observer's serializer raises of a row that is there.
    """
    try:
        return source.serialize(row, action)
    except Exception:
        if action is not Action.DELETE:
            raise
        # What it was related to may be gone as well. That it is gone itself has to be told.
        logger.exception(
            "The observer %s failed on a delete, which tells the key", source.stable_id
        )
        return source.serialize_key(pk, action)


encoder = JSONEncoder()


def groups_of(source: Source, instance: Model) -> frozenset[str]:
    """The groups that an observer names for a row."""
    return frozenset(source.group_names_for_signal(instance=instance))


def groups_known(
    source: Source, record: Record, row: Model | None, after: frozenset[str]
) -> frozenset[str]:
    """The groups that a row belonged to before a change; ``UNKNOWN`` where nobody could say."""
    if record.action is Action.CREATE or (row is None and not source.grouped):
        return frozenset()
    known = record.before.get(source.stable_id)
    if known is not None:
        return UNKNOWN if known == UNKNOWN else known
    if record.action is not Action.DELETE and not source.grouped:
        return after
    # Nobody listened when the row was saved or deleted, or no column of it changed.
    known_row = row_before(record) or row
    return frozenset() if known_row is None else groups_of(source, known_row)


def row_before(record: Record) -> Model | None:
    """The row as the instance that was saved had been loaded; None if that is not known."""
    if record.kept is None:
        return None
    model, kept = record.kept
    loaded = loaded_from(kept, model, record.pk)
    if loaded is None:
        return None
    row = restored(record.model, loaded, record.using)
    return row if row.pk == record.pk else None
