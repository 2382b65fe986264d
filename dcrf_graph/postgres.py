"""
Sees every writer of a PostgreSQL table: psql, other services, raw SQL, triggers.

    from dcrf_graph.postgres import ObserveTruncate, ObserveWrites

    class Card(models.Model):
        class Meta:
            triggers = [ObserveWrites(), ObserveTruncate()]

``makemigrations`` and ``migrate`` install the trigger (django-pgtrigger; install
``dcrf-graph[postgres]`` and add ``pgtrigger`` to ``INSTALLED_APPS``). It writes
into the outbox table, and ``manage.py relay_changes`` publishes at once. On
PostgreSQL the trigger takes the place of Django's signals for the model, so
nothing is told twice.

Source: docs/decisions/0036-triggers-write-the-outbox.md
"""

from __future__ import annotations

from typing import Any

import pgtrigger

from dcrf_graph.changes.relay import CHANNEL, TRUNCATE

TABLE = "dcrf_graph_outboxchange"

BODY = """
IF TG_OP = 'UPDATE' AND {new} IS DISTINCT FROM {old} THEN
    INSERT INTO {table} (model, key, action, old, by_trigger, transaction) VALUES
        ('{label}', {old}, 'delete', to_jsonb(OLD), true, pg_current_xact_id()::text),
        ('{label}', {new}, 'create', NULL, true, pg_current_xact_id()::text);
ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO {table} (model, key, action, old, by_trigger, transaction) VALUES
        ('{label}', {new}, 'create', NULL, true, pg_current_xact_id()::text);
ELSE
    INSERT INTO {table} (model, key, action, old, by_trigger, transaction) VALUES
        ('{label}', {old}, lower(TG_OP), to_jsonb(OLD), true, pg_current_xact_id()::text);
END IF;
PERFORM pg_notify('{channel}', '');
RETURN NULL;
"""

TRUNCATED = """
INSERT INTO {table} (model, key, action, by_trigger, transaction) VALUES
    ('{label}', 'null'::jsonb, '{action}', true, pg_current_xact_id()::text);
PERFORM pg_notify('{channel}', '');
RETURN NULL;
"""


class ObserveWrites(pgtrigger.Trigger):
    """The trigger of a model whose observers hear every writer."""

    tells_dcrf_graph = True
    name = "dcrf_graph"
    when = pgtrigger.After
    operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete

    def get_func(self, model: Any) -> Any:
        """The trigger's function: the change as a row of the outbox, and a notification."""
        return BODY.format(
            new=key_in("NEW", model),
            old=key_in("OLD", model),
            label=model._meta.label_lower,
            table=TABLE,
            channel=CHANNEL,
        )


class ObserveTruncate(pgtrigger.Trigger):
    """Tells who listens of a gap when the table is truncated: of its rows nobody hears then."""

    name = "dcrf_graph_truncate"
    when = pgtrigger.After
    level = pgtrigger.Statement
    operation = pgtrigger.Truncate

    def get_func(self, model: Any) -> Any:
        """The trigger's function."""
        label = model._meta.label_lower
        return TRUNCATED.format(action=TRUNCATE, label=label, table=TABLE, channel=CHANNEL)


def key_in(record: str, model: Any) -> str:
    """The key of a row as JSON: one value, or a list of those of a composite key."""
    columns = [f'{record}."{field.column}"' for field in model._meta.pk_fields]
    if len(columns) == 1:
        return f"to_jsonb({columns[0]})"
    return f"jsonb_build_array({', '.join(columns)})"
