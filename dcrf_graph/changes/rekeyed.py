"""
Rows that an update gives another key: deleted under the old one, created under the new.

That is what a client sees who knows rows by their keys, and what the trigger of a
table tells. The new key is known where it is a value, or an expression that gives the
same when it is asked for before the update; else all who listen are told of a gap.

Source: docs/decisions/0044-another-key-is-another-row.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connections
from django.db.models import ExpressionWrapper, Field, Model

from dcrf_graph.changes.capture import Capture
from dcrf_graph.changes.change import Action, lost
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import Record, surely_on_commit
from dcrf_graph.changes.kin import same_table
from dcrf_graph.changes.rows import CHUNK, key_read

Keys = dict[Any, Any]
"""Of each row that is updated the old key and the new one."""
NEW = "dcrf_graph_new_"


def fields_named(model: type[Model], names: Iterable[str]) -> list[Field[Any, Any]]:
    """The fields that ``update`` is given, its parents' too."""
    named = set(names)
    return [
        field
        for field in model._meta.concrete_fields
        if named & {field.name, field.attname} or ("pk" in named and field.primary_key)
    ]


def gives_keys(model: type[Model], names: Iterable[str]) -> bool:
    """Whether an update of these fields gives rows another key, or those of a parent."""
    keys = model._meta.pk_fields
    return any(field.primary_key or field in keys for field in fields_named(model, names))


def keys_of(rows: Any, *names: str) -> Iterable[tuple[Any, Sequence[Any]]]:
    """The key of each row of a queryset, and what else is asked for by its name."""
    # Column by column: Django locks no rows by a key of several.
    parts = [field.attname for field in rows.model._meta.pk_fields]
    for values in rows.values_list(*parts, *names):
        pk = values[: len(parts)]
        yield (pk if len(parts) > 1 else pk[0]), values[len(parts) :]


def new_keys(rows: Any, values: Mapping[str, Any]) -> Keys:
    """The keys that an update with these values will give to the rows of a queryset."""
    model = rows.model
    parts: dict[str, Any] = {}
    computed: dict[str, Any] = {}
    for field in model._meta.pk_fields:
        names = {field.name, field.attname} | ({"pk"} if field.primary_key else set())
        for name in names & values.keys():
            value = parts[field.attname] = values[name]
            if hasattr(value, "resolve_expression"):
                computed[f"{NEW}{field.attname}"] = ExpressionWrapper(value, output_field=field)
    keys = {}
    for pk, asked in keys_of(rows.annotate(**computed), *computed):
        given = dict(zip((name.removeprefix(NEW) for name in computed), asked, strict=True))
        keys[pk] = new_key(model, pk, {**parts, **given})
    return keys


def new_key(model: type[Model], pk: Any, parts: Mapping[str, Any]) -> Any:
    """A key with some of its parts replaced."""
    old = pk if isinstance(pk, tuple) else (pk,)
    new = []
    for field, part in zip(model._meta.pk_fields, old, strict=True):
        value = parts.get(field.attname, part)
        # A foreign key is given an instance, too.
        target: Any = getattr(field, "target_field", None)
        new.append(getattr(value, target.attname) if isinstance(value, Model) else value)
    return key_read(model, tuple(new) if isinstance(pk, tuple) else new[0])


def rekeyed(
    capture: Capture, model: type[Model], records: list[Record], keys: Keys, using: str
) -> list[Record]:
    """What has become of a capture's rows whose keys an update has replaced, for the journal.

    Args:
        records: their updates, by the old keys.
    """
    if not records or capture.told_by_trigger(using):
        return records
    if not same_table(model, capture.model):
        tell_gap(capture, using)
        return []
    if not present(model, keys.values(), using).issuperset(keys.values()):
        tell_gap(capture, using)
    came = [Record(capture.model, keys[record.pk], Action.CREATE, using) for record in records]
    for record in records:
        record.action, record.changed = Action.DELETE, None
    # Of a key that a row had and another has, or has again, that is an update.
    return [*records, *came]


def present(model: type[Model], pks: Iterable[Any], using: str) -> set[Any]:
    """Which of these keys rows have."""
    asked = list(pks)
    manager = model._base_manager.using(using)
    found: set[Any] = set()
    for start in range(0, len(asked), CHUNK):
        rows = manager.filter(pk__in=asked[start : start + CHUNK])
        found.update(rows.values_list("pk", flat=True))
    return found


def tell_gap(capture: Capture, using: str) -> None:
    """Tell all who listen to a model's observers that they have missed something, at the commit."""

    def tell() -> None:
        hub.publish([lost(source.stable_id) for source in capture.heard()])

    surely_on_commit(connections[using], tell)
