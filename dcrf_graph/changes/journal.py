"""
The changes of one transaction, until it commits.

Each change is registered with ``on_commit`` inside its own savepoint, so one
that is rolled back is never heard of. What survives is put together after the
last of them: several changes of one row become the net one, and one flush
publishes the whole commit.

Source: docs/decisions/0004-one-flush-per-commit.md
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connections, transaction
from django.db.models import Model

from dcrf_graph.changes.change import Action, net
from dcrf_graph.changes.snapshot import forget, remember

Key = tuple[type[Model], Any]


@dataclass(eq=False)
class Record:
    """One change of one row, as capture saw it, before the transaction committed.

    ``before`` gives, per observer, the groups that the row belonged to;
    ``messages`` what an observer says of a row that is about to be deleted.
    ``saved`` are the column values that were written, where all of them were;
    ``snapshot`` is what the instance will have been loaded with, if this commits.
    ``relations_only`` means that no column of the row changed; then nobody may
    have held an instance of it.
    """

    model: type[Model]
    pk: Any
    action: Action
    using: str
    instance: Model | None = None
    saved: dict[str, Any] | None = None
    snapshot: dict[str, Any] | None = None
    relations_only: bool = False
    loaded: Model | None = None
    before: dict[str, frozenset[str]] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)


Flush = Callable[[list[Record]], None]


class Journal:
    """What one transaction has changed so far, on one connection."""

    def __init__(self, using: str, flush: Flush, earlier: Journal | None = None) -> None:
        self.using = using
        self.survived: dict[Key, Record | None] = {}
        self.order: list[Key] = []
        self.latest = 0
        self._flush = flush
        self._earlier = earlier

    def add(self, record: Record) -> None:
        """Register a change in the current savepoint, and the flush after it."""

        def survive() -> None:
            self.keep(record)

        transaction.on_commit(survive, using=self.using)
        self.latest += 1
        number = self.latest
        connection = connections[self.using]

        def last() -> None:
            if number == self.latest:
                self.flush()

        last.journal = self  # type: ignore[attr-defined]
        # The flush belongs to no savepoint: rolling one back must not take it along.
        savepoints, connection.savepoint_ids = connection.savepoint_ids, []
        try:
            transaction.on_commit(last, using=self.using)
        finally:
            connection.savepoint_ids = savepoints

    def keep(self, record: Record) -> None:
        """Merge a change that was committed with the earlier ones of its row."""
        settle(record)
        key = (record.model, record.pk)
        if key not in self.survived:
            self.order.append(key)
            self.survived[key] = record
            return
        earlier = self.survived[key]
        if earlier is None:
            self.survived[key] = record
            return
        action = net(earlier.action, record.action)
        if action is None:
            self.survived[key] = None
            return
        record.action = action
        record.before = {**record.before, **earlier.before}
        record.loaded = earlier.loaded or record.loaded
        record.relations_only = record.relations_only and earlier.relations_only
        self.survived[key] = record

    def flush(self) -> None:
        """Hand over what the commit amounts to, in the order of the rows' first changes."""
        if self._earlier is not None:
            earlier, self._earlier = self._earlier, None
            earlier.flush_late()
        records = [record for key in self.order if (record := self.survived[key]) is not None]
        self.survived, self.order = {}, []
        if records:
            self._flush(records)

    def flush_late(self) -> None:
        """Hand over what was kept when a callback of the application came, or failed, before us.

        Meanwhile the rows may have changed again, so each is read.
        """
        for record in self.survived.values():
            if record is not None:
                record.saved = None
        self.flush()


def settle(record: Record) -> None:
    """Let the instance know what the database says of its row, now that it is committed."""
    if record.instance is None:
        return
    if record.action is Action.DELETE:
        forget(record.instance)
    elif record.snapshot is not None:
        remember(record.instance, record.snapshot)


_journals: WeakKeyDictionary[Any, Journal] = WeakKeyDictionary()


def journal_of(using: str, flush: Flush) -> Journal:
    """The journal of the transaction that is open on an alias, or a new one.

    A journal whose flush is no longer registered belongs to a transaction that
    was rolled back or committed.
    """
    connection = connections[using]
    journal = _journals.get(connection)
    if journal is not None and connection.in_atomic_block:
        for entry in reversed(connection.run_on_commit):
            if any(getattr(part, "journal", None) is journal for part in entry):
                return journal
    # Changes that an on_commit callback makes belong to a commit of their own; what is kept of the
    # one that calls it was first, and is told first.
    earlier = journal if journal is not None and journal.survived else None
    journal = _journals[connection] = Journal(using, flush, earlier)
    return journal
