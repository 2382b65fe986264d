"""
Listens to Django's model signals, once per model, and writes the journal.

Whatever the number of observers, a model has one capture. It costs little
while no observer wants the model, and asks observers for group names and
messages only for those that somebody listens to. A row is a row of every model
of its table: an observer of a model hears what is saved through its proxies.

What an observer raises is logged: it breaks no ``save()`` and no other observer.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from django.db.models import Model
from django.db.models.signals import (
    class_prepared,
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_save,
)
from django.dispatch import receiver

from dcrf_graph.changes.change import Action, Change, Event, Source
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import Record, journal_of
from dcrf_graph.changes.rows import as_committed, as_deleted, columns, copied, surely_saved
from dcrf_graph.changes.snapshot import is_remembered, recall, remember, written
from dcrf_graph.encoding import JSONEncoder

logger = logging.getLogger(__name__)

Groups = dict[str, frozenset[str]]
"""Per observer, the groups of a row."""


class Capture:
    """Everything that observers want to know about one model."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model
        self.sources: WeakSet[Source] = WeakSet()
        self.uid = f"dcrf_graph.{model._meta.label_lower}"
        self.senders = models_of_table(model)
        self._receivers: list[tuple[Any, Callable[..., None]]] = []
        self._grouped = False
        self._many_to_many = False
        self._listen(post_save, self.saved)
        self._listen(pre_delete, self.deleting)
        self._listen(post_delete, self.deleted)

    def add(self, source: Source, *, many_to_many: bool) -> None:
        """Let an observer hear of this model."""
        self.sources.add(source)
        if source.grouped and not self._grouped:
            self._grouped = True
            self._listen(post_init, self.loaded)
            self._listen(pre_save, self.saving)
        if many_to_many and not self._many_to_many:
            self._many_to_many = True
            for field in self.model._meta.many_to_many:
                m2m_changed.connect(
                    self.related, sender=field.remote_field.through, dispatch_uid=self.uid
                )

    def follow(self, sender: type[Model]) -> None:
        """Hear of what is saved through another model of the table, too."""
        self.senders.append(sender)
        for signal, function in self._receivers:
            signal.connect(function, sender=sender, dispatch_uid=self.uid)

    def _listen(self, signal: Any, function: Callable[..., None]) -> None:
        self._receivers.append((signal, function))
        for sender in self.senders:
            signal.connect(function, sender=sender, dispatch_uid=self.uid)

    def wanted(self) -> list[Source]:
        """The observers that somebody may be listening to."""
        return [source for source in self.sources if hub.wants(source.stable_id)]

    # -- Django's signals -----------------------------------------------------

    def loaded(self, instance: Model, **kwargs: Any) -> None:
        """``post_init``: keep the column values."""
        remember(instance, instance.__dict__.copy())

    def saving(self, instance: Model, using: str, raw: bool, **kwargs: Any) -> None:
        """``pre_save``: which groups the row belongs to, while the database still says so."""
        before = ({}, None) if raw else self.groups_before(instance, using)
        instance._state.__dict__[f"{self.uid}.saving"] = before

    def saved(self, instance: Model, created: bool, using: str, raw: bool, **kwargs: Any) -> None:
        """``post_save``: a create or an update."""
        before, loaded = instance._state.__dict__.pop(f"{self.uid}.saving", ({}, None))
        update_fields = kwargs.get("update_fields")
        exact = update_fields is None and not raw and self.wanted()
        self.record(
            Record(
                model=self.model,
                pk=instance.pk,
                action=Action.CREATE if created else Action.UPDATE,
                using=using,
                instance=instance,
                saved=surely_saved(instance) if exact else None,
                snapshot=written(instance, update_fields) if self._grouped else None,
                loaded=None if created else loaded,
                before={} if created else before,
            )
        )

    def deleting(self, instance: Model, using: str, **kwargs: Any) -> None:
        """``pre_delete``: the message is made while the row and its relations exist."""
        before, loaded = self.groups_before(instance, using)
        if not is_remembered(instance):
            # Until the commit its groups are asked for, and Django takes the key away at once.
            remember(instance, columns(instance))
        row = instance if type(instance) is self.model else copied(instance, self.model, using)
        messages = {}
        for source in self.wanted():
            try:
                messages[source.stable_id] = source.serialize(row, Action.DELETE)
                if not source.grouped:
                    before[source.stable_id] = groups_of(source, row)
            except Exception:
                logger.exception("The observer %s failed on a delete", source.stable_id)
        instance._state.__dict__[f"{self.uid}.deleting"] = (instance.pk, before, loaded, messages)

    def deleted(self, instance: Model, using: str, **kwargs: Any) -> None:
        """``post_delete``: a delete, with the key that the row had."""
        pk, before, loaded, messages = instance._state.__dict__.pop(
            f"{self.uid}.deleting", (instance.pk, {}, None, {})
        )
        self.record(
            Record(
                model=self.model,
                pk=pk,
                action=Action.DELETE,
                using=using,
                instance=instance,
                loaded=loaded,
                before=before,
                messages=messages,
            )
        )

    def related(
        self,
        sender: type[Model],
        instance: Model,
        action: str,
        reverse: bool,
        pk_set: set[Any] | None,
        using: str,
        **kwargs: Any,
    ) -> None:
        """``m2m_changed``: an update of each row on our side of the relation."""
        fields = [f for f in self.model._meta.many_to_many if f.remote_field.through is sender]
        ours = reverse or any(field.remote_field.symmetrical for field in fields)
        if action == "pre_clear" and ours:
            # After it nobody can say which rows it was; before it, only somebody who asks.
            if any(source.many_to_many for source in self.wanted()):
                for field in fields:
                    rows = self.model._base_manager.using(using).filter(**{field.name: instance})
                    self.record_related(list(rows.values_list("pk", flat=True)), using)
            return
        if not reverse and (action == "post_clear" or (pk_set and action in CHANGED)):
            self.record_related([instance.pk], using)
        if ours and pk_set and action in CHANGED:
            self.record_related(pk_set, using)

    def record_related(self, pks: Iterable[Any], using: str) -> None:
        """Record an update of rows whose many-to-many relations changed."""
        for pk in pks:
            self.record(
                Record(
                    model=self.model,
                    pk=pk,
                    action=Action.UPDATE,
                    using=using,
                    relations_only=True,
                )
            )

    # -- before and after the commit -------------------------------------------

    def groups_before(self, instance: Model, using: str) -> tuple[Groups, Model | None]:
        """Per observer that is listened to, the groups of the row as it was loaded."""
        if not self._grouped:
            return {}, None
        sources = [source for source in self.wanted() if source.grouped]
        before: Groups = {}
        try:
            loaded = recall(instance, using, model=self.model, look_up=bool(sources))
            if loaded is not None:
                for source in sources:
                    before[source.stable_id] = groups_of(source, loaded)
        except Exception:
            logger.exception("The groups of a row of %s are not known", self.model._meta.label)
            return before, None
        return before, loaded

    def record(self, record: Record) -> None:
        """Write a change into the journal of its transaction."""
        if self.sources:
            journal_of(record.using, publish_records).add(record)

    def events(self, record: Record) -> Iterable[Event]:
        """What each observer says of a committed change, to each group."""
        sources = [s for s in self.wanted() if s.many_to_many or not record.relations_only]
        row = self.row_of(record) if sources else None
        if row is None:
            return
        for source in sources:
            try:
                yield from self.events_of(source, record, row)
            except Exception:
                logger.exception("The observer %s failed on a change", source.stable_id)

    def row_of(self, record: Record) -> Model | None:
        """The row that a change is about; None if it is gone again."""
        if record.action is not Action.DELETE:
            return as_committed(
                record.model, record.pk, record.using, record.instance, record.saved
            )
        assert record.instance is not None
        return as_deleted(record.model, record.pk, record.using, record.instance)

    def events_of(self, source: Source, record: Record, row: Model) -> Iterable[Event]:
        """What one observer says of a committed change."""
        is_delete = record.action is Action.DELETE
        after = frozenset() if is_delete else groups_of(source, row)
        before = groups_known(source, record, row, after)
        change = Change(record.model, record.pk, record.action, before, after, record.using)
        for action, groups in change.by_group():
            message = record.messages.get(source.stable_id) if is_delete else None
            if message is None:
                message = source.serialize(row, action)
            for group in sorted(groups):
                yield Event(
                    observer=source.stable_id,
                    group=group,
                    message=json.dumps({**message, "group": group}, cls=JSONEncoder),
                    action=action.value,
                    pk=record.pk,
                    using=record.using,
                    model=record.model._meta.label_lower,
                    instance=row,
                )


CHANGED = ("post_add", "post_remove")


def groups_of(source: Source, instance: Model) -> frozenset[str]:
    """The groups that an observer names for a row."""
    return frozenset(source.group_names_for_signal(instance=instance))


def groups_known(
    source: Source, record: Record, row: Model, after: frozenset[str]
) -> frozenset[str]:
    """The groups that a row belonged to before a change."""
    if record.action is Action.CREATE:
        return frozenset()
    known = record.before.get(source.stable_id)
    if known is not None:
        return known
    if record.action is not Action.DELETE and not source.grouped:
        return after
    # Nobody listened when the row was saved or deleted, or no column of it changed.
    return groups_of(source, record.loaded or row)


_captures: dict[type[Model], Capture] = {}


def watch(model: type[Model], source: Source, *, many_to_many: bool = False) -> None:
    """Let an observer hear of a model from now on, for as long as the observer lives."""
    capture = _captures.get(model)
    if capture is None:
        capture = _captures[model] = Capture(model)
    capture.add(source, many_to_many=many_to_many)


def models_of_table(model: type[Model]) -> list[type[Model]]:
    """A model, the one that it is a proxy of, and all the proxies of that."""
    concrete = model._meta.concrete_model
    known = [each for app in model._meta.apps.all_models.values() for each in app.values()]
    return [each for each in known if each._meta.concrete_model is concrete]


@receiver(class_prepared)
def follow_proxy(sender: type[Model], **kwargs: Any) -> None:
    """Tell the captures of a table of a proxy that is defined after them."""
    if sender._meta.proxy:
        for capture in _captures.values():
            if capture.model._meta.concrete_model is sender._meta.concrete_model:
                capture.follow(sender)


def publish_records(records: list[Record]) -> None:
    """Publish what one commit amounts to, as one batch.

    It runs when the commit has been made, so nothing is raised into the
    application: what fails is logged.
    """
    events: list[Event] = []
    for record in records:
        try:
            events.extend(_captures[record.model].events(record))
        except Exception:
            logger.exception("A change of %s was not published", record.model._meta.label)
    hub.publish(events)
