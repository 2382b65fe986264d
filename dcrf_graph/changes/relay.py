"""
Publishes what lies in the outbox: what triggers have written, or a crash has left.

Source: docs/decisions/0035-an-outbox-until-published.md
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections, transaction
from django.db.models import Model, Q
from django.db.models.functions import Now

from dcrf_graph.changes.capture import Capture, captures_of, publish_records
from dcrf_graph.changes.change import Action
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import Journal, Record
from dcrf_graph.changes.kin import is_row_of
from dcrf_graph.changes.outbox import BATCH, LAYER_TIMEOUT, table
from dcrf_graph.changes.rows import key_read, made_of

logger = logging.getLogger(__name__)

CHANNEL = "dcrf_graph"
"""What PostgreSQL is listened to on; a notification says nothing but that there is something."""
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
        for _, together in groupby(batch, key=lambda row: row.transaction):
            # Each transaction is told as a commit of its own.
            journal = Journal(connections[using], publish_records)
            journal.keep([record for row in together for record in records_of(row, using)])
            journal.flush()
        if not hub.drain(LAYER_TIMEOUT):
            raise TimeoutError("The channel layer is too slow: the relay tries again")
        table(using).filter(pk__in=[row.pk for row in batch]).delete()
    return len(batch)


def records_of(row: Any, using: str) -> Iterable[Record]:
    """The changes that a row of the table stands for: of its model, and by a trigger of kin."""
    try:
        model = apps.get_model(row.model)
    except LookupError:
        logger.exception("There is no model %s any more", row.model)
        return
    pk = key_read(model, row.key)
    if not row.by_trigger:
        before = {observer: frozenset(groups) for observer, groups in (row.before or {}).items()}
        record = Record(model, pk, Action(row.action), using, before=before)
        record.messages = row.messages or {}
        record.relations_only = row.relations_only
        yield record
        return
    for capture in captures_of(model):
        if is_row_of(model, capture.model):
            record = Record(capture.model, pk, Action(row.action), using)
            record.before = groups_of_old(capture, model, row.old, using)
            yield record


def groups_of_old(
    capture: Capture, model: type[Model], old: dict[str, Any] | None, using: str
) -> dict[str, frozenset[str]]:
    """Per observer, the groups of a row as a trigger saw it before the change."""
    if old is None or not capture.grouped:
        return {}
    fields = {field.column: field for field in capture.model._meta.concrete_fields}
    values = {
        fields[column].attname: fields[column].to_python(value)
        for column, value in old.items()
        if column in fields
    }
    return capture.groups_now(made_of(capture.model, values, using), capture.wanted())


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
            while relay(using, grace) == BATCH and not ended.is_set():
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
