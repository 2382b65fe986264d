"""
Listens to Django's model signals, once per model, and writes the journal.

Whatever the number of observers, a model has one capture. It costs little
while no observer wants the model, and asks observers for group names and
messages only for those that somebody listens to. A row is a row of every model
of its tables: an observer of a model hears what is saved through its proxies,
its children and its parents.

What an observer raises is logged, and told as a gap to those who listen to it: it
breaks no ``save()`` and no other observer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Any
from weakref import ref

from django.db import connections
from django.db.models import Model
from django.db.models.signals import class_prepared, post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver

from dcrf_graph.changes.change import UNKNOWN, Action, Event, Gap, Source
from dcrf_graph.changes.current import current
from dcrf_graph.changes.events import Groups, events_of_commit, groups_of
from dcrf_graph.changes.first import connect_first
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import Record, journal_of, may_commit
from dcrf_graph.changes.kin import is_row_of, kin_of, same_table, shared_parent, tables_of
from dcrf_graph.changes.loads import ATTRIBUTE
from dcrf_graph.changes.outbox import save_in_transaction
from dcrf_graph.changes.relations import Relations
from dcrf_graph.changes.rows import copied, key_read, surely_saved
from dcrf_graph.changes.snapshot import (
    changed,
    forget,
    is_unset,
    keep_loaded_values,
    key_in,
    recall,
    remember_deleted,
    remember_written,
    written,
)
from dcrf_graph.settings import api_settings

logger = logging.getLogger(__name__)


class Capture:
    """Everything that observers want to know about one model."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model
        self.uid = f"dcrf_graph.{model._meta.label_lower}"
        self.grouped = False
        self._sources: tuple[ref[Source], ...] = ()
        self.senders: list[type[Model]] = []
        self._saving = f"{self.uid}.saving"
        self._deleting = f"{self.uid}.deleting"
        self._relations: Relations | None = None
        for sender in kin_of(model):
            self.follow(sender)

    def add(self, source: Source, *, many_to_many: bool) -> None:
        """Let an observer hear of this model."""
        if source not in self.sources():
            self._sources = (*self._sources, ref(source, self._dropped))
        if source.grouped and not self.grouped:
            self.grouped = True
            for sender in self.senders:
                self._follow_groups(sender)
        if api_settings.OUTBOX:
            for sender in self.senders:
                save_in_transaction(sender)
        if self._relations is None:
            self._relations = Relations(self)
        if many_to_many:
            self._relations.follow_many_to_many()

    def _dropped(self, source: ref[Source]) -> None:
        self._sources = tuple(each for each in self._sources if each is not source)

    def follow(self, sender: type[Model]) -> None:
        """Hear of what is saved through another model of the table, too."""
        self.senders.append(sender)
        saves = _saves.setdefault(sender, [])
        connect_first(post_save, saved, sender, "dcrf_graph")
        if is_row_of(sender, self.model):
            saves.append(self.saved)
        else:
            self._connect(pre_save, self.saving_parent, sender)
            saves.append(self.saved_parent)
        if same_table(sender, self.model):
            # Django deletes a child table by table, with the signals of each.
            self._connect(pre_delete, self.deleting, sender)
            connect_first(post_delete, self.deleted, sender, self.uid)
        elif is_row_of(sender, self.model):
            self._connect(pre_save, self.saving, sender)
        if self.grouped:
            self._follow_groups(sender)

    def _follow_groups(self, sender: type[Model]) -> None:
        if is_row_of(sender, self.model):
            keep_loaded_values(sender)
            _kept.add(sender)
            self._connect(pre_save, self.saving, sender)

    def _connect(self, signal: Any, function: Callable[..., None], sender: type[Model]) -> None:
        signal.connect(function, sender=sender, dispatch_uid=self.uid)

    def sources(self) -> list[Source]:
        """The observers of this model."""
        return [source for each in self._sources if (source := each()) is not None]

    def heard(self) -> list[Source]:
        """The observers that somebody may be listening to."""
        return [source for source in self.sources() if hub.wants(source.stable_id)]

    def wanted(self) -> list[Source]:
        """The observers to look at a row for: with an outbox all, whoever relays it."""
        if api_settings.OUTBOX:
            return self.sources()
        return [] if hub.idle else self.heard()

    # -- Django's signals -----------------------------------------------------

    def saving(self, instance: Model, using: str, raw: bool, **kwargs: Any) -> None:
        """``pre_save``: which groups the row belongs to, while the database still says so."""
        # A fixture holds the rows of the parents as well.
        wanted = self.wanted()
        if not wanted or (raw and not same_table(type(instance), self.model)):
            instance._state.__dict__.pop(self._saving, None)  # of a save that has failed
        elif not self.told_by_trigger(using):
            before = self.groups_before(instance, using, wanted, raw=raw) if self.grouped else {}
            exists = self.is_there_already(instance, using)
            instance._state.__dict__[self._saving] = before, exists

    def saved(
        self,
        instance: Model,
        created: bool,
        using: str,
        raw: bool,
        update_fields: Collection[str] | None,
        in_block: bool,
    ) -> Iterable[Record]:
        """``post_save``: a create or an update."""
        state = instance._state.__dict__
        before, exists = state.pop(self._saving, ({}, False))
        if raw and not same_table(type(instance), self.model):
            return ()  # A fixture holds the rows of the parents as well.
        listening = bool(self.wanted())
        if not (listening or in_block) or self.told_by_trigger(using):
            return ()
        record = Record(
            self.model,
            self.key_of(instance),
            Action.CREATE if created and not exists else Action.UPDATE,
            using,
        )
        if self.grouped:
            if in_block:
                record.settle_later(instance, update_fields)
            if record.action is Action.UPDATE:
                record.before = before
                record.kept = kept_by(instance)
        if listening and record.action is Action.UPDATE and not raw:
            record.changed = changed(instance, update_fields)
        if listening and update_fields is None and not raw:
            record.saved = surely_saved(instance, using, self.model)
        return (record,)

    def saving_parent(self, instance: Model, using: str, raw: bool, **kwargs: Any) -> None:
        """``pre_save`` of an instance of a parent, which may be a row of this model as well."""
        wanted = () if instance._state.adding and not raw else self.wanted()
        if not wanted:
            instance._state.__dict__.pop(self._saving, None)  # of a save that has failed
        else:
            parent = shared_parent(self.model, type(instance))
            pk = {parent._meta.pk.attname: getattr(instance, parent._meta.pk.attname)}
            rows = list(self.model._base_manager.using(using).filter(**pk))
            instance._state.__dict__[self._saving] = self.updates(rows, using, wanted)

    def saved_parent(self, instance: Model, *args: Any) -> Iterable[Record]:
        """``post_save`` of an instance of a parent: an update of the row of this model."""
        records: Iterable[Record] = instance._state.__dict__.pop(self._saving, ())
        return [record for record in records if not self.told_by_trigger(record.using)]

    def deleting(self, instance: Model, using: str, **kwargs: Any) -> None:
        """``pre_delete``: the message is made while the row and its relations exist."""
        wanted = [] if self.told_by_trigger(using) else self.wanted()
        before = self.groups_before(instance, using, wanted) if wanted and self.grouped else {}
        # Without groups that move, too: an observer may be asked for its state (`current_groups`).
        remember_deleted(instance, using)
        messages = {}
        if wanted:
            mine = type(instance) is self.model
            row = instance if mine else copied(instance, self.model, using)
            for source in wanted:
                try:
                    messages[source.stable_id] = source.serialize(row, Action.DELETE)
                    if not source.grouped:
                        before[source.stable_id] = groups_of(source, row)
                except Exception:
                    logger.exception("The observer %s failed on a delete", source.stable_id)
        instance._state.__dict__[self._deleting] = self.key_of(instance), before, messages

    def deleted(self, instance: Model, using: str, **kwargs: Any) -> None:
        """``post_delete``: a delete, with the key that the row had."""
        state = instance._state.__dict__
        pk, before, messages = state.pop(self._deleting, (self.key_of(instance), {}, {}))
        record = Record(self.model, pk, Action.DELETE, using, deleted=instance)
        record.before, record.messages = before, messages
        record.kept = kept_by(instance)
        self.write([record], using)

    def told_by_trigger(self, using: str) -> bool:
        """Whether a trigger of the table tells everything, so that signals need not."""
        return has_trigger(self.model) and connections[using].vendor == "postgresql"

    # -- what the signals tell ---------------------------------------------------

    def key_of(self, instance: Model) -> Any:
        """The row's key as the database gives it: text that was saved as a number is one."""
        return key_read(self.model, key_in(self.model, instance))

    def is_there_already(self, instance: Model, using: str) -> bool:
        """Whether a new child is added to a row that this model, its parent, has already."""
        if same_table(type(instance), self.model) or not instance._state.adding:
            return False
        for link in type(instance)._meta.get_path_to_parent(self.model):
            pk = getattr(instance, link.join_field.attname, None)
            if pk is not None:
                return self.model._base_manager.using(using).filter(pk=pk).exists()
        pk = key_in(self.model, instance)
        return not is_unset(pk) and self.model._base_manager.using(using).filter(pk=pk).exists()

    def groups_before(
        self, instance: Model, using: str, wanted: Iterable[Source], *, raw: bool = False
    ) -> Groups:
        """Per grouped observer that is listened to, the groups of the row as it was loaded."""
        grouped = [source for source in wanted if source.grouped]
        before: Groups = {}
        try:
            loaded = recall(instance, using, model=self.model, raw=raw) if grouped else None
        except Exception:
            logger.exception("The groups of a row of %s are not known", self.model._meta.label)
            return before
        return {} if loaded is None else self.groups_now(loaded, grouped)

    def groups_now(self, row: Model, sources: Iterable[Source]) -> Groups:
        """Per grouped observer, the groups of a row; ``UNKNOWN`` for those that fail."""
        groups: Groups = {}
        for source in sources:
            if source.grouped:
                try:
                    groups[source.stable_id] = groups_of(source, row)
                except Exception:
                    logger.exception("The groups of %s are not known", source.stable_id)
                    groups[source.stable_id] = UNKNOWN
        return groups

    # -- what no signal tells ------------------------------------------------------

    def updates(
        self,
        rows: Iterable[Model],
        using: str,
        wanted: Collection[Source],
        changed: frozenset[str] | None = None,
    ) -> list[Record]:
        """Updates of rows that are about to be written by a statement; as they are now.

        Who begins to listen before the commit is not told which group a row has left.
        """
        unheard = {s.stable_id: UNKNOWN for s in self.sources() if s.grouped and s not in wanted}
        return [
            Record(
                self.model,
                row.pk,
                Action.UPDATE,
                using,
                changed=changed,
                before=unheard | self.groups_now(row, wanted) if self.grouped else {},
            )
            for row in rows
        ]

    def write(self, records: Collection[Record], using: str) -> None:
        """Write changes into the journal of their transaction."""
        if self._sources:
            write(records, using)


Saved = Callable[[Model, bool, str, bool, Collection[str] | None, bool], Iterable[Record]]
_saves: dict[type[Model], list[Saved]] = {}
"""What the captures of a row say of a save of it, by the model of the instance."""
_kept: set[type[Model]] = set()
"""The models whose instances keep what they were loaded with."""


def saved(
    sender: type[Model],
    instance: Model,
    created: bool,
    using: str,
    raw: bool,
    update_fields: Collection[str] | None = None,
    **kwargs: Any,
) -> None:
    """``post_save``: what every capture of the row says of it, as one commit."""
    connection = connections[using]
    in_block = connection.in_atomic_block
    records: list[Record] = []
    if in_block or not hub.idle or api_settings.OUTBOX:
        for say in _saves[sender]:
            records.extend(say(instance, created, using, raw, update_fields, in_block))
    if records and may_commit(connection):
        journal = journal_of(connection, publish_records)
        for record in records:
            if record.saved is not None:
                record.written_at = journal.statements_so_far()
        journal.add(records)
    if in_block or sender not in _kept:
        return
    if not records:
        # Nobody listens. Should somebody do so at the next save of this instance, the row is read
        # (docs/decisions/0047-a-save-that-nobody-hears-is-forgotten.md).
        forget(instance)
    elif not raw and connection.get_autocommit():
        values = written(instance, update_fields)
        remember_written(instance, values, partly=update_fields is not None)


def kept_by(instance: Model) -> tuple[type[Model], Any] | None:
    """What an instance keeps of its row, and what it is an instance of."""
    kept = instance.__dict__.get(ATTRIBUTE)
    return None if kept is None else (type(instance), kept)


def write(records: Collection[Record], using: str) -> None:
    """Write changes into the journal of their transaction."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        records = [r for r in records if r.relations_only or not has_trigger(r.model)]
    if records and may_commit(connection):
        journal_of(connection, publish_records).add(tuple(records))


def statements_so_far(using: str) -> int:
    """How many statements the open transaction has sent since somebody counts."""
    return journal_of(connections[using], publish_records).statements_so_far()


def has_trigger(model: type[Model]) -> bool:
    """Whether ``dcrf_graph.postgres.ObserveWrites`` is among the triggers of a model's table."""
    triggers = getattr(model._meta.concrete_model._meta, "triggers", ())  # type: ignore[union-attr]
    return any(getattr(trigger, "tells_dcrf_graph", False) for trigger in triggers)


_captures: dict[type[Model], Capture] = {}


def watch(model: type[Model], source: Source, *, many_to_many: bool = False) -> None:
    """Let an observer hear of a model from now on, for as long as the observer lives."""
    capture = _captures.get(model)
    if capture is None:
        capture = _captures[model] = Capture(model)
    capture.add(source, many_to_many=many_to_many)


def event_now(event: Event) -> Event:
    """An event of a model's observer as its row is now; any other as it is."""
    for capture in _captures.values():
        for source in capture.sources():
            if source.stable_id == event.observer:
                return current(event, capture.model, source)
    return event


hub.read_again = event_now


def captures_of(model: type[Model]) -> list[Capture]:
    """The captures that a change of a row of ``model`` concerns."""
    return [
        capture
        for capture in _captures.values()
        if any(sender is model for sender in capture.senders)
    ]


@receiver(class_prepared)
def follow_kin(sender: type[Model], **kwargs: Any) -> None:
    """Tell the captures of a table of a model that is defined after them."""
    tables = tables_of(sender)
    for capture in _captures.values():
        if tables & tables_of(capture.model):
            capture.follow(sender)


def publish_records(records: list[Record]) -> None:
    """Publish what one commit amounts to, as one batch.

    It runs when the commit has been made, so nothing is raised into the
    application: what fails is logged, and told as a gap.
    """
    try:
        hub.publish(events_of_commit(records, _captures))
    except Exception:
        logger.exception("A commit was not published")
        with suppress(Exception):  # which is logged above
            hub.tell(Gap())
