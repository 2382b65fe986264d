"""
Writes that Django sends no signal for, seen through an observed queryset.

    class Card(models.Model):
        objects = ObservedQuerySet.as_manager()

    class CardQuerySet(ObservedQuerySetMixin, models.QuerySet): ...

``update``, ``bulk_create`` and ``bulk_update`` of such a queryset are told row
by row, a batch as one publication, and so are their asynchronous forms and those
of related managers. ``delete``, ``get_or_create`` and ``update_or_create`` send
Django's signals and need nothing. While nobody listens each is Django's own
statement and nothing else.

Source: docs/decisions/0032-bulk-writes-by-an-observed-queryset.md
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connections, models, transaction
from django.db.models import Manager, Model, QuerySet

from dcrf_graph.changes.capture import Capture, captures_of, statements_so_far, write
from dcrf_graph.changes.change import UNKNOWN, Action, Gap
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import Record, surely_on_commit
from dcrf_graph.changes.kin import is_row_of, keys_in
from dcrf_graph.changes.rekeyed import fields_named, gives_keys, keys_of, new_keys, rekeyed
from dcrf_graph.changes.rows import surely_saved
from dcrf_graph.changes.snapshot import is_unset

if TYPE_CHECKING:
    Base = QuerySet[Model]
else:
    Base = object

T = TypeVar("T", bound=Model)
MAX_PARAMETERS = 10_000
"""Of a statement, where the database itself sets no lower limit."""
ROOM = 100
"""Parameters that a statement may need besides the keys."""


class ObservedQuerySetMixin(Base):
    """Tells the observers of a model what its queryset writes.

    Mix it in before ``QuerySet``.
    """

    def update(self, **kwargs: Any) -> int:
        """
        Update the rows, and tell those who listen which ones and what they became.

        While somebody listens it takes three statements instead of one, in a
        transaction: the keys (the rows, where groups depend on them) are read and
        locked, the rows updated by their keys, and read again after the commit. A row
        that is given another key is deleted under the old one, and created under the new.
        """
        listening = listening_to(self.model)
        query: Any = self.query
        if not listening or query.is_sliced:
            self._for_write = True
            tell_latecomers(self.model, self.db)
            return super().update(**kwargs)
        self._for_write = True
        using = self.db
        count = 0
        with transaction.atomic(using=using, savepoint=False):
            rows = rows_to_update(self)
            keys = new_keys(rows, kwargs) if gives_keys(self.model, kwargs) else None
            pks = [pk for pk, _ in keys_of(rows)] if keys is None else list(keys)
            changed = frozenset(field.name for field in fields_named(self.model, kwargs))
            records = {c: updates_of(c, self.model, pks, using, changed) for c in listening}
            for chunk in chunks(pks, self.model, using):
                part: Any = self.filter(pk__in=chunk)
                count += super(ObservedQuerySetMixin, part).update(**kwargs)
            for capture, its in records.items():
                if keys is not None:
                    its = rekeyed(capture, self.model, its, keys, using)
                write(its, using)
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(
        self,
        objs: Iterable[T],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[T]:
        """
        Insert the objects, and tell those who listen.

        What a conflict has left alone is not told, what it has updated is an
        update. On databases that give no keys back for an insertion, rows without
        a key of their own are not told.
        """
        objs = list(objs)
        options: dict[str, Any] = {
            "batch_size": batch_size,
            "ignore_conflicts": ignore_conflicts,
            "update_conflicts": update_conflicts,
            "update_fields": update_fields,
            "unique_fields": unique_fields,
        }
        listening = listening_to(self.model)
        if not listening or not objs:
            self._for_write = True
            tell_latecomers(self.model, self.db)
            return super().bulk_create(objs, **options)  # type: ignore[return-value]
        self._for_write = True
        using = self.db
        with transaction.atomic(using=using, savepoint=False):
            there = Existing(self.model, using, objs, options)
            named = frozenset(update_fields or ()) if update_conflicts else None
            before = {c: updates_of(c, self.model, there.pks, using, named) for c in listening}
            created = super().bulk_create(objs, **options)
            for capture in listening:
                made = creations(capture, self.model, there.created(), using)
                # What was there and was left alone is not told.
                write([*(before[capture] if update_conflicts else ()), *made], using)
        return created  # type: ignore[return-value]

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(
        self, objs: Iterable[T], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """Update the objects, tell those who listen, and let the objects know where they are."""
        objs, fields = list(objs), list(fields)
        self._for_write = True
        using = self.db
        with transaction.atomic(using=using, savepoint=False):
            count = super().bulk_update(objs, fields, batch_size=batch_size)
            for capture in captures_of(self.model):
                if capture.grouped and is_row_of(self.model, capture.model):
                    write(kept_by_instances(capture, objs, fields, using), using)
        return count

    bulk_update.alters_data = True  # type: ignore[attr-defined]


class ObservedQuerySet(ObservedQuerySetMixin, QuerySet[Any]):
    """A queryset whose bulk writes are told."""


ObservedManager: type[Manager[Any]] = Manager.from_queryset(ObservedQuerySet, "ObservedManager")
"""The manager of such querysets; ``ObservedQuerySet.as_manager()`` is one of it too."""


def listening_to(model: type[Model]) -> list[Capture]:
    """The captures that a row of ``model`` concerns, and somebody may be listening to."""
    return [capture for capture in captures_of(model) if capture.wanted()]


def tell_latecomers(model: type[Model], using: str) -> None:
    """Tell who begins to listen before an unheard bulk write commits that it has missed something.

    Which rows it was, nobody has asked the database.
    """
    connection = connections[using]
    captures = captures_of(model)
    if captures and connection.in_atomic_block:

        def tell() -> None:
            if any(capture.heard() for capture in captures):
                hub.tell(Gap())

        surely_on_commit(connection, tell)


def rows_to_update(queryset: Any) -> Any:
    """The rows of a queryset, locked when they are read: nobody else changes them meanwhile."""
    rows = queryset.order_by()
    query, features = rows.query, connections[queryset.db].features
    plain = not (query.distinct or query.combinator or query.group_by is not None)
    if features.has_select_for_update and plain:
        rows = rows.select_for_update(of=("self",) if features.has_select_for_update_of else ())
    return rows


def chunks(pks: Sequence[Any], model: type[Model], using: str) -> Iterable[Sequence[Any]]:
    """Keys, as many at a time as a statement may ask for."""
    most = connections[using].features.max_query_params or MAX_PARAMETERS
    size = max((min(most, MAX_PARAMETERS) - ROOM) // len(model._meta.pk_fields), 1)
    for start in range(0, len(pks), size):
        yield pks[start : start + size]


def updates_of(
    capture: Capture,
    model: type[Model],
    pks: Sequence[Any],
    using: str,
    changed: frozenset[str] | None = None,
) -> list[Record]:
    """Updates of a capture's rows that are these rows of ``model``, as they are now."""
    if not pks:
        return []
    wanted = capture.wanted()
    keys = [k for c in chunks(pks, model, using) for k in keys_in(capture.model, model, c, using)]
    direct = is_row_of(model, capture.model)
    if direct and not capture.grouped:
        return [Record(capture.model, pk, Action.UPDATE, using, changed=changed) for pk in keys]
    rows = [
        row
        for chunk in chunks(keys, model, using)
        for row in capture.model._base_manager.using(using).filter(pk__in=chunk)
    ]
    records = capture.updates(rows, using, wanted, changed)
    if direct and len(rows) < len(keys):
        # Rows of a child whose parent has another key already: they are read when it is told.
        groups = {s.stable_id: UNKNOWN for s in capture.sources() if s.grouped}
        known = {row.pk for row in rows}
        records += [
            Record(capture.model, pk, Action.UPDATE, using, changed=changed, before=dict(groups))
            for pk in keys
            if pk not in known
        ]
    return records


def creations(
    capture: Capture, model: type[Model], objs: Iterable[Any], using: str
) -> list[Record]:
    """Creations of the rows that were inserted for these objects, or that have these keys."""
    records: list[Record] = []
    if not is_row_of(model, capture.model):
        return records
    for obj in objs:
        if not isinstance(obj, Model):
            records.append(Record(capture.model, obj, Action.CREATE, using))
        elif not is_unset(obj.pk):
            record = Record(capture.model, capture.key_of(obj), Action.CREATE, using)
            record.saved = surely_saved(obj, using, capture.model)
            record.written_at = statements_so_far(using)
            if capture.grouped:
                record.settle_later(obj, None)
            records.append(record)
    return records


def kept_by_instances(
    capture: Capture, objs: Iterable[Model], fields: Collection[str], using: str
) -> list[Record]:
    """What objects will have been loaded with when a bulk update commits."""
    records = []
    for obj in objs:
        changed = frozenset(fields)
        record = Record(capture.model, capture.key_of(obj), Action.UPDATE, using, changed=changed)
        record.settle_later(obj, fields)
        records.append(record)
    return records


class Existing:
    """Which of the objects of a ``bulk_create`` the table holds before it."""

    def __init__(
        self, model: type[Model], using: str, objs: list[Any], options: dict[str, Any]
    ) -> None:
        self.model, self.using, self.objs = model, using, objs
        self.ignoring = options["ignore_conflicts"]
        self.rows: dict[Any, Model] = {}
        self.last: Any = None
        self.unique = ["pk"]
        manager = model._base_manager.using(using)
        if self.ignoring and any(is_unset(obj.pk) for obj in objs):
            # Nothing tells which keys were given: those above all that there were.
            self.last = manager.aggregate(last=models.Max("pk"))["last"]
        if self.ignoring or options["update_conflicts"]:
            names = options["unique_fields"] if options["update_conflicts"] else None
            self.unique = [self._name(name) for name in names or ["pk"]]
            self.rows = {self._key(row): row for row in self._matching(manager)}

    def _name(self, name: str) -> str:
        return "pk" if name == "pk" else self.model._meta.get_field(name).attname  # type: ignore[union-attr]

    def _key(self, row: Any) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in self.unique)

    def _matching(self, manager: Any) -> Iterable[Model]:
        keys = [key for obj in self.objs if None not in (key := self._key(obj))]
        for start in range(0, len(keys), ROOM):
            condition = models.Q()
            for key in keys[start : start + ROOM]:
                condition |= models.Q(**dict(zip(self.unique, key, strict=True)))
            yield from manager.filter(condition)

    @property
    def pks(self) -> list[Any]:
        """The keys of the rows that were there."""
        return [row.pk for row in self.rows.values()]

    def created(self) -> list[Any]:
        """After the insertion: the objects that were inserted, or only their keys."""
        if not self.ignoring:
            return [obj for obj in self.objs if self._key(obj) not in self.rows]
        manager = self.model._base_manager.using(self.using)
        keyed = [obj.pk for obj in self.objs if not is_unset(obj.pk)]
        there = {row.pk for row in self.rows.values()}
        new = [pk for pk in keyed if pk not in there]
        found = manager.filter(pk__in=new).values_list("pk", flat=True) if new else []
        made = list(found)
        if len(keyed) < len(self.objs):
            rows = manager if self.last is None else manager.filter(pk__gt=self.last)
            made += [pk for pk in rows.values_list("pk", flat=True) if pk not in set(made)]
        return made
