"""
The changes of one transaction, until it commits.

Each change is registered with ``on_commit`` inside its own savepoint, so one
that is rolled back is never heard of. What survives is put together after the
last of them: several changes of one row become the net one, and one flush
publishes the whole commit.

Source: docs/decisions/0004-one-flush-per-commit.md,
docs/decisions/0037-what-a-callback-overtakes-is-read.md,
docs/decisions/0042-a-failing-callback-stops-no-event.md
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4
from weakref import ReferenceType, ref

from django.db.models import Model

from dcrf_graph.changes import outbox
from dcrf_graph.changes.change import Action, net
from dcrf_graph.changes.snapshot import Loaded, forget, remember_written, written
from dcrf_graph.changes.statements import Statements
from dcrf_graph.settings import api_settings

logger = logging.getLogger(__name__)

Key = tuple[type[Model], Any]


@dataclass(eq=False, slots=True)
class Record:
    """One change of one row, as capture saw it, before the transaction committed.

    ``before`` gives, per observer, the groups that the row belonged to;
    ``messages`` what an observer says of a row that is about to be deleted.
    ``saved`` are the column values that were written, where reading them would
    give the same; ``written_at`` is how many statements had been sent then.
    ``kept`` is what the instance was loaded with, ``snapshot`` what the row will
    hold, ``partly`` of its columns, if this commits. ``relations_only`` means that no column of
    the row changed; then nobody may have held an instance of it. ``kept_as`` is
    its row in the outbox. ``changed`` are the names of the fields that an update
    wrote, or None where that is not known. ``late`` says that later changes of the
    row may have been told already.
    """

    model: type[Model]
    pk: Any
    action: Action
    using: str
    saved: dict[str, Any] | None = None
    written_at: int = 0
    instance: ReferenceType[Model] | None = None
    deleted: Model | None = None
    kept: tuple[type[Model], Loaded] | None = None
    snapshot: dict[str, Any] | None = None
    partly: bool = False
    relations_only: bool = False
    kept_as: Any = None
    changed: frozenset[str] | None = None
    late: bool = False
    before: dict[str, frozenset[str]] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)

    def settle_later(self, instance: Model, update_fields: Collection[str] | None) -> None:
        """Have an instance know what has been written of its row, if this commits."""
        self.instance, self.partly = ref(instance), update_fields is not None
        self.snapshot = written(instance, update_fields)


Flush = Callable[[list[Record]], None]


class Journal:
    """What one transaction has changed so far, on one connection."""

    def __init__(self, connection: Any, flush: Flush, waiting: list[Journal] | None = None) -> None:
        self.connection = connection
        self.survived: dict[Key, Record | None] = {}
        self.latest = 0
        self.outboxed: list[Any] = []
        self.statements: Statements | None = None
        self.overtaken = False
        """Whether another transaction of the connection has begun since this one ended."""
        self.name = ""
        """What the outbox calls the transaction."""
        self._flush = flush
        self._waiting = [] if waiting is None else waiting

    def add(self, records: Sequence[Record]) -> None:
        """Register changes in the current savepoint, and the flush after them."""
        connection = self.connection
        if not connection.in_atomic_block:
            self.keep(records)
            self.flush()
            return
        if api_settings.OUTBOX:
            self.name = self.name or uuid4().hex
            outbox.keep(records, connection.alias, self.name)
            if self.statements is not None:
                # That was a statement too, of our own.
                for record in records:
                    record.written_at = self.statements.count
        self.latest += 1
        hold_to_the_end(connection)
        savepoints = connection.savepoint_ids
        if not savepoints:
            connection.on_commit(Callback(self, records, self.latest))
            return
        connection.on_commit(Callback(self, records))
        # The flush belongs to no savepoint: rolling one back must not take it along.
        connection.savepoint_ids = []
        try:
            connection.on_commit(Callback(self, number=self.latest))
        finally:
            connection.savepoint_ids = savepoints

    def statements_so_far(self) -> int:
        """Count the statements of the transaction from the first time on that this is asked."""
        if self.statements is None:
            if not self.connection.in_atomic_block:
                return 0
            self.statements = Statements(self.connection)
        return self.statements.count

    def keep(self, records: Sequence[Record]) -> None:
        """Merge changes that were committed with the earlier ones of their rows."""
        if self not in self._waiting:
            self._waiting.append(self)
        for record in records:
            if record.kept_as is not None:
                self.outboxed.append(record.kept_as)
            self._keep(record)

    def _keep(self, record: Record) -> None:
        settle(record)
        key = (record.model, record.pk)
        earlier = self.survived.get(key)
        if earlier is None:
            self.survived[key] = record
            return
        action = net(earlier.action, record.action)
        if action is None:
            self.survived[key] = None
            return
        record.action = action
        if None in (record.changed, earlier.changed):
            record.changed = None
        else:
            record.changed = (record.changed or frozenset()) | (earlier.changed or frozenset())
        record.before = {**record.before, **earlier.before}
        record.kept = earlier.kept or record.kept
        record.relations_only = record.relations_only and earlier.relations_only
        self.survived[key] = record

    def flush(self) -> None:
        """Hand over what the commit amounts to, in the order of the rows' first changes.

        First what other commits of the connection have kept: a callback of the
        application that wrote, or failed, came before their flush.
        """
        waiting = [journal for journal in self._waiting if journal is not self]
        self._waiting.clear()
        for journal in waiting:
            journal.overtaken = True
            journal.hand_over()
        self.hand_over()

    def hand_over(self) -> None:
        """Hand over what was kept until now."""
        records = [record for record in self.survived.values() if record is not None]
        self.survived = {}
        for record in records:
            # A later statement may have changed the row once more, unseen.
            if self.statements is not None and record.written_at != self.statements.count:
                record.saved = None
            if self.overtaken:
                record.saved, record.late = None, True
        self.stop()
        if records:
            self._flush(records)
        if self.outboxed:
            ids, self.outboxed = self.outboxed, []
            outbox.published(ids, self.connection.alias)

    def follow(self) -> Journal:
        """The journal of the next transaction of the connection, which this one's has ended."""
        self.stop()
        self.overtaken = True
        return Journal(self.connection, self._flush, self._waiting)

    def stop(self) -> None:
        """Count no more: the transaction has ended."""
        if self.statements is not None:
            self.statements.stop()
            self.statements = None


class Callback:
    """Keeps records when they are committed, and flushes the journal if ``number`` is the latest.

    It does so once, by whomever it is called.
    """

    __slots__ = ("_number", "_records", "journal")

    def __init__(self, journal: Journal, records: Sequence[Record] = (), number: int = 0) -> None:
        self.journal = journal
        self._records: Sequence[Record] | None = records
        self._number = number

    def __call__(self) -> None:
        records, self._records = self._records, None
        if records is None:
            return
        if records:
            self.journal.keep(records)
        if self._number == self.journal.latest:
            self.journal.flush()


class Once:
    """A callback of ours beside the journal's; it is called once, and raises nothing."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], None]) -> None:
        self._function: Callable[[], None] | None = function

    def __call__(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            try:
                function()
            except Exception:
                logger.exception("What a commit has to say was not said")


def surely_on_commit(connection: Any, function: Callable[[], None]) -> None:
    """Call a function when the open transaction commits, whatever callbacks before it raise.

    Outside a transaction it is called at once, and where nobody says when one commits: rather too
    early than never.
    """
    if not tells_commits(connection):
        Once(function)()
        return
    hold_to_the_end(connection)
    connection.on_commit(Once(function))


RUN = "run_and_clear_commit_hooks"
"""The method of a connection that Django calls when a transaction has been committed."""


def hold_to_the_end(connection: Any) -> None:
    """
    Have our callbacks of this connection called where one before them fails.

    Django drops them then, although the transaction has been committed.

    Source: docs/decisions/0042-a-failing-callback-stops-no-event.md
    """
    if RUN in vars(connection):
        return
    of_connection = ref(connection)

    def run_and_clear_commit_hooks() -> None:
        connection: Any = of_connection()
        hooks = [function for _, function, *_ in connection.run_on_commit]
        try:
            getattr(type(connection), RUN)(connection)
        except BaseException:
            for function in hooks:
                if isinstance(function, Callback | Once):
                    function()
            raise

    setattr(connection, RUN, run_and_clear_commit_hooks)


def settle(record: Record) -> None:
    """Let the instance know what the database says of its row, now that it is committed."""
    if record.deleted is not None:
        forget(record.deleted)
    elif record.instance is not None and record.snapshot is not None:
        instance = record.instance()
        if instance is not None:
            remember_written(instance, record.snapshot, partly=record.partly)


JOURNAL = "_dcrf_graph_journal"
"""Where a connection has its journal, which ends with it."""


def journal_of(connection: Any, flush: Flush) -> Journal:
    """The journal of the transaction that is open on a connection, or a new one.

    A journal whose flush is no longer registered belongs to a transaction that
    was rolled back or committed.
    """
    journal: Journal | None = getattr(connection, JOURNAL, None)
    if journal is not None and connection.in_atomic_block:
        for _, function, *_ in reversed(connection.run_on_commit):
            is_registered = getattr(function, "journal", None) is journal
            if is_registered:
                return journal
    # Changes that an on_commit callback makes belong to a commit of their own.
    opened = Journal(connection, flush) if journal is None else journal.follow()
    setattr(connection, JOURNAL, opened)
    return opened


def tells_commits(connection: Any) -> bool:
    """Whether Django will say when the open transaction commits.

    With autocommit off and no ``atomic()`` nobody does.
    """
    return bool(connection.in_atomic_block or connection.get_autocommit())


def may_commit(connection: Any) -> bool:
    """Whether a commit will be heard of; else what may be rolled back is not told, and logged."""
    if tells_commits(connection):
        return True
    logger.warning(
        "A change on %r is not told: autocommit is off, and there is no atomic() to commit it",
        connection.alias,
    )
    return False
