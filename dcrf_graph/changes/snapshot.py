"""
What a row looked like when it was loaded: for the groups that it belonged to.

The values that an instance was loaded with become an instance again, and so
group names, only when the row is saved or deleted. Nothing is queried at load;
columns that were not loaded are read, all at once, when a group name needs one
of them, on the alias that is being written and before the write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connections
from django.db.models import Model
from django.db.models.expressions import BaseExpression

from dcrf_graph.changes.loads import ATTRIBUTE, Batch, Reread, Unsettled, keep_loads, read_now
from dcrf_graph.changes.rows import columns, state_of_saved

Loaded = dict[str, Any] | Batch
"""Values by column, or where to find them."""


def keep_loaded_values(model: type[Model]) -> None:
    """Let the instances of a model keep what they are loaded with, from now on."""
    keep_loads(model, refreshed)


def refreshed(instance: Model, names: Collection[str] | None) -> None:
    """Take note of columns that were read again; Django sends no signal then."""
    if instance._state.adding:
        return
    held = columns(instance)
    if names is not None:
        read = {name: held[name] for name in attnames(type(instance), names) if name in held}
        loaded = loaded_values(instance)
        if loaded is None:
            return
        held = {**loaded, **read}
    remember(instance, Reread(held, read_now(instance._state.db or "default")))


def attnames(model: type[Model], names: Collection[str]) -> set[str]:
    """The columns that fields are kept in, which may be named either way."""
    fields = model._meta.concrete_fields
    return {field.attname for field in fields if field.name in names or field.attname in names}


def remember(instance: Model, values: Loaded) -> None:
    """Keep the values that the row has."""
    instance.__dict__[ATTRIBUTE] = values


def remember_deleted(instance: Model, using: str) -> None:
    """Keep what a row has that is being deleted: Django takes its key away, and groups are asked
    for until the commit.

    Where nothing is known of the row it is what the instance holds, but only until that is rolled
    back: then another row may be there.
    """
    kept = instance.__dict__.get(ATTRIBUTE)
    values = loaded_values(instance)
    if values is None:
        remember(instance, Reread(columns(instance), Unsettled(connections[using])))
    else:
        remember(instance, Reread(values, getattr(kept, "unsettled", None)))


def forget(instance: Model) -> None:
    """The row is gone."""
    instance.__dict__.pop(ATTRIBUTE, None)


def loaded_values(instance: Model) -> dict[str, Any] | None:
    """The values that the row had when it was last loaded or saved, by column, where known."""
    kept: Loaded | None = instance.__dict__.get(ATTRIBUTE)
    return None if kept is None else loaded_from(kept, type(instance), instance.pk)


def loaded_from(kept: Loaded, model: type[Model], pk: Any) -> dict[str, Any] | None:
    """What an instance of ``model`` has kept of the row with this key; None if it is another's.

    None, too, if it was read in a transaction that has been rolled back. The keys in the tables
    of the parents are among it, also where only the links were loaded.
    """
    if isinstance(kept, Batch | Reread) and kept.unsettled is not None and not kept.unsettled.holds:
        return None
    loaded = kept.of(model, pk) if isinstance(kept, Batch) else dict(kept)
    if loaded is not None:
        for each in (model, *model._meta.get_parent_list()):
            links: Iterable[Any] = each._meta.parents.values()
            for link in links:
                if link is not None and link.attname in loaded:
                    loaded.setdefault(link.target_field.attname, loaded[link.attname])
    return loaded


def written(instance: Model, update_fields: Collection[str] | None) -> dict[str, Any]:
    """What a save writes, by column: all that the instance holds, or these fields of it."""
    held = columns(instance)
    if update_fields is None:
        return held
    return {name: held[name] for name in attnames(type(instance), update_fields) if name in held}


def remember_written(instance: Model, values: dict[str, Any], *, partly: bool) -> None:
    """Keep what the row holds after a save, as far as the instance can tell.

    Expressions are left out: what the database made of them is not known here.

    Args:
        partly: the columns that are missing are as the instance knows them from before.
    """
    if partly:
        loaded = loaded_values(instance)
        if loaded is None:
            return  # the rest is nowhere, and a part alone is no row
        values = {**loaded, **values}
    for value in values.values():
        if isinstance(value, BaseExpression):
            values = {n: v for n, v in values.items() if not isinstance(v, BaseExpression)}
            break
    remember(instance, values)


def changed(instance: Model, update_fields: Collection[str] | None) -> frozenset[str] | None:
    """
    The names of the fields whose columns a save wrote anew; None where that is not known.

    Compared with what the instance was loaded with, where it keeps that; else
    the fields that the save was told to write.
    """
    fields = instance._meta.concrete_fields
    if update_fields is not None:
        fields = [f for f in fields if f.name in update_fields or f.attname in update_fields]  # type: ignore[assignment]
    loaded = loaded_values(instance)
    if loaded is not None:
        held = instance.__dict__
        written = [f for f in fields if f.attname in held]
        return frozenset(
            f.name
            for f in written
            if f.attname not in loaded or differs(loaded[f.attname], held[f.attname])
        )
    return None if update_fields is None else frozenset(f.name for f in fields)


def differs(old: Any, new: Any) -> bool:
    """Whether a value that was written is another, or may be: of an expression nobody knows."""
    return isinstance(new, BaseExpression) or bool(old != new)


def recall(
    instance: Model,
    using: str,
    *,
    model: type[Model] | None = None,
    look_up: bool = True,
    raw: bool = False,
) -> Model | None:
    """
    The row as it was when last loaded or saved; None if it was not in the database.

    Args:
        model: what to make of it: a model of the same table, or a parent's.
        look_up: whether to read the row where nothing is known of it: of an
            instance that was made in memory, loaded from another database, or given
            another key, while its key may exist.
        raw: whether a fixture is being loaded, which takes the place of what is there.
    """
    model = model or type(instance)
    pk = key_in(model, instance)
    state = instance._state
    elsewhere = state.adding or state.db not in (None, using)
    loaded = None if elsewhere else loaded_values(instance)
    if loaded is not None:
        row = restored(model, loaded, using)
        # Another key may have been given to it, or its own taken away by a deletion.
        if row.pk == pk or is_unset(pk):
            return row
    if not look_up or is_unset(pk) or (state.adding and not raw and is_keyed_by_default(model)):
        return None
    return model._base_manager.using(using).filter(pk=pk).first()


def key_in(model: type[Model], instance: Model) -> Any:
    """The key that an instance has as a row of ``model``: its own model, or a parent of that."""
    if type(instance)._meta.concrete_model is model._meta.concrete_model:
        return instance.pk
    return getattr(instance, model._meta.pk.attname)


def is_unset(pk: Any) -> bool:
    """Whether a key says nothing: Django has set none, or taken it away."""
    return pk is None or (isinstance(pk, tuple) and None in pk)


def restored(model: type[Model], loaded: Mapping[str, Any], using: str) -> Model:
    """An instance with the values that were loaded; what was not is read when asked for."""
    row = model.__new__(model)
    names = [field.attname for field in model._meta.concrete_fields]
    row.__dict__.update({name: loaded[name] for name in names if name in loaded})
    row._state = state_of_saved(using)
    missing = [name for name in names if name not in loaded]
    if missing:

        def refresh(*args: Any, **kwargs: Any) -> None:
            model.refresh_from_db(row, fields=missing)

        # Django asks for one deferred column at a time; one query shall do for all.
        row.__dict__["refresh_from_db"] = refresh
    return row


def is_keyed_by_default(model: type[Model]) -> bool:
    """Whether a new instance is inserted without looking for its key, as ``Model.save`` does."""
    return all(field.has_default() or field.has_db_default() for field in model._meta.pk_fields)
