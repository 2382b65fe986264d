"""
Keeps changes in a table until they have been published: a crash loses none.

With the setting ``OUTBOX`` each change is written into the table in its own
transaction. The process that commits publishes, waits until the channel layer
has taken it, and deletes the rows. What a crash between commit and publication
has left is published by the relay. Then a change may be told twice: at least
once is what a table can promise.

Source: docs/decisions/0035-an-outbox-until-published.md
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import router, transaction
from django.db.models import Model

from dcrf_graph.changes.envelope import key_of
from dcrf_graph.changes.hub import hub
from dcrf_graph.encoding import JSONEncoder

if TYPE_CHECKING:
    from dcrf_graph.changes.journal import Record

logger = logging.getLogger(__name__)

BATCH = 500
"""Changes that are taken or deleted at once."""
LAYER_TIMEOUT = 5.0
"""Seconds until a change stays in the table because the channel layer has not taken it."""
IN_TRANSACTION = "_dcrf_graph_in_transaction"


def table(using: str) -> Any:
    """The outbox of a database, as a queryset."""
    return apps.get_model("dcrf_graph", "OutboxChange")._base_manager.using(using)


def keep(records: Sequence[Record], using: str, together: str) -> None:
    """Write changes into the outbox, in the transaction that is open, which is called so."""
    rows = table(using).bulk_create([as_row(record, together) for record in records])
    for record, row in zip(records, rows, strict=True):
        record.kept_as = row.pk


def as_row(record: Record, together: str) -> Any:
    """A change as a row of the table."""
    return apps.get_model("dcrf_graph", "OutboxChange")(
        model=record.model._meta.label_lower,
        key=key_of(record.pk),
        action=record.action.value,
        before={observer: sorted(groups) for observer, groups in record.before.items()},
        messages=json.loads(JSONEncoder().encode(record.messages)),
        relations_only=record.relations_only,
        transaction=together,
    )


def published(ids: Sequence[Any], using: str) -> None:
    """Delete changes that have been published, once the channel layer has taken them."""
    try:
        if not hub.drain(LAYER_TIMEOUT):
            logger.error("The channel layer is too slow: the relay has to publish again")
            return
        remove(ids, using)
    except Exception:
        logger.exception("The outbox was not emptied: the relay will publish again")


def remove(ids: Sequence[Any], using: str) -> None:
    """Delete changes that have been published."""
    for start in range(0, len(ids), BATCH):
        table(using).filter(pk__in=ids[start : start + BATCH]).delete()


def save_in_transaction(model: Any) -> None:
    """Have each ``save()`` of a model be a transaction, which the outbox can be written in."""
    own = model.save_base
    if hasattr(own, IN_TRANSACTION):
        return

    @wraps(own)
    def save_base(self: Model, *args: Any, using: str | None = None, **kwargs: Any) -> None:
        alias = using or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=alias, savepoint=False):
            own(self, *args, using=alias, **kwargs)

    setattr(save_base, IN_TRANSACTION, True)
    save_base.alters_data = True  # type: ignore[attr-defined]
    model.save_base = save_base
