"""
``publish``: tells observers of a change that Django has not seen.

For raw SQL, for other systems that write to the database, and for models whose
bulk writes do not go through an observed queryset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import router
from django.db.models import Model
from django.utils.asyncio import async_unsafe

from dcrf_graph.changes.capture import Capture, captures_of, write
from dcrf_graph.changes.change import Action, Source
from dcrf_graph.changes.journal import Record
from dcrf_graph.changes.kin import is_row_of, keys_in, same_table
from dcrf_graph.changes.rows import key_read

ON_A_LOOP = (
    "publish() belongs to the transaction of its thread, and reads rows, which no event loop may "
    "wait for. In async code: await sync_to_async(publish)(Card, [7], 'update')."
)


@async_unsafe(ON_A_LOOP)  # type: ignore[untyped-decorator, unused-ignore]
def publish(
    model: type[Model],
    pks: Iterable[Any],
    action: Action | str,
    *,
    using: str | None = None,
    old_groups: Iterable[str] | Mapping[Any, Iterable[str]] | None = None,
    changed_fields: Iterable[str] | None = None,
) -> None:
    """
    Tell the observers of a model that rows were created, updated or deleted.

    Inside a transaction it is told when that commits, and never if it is rolled
    back; with other changes of the rows it makes one net change. Created and
    updated rows are read then; a deletion is told by the key. All rows are one
    publication. An observer that nobody listens to costs nothing.

    Args:
        model: e.g. ``Card``; proxies, and parents of a child model, hear too. What
            has been written into a parent is an update of its children. A child with
            several parents is published before it is deleted.
        pks: the keys, e.g. ``[7, 8]``; of composite keys tuples.
        action: ``"create"``, ``"update"`` or ``"delete"``.
        using: the alias that was written to; the model's own by default.
        old_groups: the groups that the rows belonged to, as ``groups_for_signal``
            yields them, e.g. ``["board-1"]``: of all observers of the model, or
            by observer, ``{CardConsumer.card_activity: ["board-1"]}``. Without
            them an update is told to the groups that a row is in now, and a
            deletion only to groups that need nothing but the key.
        changed_fields: names of the fields that an update wrote; handlers are told.

    Raises:
        ValueError: for another action, or a key that none of this model can be.
        SynchronousOnlyOperation: on an event loop; nothing is told. In async code it is
            ``await sync_to_async(publish)(...)``.
    """
    action = Action(action)
    alias = using or router.db_for_write(model)
    changed = None if changed_fields is None else frozenset(changed_fields)
    keys = [key_read(model, pk) for pk in pks]
    for capture in captures_of(model):
        if not is_row_of(model, capture.model) and action is not Action.UPDATE:
            continue  # A row of the parent alone: of a child something else says so.
        if not same_table(model, capture.model) and not capture.wanted():
            continue
        before = named_groups(capture, old_groups)
        write(
            [
                Record(capture.model, pk, action, alias, before=dict(before), changed=changed)
                for pk in keys_in(capture.model, model, keys, alias)
            ],
            alias,
        )


def named_groups(
    capture: Capture, old_groups: Iterable[str] | Mapping[Any, Iterable[str]] | None
) -> dict[str, frozenset[str]]:
    """Per observer, the groups that somebody says the rows belonged to."""
    if old_groups is None:
        return {}
    groups: dict[str, frozenset[str]] = {}
    for source in capture.sources():
        if source.grouped:
            names = old_groups.get(source, None) if isinstance(old_groups, Mapping) else old_groups
            if names is not None:
                groups[source.stable_id] = called(source, names)
    return groups


def called(source: Source, names: Iterable[str]) -> frozenset[str]:
    """Groups by the names that an observer gives them."""
    return frozenset(source.group_called(name) for name in names)
