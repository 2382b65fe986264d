"""
Publishes what lies in the outbox: what triggers have written, or a crash has left.

Source: docs/decisions/0035-an-outbox-until-published.md
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections, transaction
from django.db.models import Model, Q
from django.db.models.functions import Now

from dcrf_graph.changes.capture import Capture, captures_of, has_trigger, publish_records
from dcrf_graph.changes.change import Action, Event, lost
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import Journal, Record
from dcrf_graph.changes.kin import is_row_of, keyed_alike, keys_in, same_table
from dcrf_graph.changes.outbox import BATCH, LAYER_TIMEOUT, remove, table
from dcrf_graph.changes.rows import key_read, made_of
from dcrf_graph.changes.snapshot import loaded_from

logger = logging.getLogger(__name__)

CHANNEL = "dcrf_graph"
"""What PostgreSQL is listened to on; a notification says nothing but that there is something."""
TRUNCATE = "truncate"
"""The action of a table whose rows are gone, nobody knows which."""
GRACE = 10.0
"""Seconds that the process which has committed a change has to publish it itself."""


def relay(using: str, grace: float = GRACE) -> int:
    """
    Publish what lies in the outbox of a database and nobody else is about to publish.

    Several relays may run at once where the database can skip locked rows.

    Args:
        grace: seconds that a change must have been there, unless a trigger wrote it.

    Returns:
        How many changes were published.
    """
    features = connections[using].features
    with transaction.atomic(using=using):
        due = Q(by_trigger=True) | Q(created__lte=Now() - timedelta(seconds=grace))
        rows = table(using).filter(due).order_by("pk")
        if features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        batch = list(rows[:BATCH])
        if not batch:
            return 0
        if len(batch) == BATCH:
            # What was committed together is published together.
            names = {row.transaction for row in batch} - {""}
            batch += rows.filter(transaction__in=names, pk__gt=batch[-1].pk)
        if features.has_select_for_update_skip_locked:
            batch = list(whole(batch, due, using))
        for together in transactions_of(batch):
            # Each transaction is told as a commit of its own.
            journal = Journal(connections[using], publish_records)
            journal.keep(records_of(together, using))
            journal.flush()
        hub.publish(losses_of(batch))
        if not hub.drain(LAYER_TIMEOUT):
            raise TimeoutError("The channel layer is too slow: the relay tries again")
        remove([row.pk for row in batch], using)
    return len(batch)


def whole(batch: Iterable[Any], due: Q, using: str) -> Iterable[Any]:
    """The rows of transactions that no other relay has a part of; the others wait, unlocked.

    Whoever holds a part only sees the rest in the table, until that is published.
    """
    batch = list(batch)
    names = {row.transaction for row in batch} - {""}
    rest = table(using).filter(due, transaction__in=names)
    split = set(
        rest.exclude(pk__in=[row.pk for row in batch]).values_list("transaction", flat=True)
    )
    return (row for row in batch if row.transaction not in split)


def transactions_of(rows: Iterable[Any]) -> Iterable[list[Any]]:
    """The rows of each transaction, which others may have written between; in their order."""
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(row.transaction or row.pk, []).append(row)
    return found.values()


def records_of(rows: Iterable[Any], using: str) -> list[Record]:
    """The changes that the rows of one transaction stand for, by a trigger those of kin."""
    records: list[Record] = []
    by_trigger: list[tuple[Capture, Record]] = []
    olds: dict[tuple[Capture, Any], dict[str, Any]] = {}
    for row in rows:
        if row.action == TRUNCATE:
            continue
        try:
            model = apps.get_model(row.model)
            pk = key_read(model, row.key)
        except LookupError:
            logger.exception("There is no model %s any more", row.model)
            continue
        except (ValidationError, ValueError):
            logger.exception("There is no row %r of %s", row.key, row.model)
            continue
        if not row.by_trigger:
            records.append(record_of(row, model, pk, using))
            continue
        action = Action(row.action)
        for capture, key, is_told in heard_of(model, pk, action, using):
            old = olds.setdefault((capture, key), {})
            # What a column held first is what it held before the transaction.
            old.update({**values_of_old(capture.model, row.old), **old})
            if is_told:
                by_trigger.append((capture, Record(capture.model, key, action, using)))
    for capture, record in by_trigger:
        record.before = groups_of_old(capture, record.pk, olds[capture, record.pk], using)
    return records + [record for _, record in by_trigger]


def losses_of(rows: Iterable[Any]) -> list[Event]:
    """What is told to all who listen to a table that was truncated."""
    labels = {row.model for row in rows if row.action == TRUNCATE}
    models = [model for model in apps.get_models() if model._meta.label_lower in labels]
    captures = dict.fromkeys(capture for model in models for capture in captures_of(model))
    return [lost(source.stable_id) for capture in captures for source in capture.heard()]


def record_of(row: Any, model: type[Model], pk: Any, using: str) -> Record:
    """A change that capture has kept."""
    before = {observer: frozenset(groups) for observer, groups in (row.before or {}).items()}
    record = Record(model, pk, Action(row.action), using, before=before)
    record.messages = row.messages or {}
    record.relations_only = row.relations_only
    return record


def heard_of(
    model: type[Model], pk: Any, action: Action, using: str
) -> Iterable[tuple[Capture, Any, bool]]:
    """Whom a change in one table concerns: by which key, and whether it is told.

    It is told to who listens to the table, and of an update to who listens to a child. What
    the trigger of a child says of a deletion is a part of the row: here is the other one.
    """
    for capture in captures_of(model):
        if same_table(model, capture.model):
            yield capture, pk, True
        elif is_row_of(capture.model, model) and has_trigger(capture.model):  # else signals tell
            if action is Action.UPDATE:
                for key in keys_in(capture.model, model, [pk], using):
                    yield capture, key, True
            elif action is Action.DELETE and keyed_alike(capture.model, model):
                yield capture, pk, False


def values_of_old(model: type[Model], old: dict[str, Any] | None) -> dict[str, Any]:
    """The values of the columns that a trigger saw before a change, as far as they can be read."""
    values = {}
    fields = {field.column: field for field in model._meta.concrete_fields}
    for column, value in (old or {}).items():
        if column in fields:
            with suppress(ValidationError, ValueError):  # that one is read from the row
                values[fields[column].attname] = fields[column].to_python(value)
    return values


def groups_of_old(
    capture: Capture, pk: Any, values: dict[str, Any], using: str
) -> dict[str, frozenset[str]]:
    """Per observer, the groups of a row before a transaction; columns not seen are as now."""
    if not values or not capture.grouped:
        return {}
    row = made_of(capture.model, loaded_from(values, capture.model, pk) or {}, using)
    row.pk = pk
    return capture.groups_now(row, capture.wanted())


def relay_until(
    ended: threading.Event, using: str, *, grace: float = GRACE, interval: float = 1.0
) -> None:
    """
    Publish the outbox of a database until an event is set; errors are logged and outlived.

    PostgreSQL tells at once that a trigger has written; elsewhere, and for what a
    process has left, the table is looked at every ``interval`` seconds.
    """
    connection = connections[using]
    listening: Any = None
    while not ended.is_set():
        try:
            if connection.vendor == "postgresql":
                listening = listen(connection, listening)
            while relay(using, grace) >= BATCH and not ended.is_set():
                pass
            wait(connection, interval, ended)
        except (DatabaseError, TimeoutError):
            logger.exception("The relay failed; it tries again")
            connection.close()
            ended.wait(interval)
    connection.close()


def listen(connection: Any, listening: Any) -> Any:
    """Have PostgreSQL tell this connection of new rows; again when it is another one."""
    connection.ensure_connection()
    if connection.connection is not listening:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
    return connection.connection


def wait(connection: Any, interval: float, ended: threading.Event) -> None:
    """Wait for a notification, or for so many seconds."""
    if connection.vendor == "postgresql":
        for _ in connection.connection.notifies(timeout=interval, stop_after=1):
            pass
    else:
        ended.wait(interval)
