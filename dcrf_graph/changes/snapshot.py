"""
What a row looked like when it was loaded: for the groups that it belonged to.

A shallow copy of the loaded column values is kept beside the instance. It
becomes an instance again, and so group names, only when the row is saved or
deleted. Nothing is queried at load; columns that were not loaded are read, all
at once, when a group name needs one of them, on the alias that is being written
and before the write.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Model
from django.db.models.expressions import BaseExpression

from dcrf_graph.changes.rows import columns, state_of_saved

ATTRIBUTE = "_dcrf_graph_loaded"


def remember(instance: Model, values: dict[str, Any]) -> None:
    """Keep the values that the row has."""
    instance._state.__dict__[ATTRIBUTE] = values


def is_remembered(instance: Model) -> bool:
    """Whether the values of the row are known."""
    return ATTRIBUTE in instance._state.__dict__


def forget(instance: Model) -> None:
    """The row is gone."""
    instance._state.__dict__.pop(ATTRIBUTE, None)


def written(instance: Model, update_fields: Collection[str] | None) -> dict[str, Any]:
    """What the row holds after a save, as far as the instance can tell.

    Expressions are left out: what the database made of them is not known here.
    """
    values = columns(instance)
    if update_fields is not None:
        names = {
            field.attname
            for field in instance._meta.concrete_fields
            if field.name in update_fields or field.attname in update_fields
        }
        saved = {name: value for name, value in values.items() if name in names}
        values = {**instance._state.__dict__.get(ATTRIBUTE, {}), **saved}
    return {name: value for name, value in values.items() if not isinstance(value, BaseExpression)}


def recall(
    instance: Model, using: str, *, model: type[Model] | None = None, look_up: bool = True
) -> Model | None:
    """
    The row as it was when last loaded or saved; None if it was not in the database.

    Args:
        model: what to make of it: a model of the same table.
        look_up: whether to read the row where nothing is known of it: of an
            instance that was made in memory, or given another key, while its
            key may exist.
    """
    model = model or type(instance)
    loaded: dict[str, Any] | None = instance._state.__dict__.get(ATTRIBUTE)
    if loaded is not None and not instance._state.adding:
        row = restored(model, loaded, using)
        # Django takes the key away from an instance that it deletes.
        if instance.pk in (None, row.pk):
            return row
    if (
        not look_up
        or instance.pk is None
        or (instance._state.adding and is_keyed_by_default(model))
    ):
        return None
    return model._base_manager.using(using).filter(pk=instance.pk).first()


def restored(model: type[Model], loaded: dict[str, Any], using: str) -> Model:
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
