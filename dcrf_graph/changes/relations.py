"""
What a row's relations do to it, which Django tells by other signals, or by none.

- A many-to-many relation that is changed, from either side, is an update of the
  row that declares it: by ``m2m_changed``, by a row of a ``through`` model of
  one's own, and by the deletion of what was related, which Django tells nobody
  (ticket 17688).
- A foreign key that is set to null, or to anything, because its target is
  deleted is an update: Django sends no signal for the row either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol
from weakref import WeakMethod

from django.db import models
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from dcrf_graph.changes.change import Action, Source
from dcrf_graph.changes.journal import Record
from dcrf_graph.changes.kin import keys_in, kin_of, same_table

CHANGED = ("post_add", "post_remove")
LEAVE_THE_COLUMN = (models.CASCADE, models.PROTECT, models.RESTRICT, models.DO_NOTHING)


class Owner(Protocol):
    """A capture, as its relations see it."""

    model: type[Model]
    uid: str

    def wanted(self) -> list[Source]:
        """The observers that somebody may be listening to."""

    def updates(
        self,
        rows: Iterable[Model],
        using: str,
        wanted: Collection[Source],
        changed: frozenset[str] | None = None,
    ) -> list[Record]:
        """Updates of rows that are about to be written by a statement."""

    def write(self, records: Collection[Record], using: str) -> None:
        """Write changes into the journal of their transaction."""


class Relations:
    """The relations of one observed model."""

    def __init__(self, capture: Owner) -> None:
        self.capture = capture
        self.model = capture.model
        self._many_to_many = False
        for field in self.model._meta.concrete_fields:
            remote: Any = field.remote_field
            on_delete = getattr(remote, "on_delete", None)
            if is_set_by_django(on_delete) and isinstance(remote.model, type):
                self._before_delete(remote.model, self.unsetting, field)

    def follow_many_to_many(self) -> None:
        """Hear of changed many-to-many relations from now on."""
        if self._many_to_many:
            return
        self._many_to_many = True
        for field in self.model._meta.many_to_many:
            through: Any = field.remote_field.through
            m2m_changed.connect(self.changed, sender=through, dispatch_uid=self.capture.uid)
            self._before_delete(field.remote_field.model, self.unrelating, field)
            if not through._meta.auto_created:
                for signal in (pre_save, post_save, post_delete):
                    self._connect(signal, self.through_changed, through, field)

    def _before_delete(
        self, target: type[Model], function: Callable[..., None], field: Any
    ) -> None:
        for sender in kin_of(target):
            if same_table(sender, target):
                self._connect(pre_delete, function, sender, field)

    def _connect(
        self, signal: Any, function: Callable[..., None], sender: type[Model], field: Any
    ) -> None:
        method = WeakMethod(function)

        def receive(signal: Any = None, **kwargs: Any) -> None:
            bound = method()
            if bound is not None:
                bound(field, before=signal is pre_save, **kwargs)

        uid = f"{self.capture.uid}.{field.name}.{function.__name__}"
        signal.connect(receive, sender=sender, dispatch_uid=uid, weak=False)

    def wanted(self) -> bool:
        """Whether somebody may be listening for relations."""
        return any(source.many_to_many for source in self.capture.wanted())

    # -- many-to-many --------------------------------------------------------------

    def changed(
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
            for field in fields:
                self.unrelating(field, instance=instance, using=using)
            return
        for field in fields:
            target = sender._meta.get_field(field.m2m_field_name()).target_field  # type: ignore[union-attr]
            values = set(pk_set or ()) if ours and action in CHANGED else set()
            if not reverse and (action == "post_clear" or (pk_set and action in CHANGED)):
                values.add(getattr(instance, target.attname))
            if values and (same_table(target.model, self.model) or self.wanted()):
                self.touch(self.keys(target, values, using), using, frozenset({field.name}))

    def unrelating(self, field: Any, instance: Model, using: str, **kwargs: Any) -> None:
        """What is related is about to be deleted, or cleared: an update of who is related to it."""
        if self.wanted():
            rows = self.model._base_manager.using(using).filter(**{field.name: instance})
            self.touch(rows.values_list("pk", flat=True), using, frozenset({field.name}))

    def through_changed(
        self, field: Any, sender: type[Model], instance: Model, using: str, **kwargs: Any
    ) -> None:
        """A row of a ``through`` model is saved or deleted by itself, maybe moved."""
        if not self.wanted():
            return
        place = f"{self.capture.uid}.{field.name}"
        if not kwargs["before"]:
            moved = instance._state.__dict__.pop(place, [])
            pks = {*moved, *self.related_by(field, sender, instance, using)}
            self.touch(pks, using, frozenset({field.name}))
        elif not instance._state.adding:
            row = sender._base_manager.using(using).filter(pk=instance.pk).first()
            if row is not None:
                related = self.related_by(field, sender, row, using)
                instance._state.__dict__[place] = related

    def related_by(self, field: Any, through: type[Model], row: Model, using: str) -> list[Any]:
        """The keys of our rows that a row of a ``through`` model relates."""
        names = [field.m2m_field_name()]
        if field.remote_field.symmetrical:
            names.append(field.m2m_reverse_field_name())
        pks: list[Any] = []
        for name in names:
            link: Any = through._meta.get_field(name)
            value = getattr(row, link.attname, None)
            if value is not None:
                pks.extend(self.keys(link.target_field, [value], using))
        return pks

    def keys(self, target: Any, values: Collection[Any], using: str) -> Iterable[Any]:
        """The keys of our rows that foreign keys with these values point to."""
        if target.primary_key:
            return keys_in(self.model, target.model, values, using)
        rows = self.model._base_manager.using(using).filter(**{f"{target.name}__in": values})
        return rows.values_list("pk", flat=True)

    def touch(self, pks: Iterable[Any], using: str, changed: frozenset[str]) -> None:
        """Record an update of rows whose many-to-many relations changed."""
        records = [Record(self.model, pk, Action.UPDATE, using, changed=changed) for pk in pks]
        for record in records:
            record.relations_only = True
        self.capture.write(records, using)

    # -- foreign keys -----------------------------------------------------------------

    def unsetting(self, field: Any, instance: Model, using: str, **kwargs: Any) -> None:
        """The target of a foreign key is about to be deleted, and the key to be changed."""
        wanted = self.capture.wanted()
        if wanted:
            rows = self.model._base_manager.using(using).filter(**{field.name: instance})
            changed = frozenset({field.name})
            self.capture.write(self.capture.updates(rows, using, wanted, changed), using)


def is_set_by_django(on_delete: Any) -> bool:
    """Whether a deletion sets the foreign keys that point to the row: null, a default, a value."""
    in_database = getattr(models, "DatabaseOnDelete", ())
    return (
        on_delete is not None
        and on_delete not in LEAVE_THE_COLUMN
        and not (in_database and isinstance(on_delete, in_database))
    )
