"""
Listens to Django's model signals, once per model, and writes the journal.

Whatever the number of observers, a model has one capture. It costs nothing
while no observer wants the model, and asks observers for group names and
messages only for those that somebody listens to.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

from django.db.models import Model
from django.db.models.expressions import BaseExpression
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_save,
)
from rest_framework.utils.encoders import JSONEncoder

from dcrf_graph.changes.change import Action, Change, Event, Source
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import Record, journal_of
from dcrf_graph.changes.snapshot import recall, remember, written

logger = logging.getLogger(__name__)


class Capture:
    """Everything that observers want to know about one model."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model
        self.sources: WeakSet[Source] = WeakSet()
        self.uid = f"dcrf_graph.{model._meta.label_lower}"
        self._grouped = False
        self._many_to_many = False
        post_save.connect(self.saved, sender=model, dispatch_uid=self.uid)
        pre_delete.connect(self.deleting, sender=model, dispatch_uid=self.uid)
        post_delete.connect(self.deleted, sender=model, dispatch_uid=self.uid)

    def add(self, source: Source, *, many_to_many: bool) -> None:
        """Let an observer hear of this model."""
        self.sources.add(source)
        if source.grouped and not self._grouped:
            self._grouped = True
            post_init.connect(self.loaded, sender=self.model, dispatch_uid=self.uid)
            pre_save.connect(self.saving, sender=self.model, dispatch_uid=self.uid)
        if many_to_many and not self._many_to_many:
            self._many_to_many = True
            for field in self.model._meta.many_to_many:
                m2m_changed.connect(
                    self.related, sender=field.remote_field.through, dispatch_uid=self.uid
                )

    def wanted(self) -> Iterable[Source]:
        """The observers that somebody may be listening to."""
        return [source for source in self.sources if hub.wants(source.stable_id)]

    # -- Django's signals -----------------------------------------------------

    def loaded(self, instance: Model, **kwargs: Any) -> None:
        """``post_init``: keep the column values."""
        remember(instance, instance.__dict__.copy())

    def saving(self, instance: Model, using: str, raw: bool, **kwargs: Any) -> None:
        """``pre_save``: which groups the row belongs to, while the database still says so."""
        instance._state.__dict__["_dcrf_graph_before"] = (
            ({}, None) if raw else self.groups_before(instance, using)
        )

    def saved(self, instance: Model, created: bool, using: str, raw: bool, **kwargs: Any) -> None:
        """``post_save``: a create or an update."""
        before, loaded = instance._state.__dict__.pop("_dcrf_graph_before", ({}, None))
        exact = kwargs.get("update_fields") is None and not raw and is_plain(instance)
        saved = columns(instance) if exact else None
        self.record(
            Record(
                model=self.model,
                pk=instance.pk,
                action=Action.CREATE if created else Action.UPDATE,
                using=using,
                instance=instance,
                saved=saved,
                snapshot=(
                    written(instance, kwargs.get("update_fields")) if self._grouped else None
                ),
                loaded=None if created else loaded,
                before={} if created else before,
            )
        )

    def deleting(self, instance: Model, using: str, **kwargs: Any) -> None:
        """``pre_delete``: the message is made while the row and its relations exist."""
        before, loaded = self.groups_before(instance, using)
        remember(instance, instance.__dict__.copy())
        messages = {}
        for source in self.wanted():
            messages[source.stable_id] = source.serialize(instance, Action.DELETE)
            if not source.grouped:
                before[source.stable_id] = groups_of(source, instance)
        instance._state.__dict__["_dcrf_graph_deleting"] = (instance.pk, before, loaded, messages)

    def deleted(self, instance: Model, using: str, **kwargs: Any) -> None:
        """``post_delete``: a delete, with the key that the row had."""
        pk, before, loaded, messages = instance._state.__dict__.pop(
            "_dcrf_graph_deleting", (instance.pk, {}, None, {})
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
        if not reverse:
            if action in ("post_add", "post_remove", "post_clear"):
                self.record_related([instance], using)
            return
        manager = self.model._base_manager.using(using)
        if action in ("post_add", "post_remove") and pk_set:
            self.record_related(manager.filter(pk__in=pk_set), using)
        elif action == "pre_clear":
            for field in self.model._meta.many_to_many:
                if field.remote_field.through is sender:
                    self.record_related(manager.filter(**{field.name: instance}), using)

    def record_related(self, instances: Iterable[Model], using: str) -> None:
        """Record an update of rows whose many-to-many relations changed."""
        for instance in instances:
            before, loaded = self.groups_before(instance, using)
            self.record(
                Record(
                    model=self.model,
                    pk=instance.pk,
                    action=Action.UPDATE,
                    using=using,
                    instance=instance,
                    relations_only=True,
                    loaded=loaded,
                    before=before,
                )
            )

    # -- before and after the commit -------------------------------------------

    def groups_before(
        self, instance: Model, using: str
    ) -> tuple[dict[str, frozenset[str]], Model | None]:
        """Per observer that is listened to, the groups of the row as it was loaded."""
        sources = [source for source in self.sources if source.grouped]
        if not sources:
            return {}, None
        loaded = recall(instance, using)
        if loaded is None:
            return {}, None
        return {
            source.stable_id: groups_of(source, loaded)
            for source in sources
            if hub.wants(source.stable_id)
        }, loaded

    def record(self, record: Record) -> None:
        """Write a change into the journal of its transaction."""
        if self.sources:
            journal_of(record.using, publish_records).add(record)

    def events(self, record: Record) -> Iterable[Event]:
        """What each observer says of a committed change, to each group."""
        sources = self.wanted()
        if not sources:
            return
        deleted = record.action is Action.DELETE
        instance = gone(record) if deleted else committed(record)
        if instance is None:
            return
        for source in sources:
            if record.relations_only and not source.many_to_many:
                continue
            try:
                yield from self.events_of(source, record, instance)
            except Exception:
                logger.exception("The observer %s failed on a change", source.stable_id)

    def events_of(self, source: Source, record: Record, instance: Model) -> Iterable[Event]:
        """What one observer says of a committed change."""
        deleted = record.action is Action.DELETE
        after = frozenset() if deleted else groups_of(source, instance)
        before: frozenset[str] = frozenset()
        if record.action is not Action.CREATE:
            known = record.before.get(source.stable_id)
            if known is None:
                # Nobody listened when the row was saved: what was loaded must do.
                known = groups_of(source, record.loaded or instance) if source.grouped else after
            before = known or groups_of(source, instance) if deleted else known
        change = Change(record.model, record.pk, record.action, before, after, record.using)
        for action, groups in change.by_group():
            message = record.messages.get(source.stable_id) if deleted else None
            if message is None:
                message = source.serialize(instance, action)
            for group in sorted(groups):
                yield Event(
                    observer=source.stable_id,
                    group=group,
                    message=json.dumps({**message, "group": group}, cls=JSONEncoder),
                    action=action.value,
                    pk=record.pk,
                    using=record.using,
                    model=record.model._meta.label_lower,
                    instance=instance,
                )


def groups_of(source: Source, instance: Model) -> frozenset[str]:
    """The groups that an observer names for a row."""
    return frozenset(source.group_names_for_signal(instance=instance))


def is_plain(instance: Model) -> bool:
    """Whether the instance holds values only, all of them, and nothing older beside them.

    After ``save()`` a field that was set to an expression still holds the
    expression, a deferred one holds nothing, and what was prefetched may have
    changed since.
    """
    values = instance.__dict__
    if values.get("_prefetched_objects_cache"):
        return False
    return all(
        field.attname in values and not isinstance(values[field.attname], BaseExpression)
        for field in instance._meta.concrete_fields
    )


def columns(instance: Model) -> dict[str, Any]:
    """The column values that an instance holds."""
    values = instance.__dict__
    return {field.attname: values.get(field.attname) for field in instance._meta.concrete_fields}


def committed(record: Record) -> Model | None:
    """The row as it was committed; None if it is gone again.

    The saved instance, where it surely is that row: everything was saved, and
    nothing was changed since. Else the row is read again, once.
    """
    instance = record.instance
    if record.saved is not None and record.saved == columns(instance):
        return instance
    manager = record.model._base_manager.using(record.using)
    return manager.filter(pk=record.pk).first()


def gone(record: Record) -> Model:
    """A deleted row, with the key it had; the user's own instance stays as Django left it."""
    model = type(record.instance)
    row = model.__new__(model)
    row.__dict__.update(record.instance.__dict__)
    row._state = type(record.instance._state)()
    row._state.adding, row._state.db = False, record.using
    row._state.fields_cache = dict(record.instance._state.fields_cache)
    row.pk = record.pk
    return row


_captures: dict[type[Model], Capture] = {}


def watch(model: type[Model], source: Source, *, many_to_many: bool = False) -> None:
    """Let an observer hear of a model from now on, for as long as the observer lives."""
    capture = _captures.get(model)
    if capture is None:
        capture = _captures[model] = Capture(model)
    capture.add(source, many_to_many=many_to_many)


def publish_records(records: list[Record]) -> None:
    """Publish what one commit amounts to, as one batch."""
    hub.publish([event for record in records for event in _captures[record.model].events(record)])
