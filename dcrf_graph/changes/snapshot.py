"""
What a row looked like when it was loaded: for the groups that it belonged to.

A shallow copy of the loaded column values is kept beside the instance. It
becomes an instance again, and so group names, only when the row is saved or
deleted. Nothing is queried at load; a column that was not loaded is read, once,
when a group name needs it, on the alias that is being written and before the
write.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Model
from django.db.models.expressions import BaseExpression

ATTRIBUTE = "_dcrf_graph_loaded"


def remember(instance: Model, values: dict[str, Any]) -> None:
    """Keep the values that the row has."""
    instance._state.__dict__[ATTRIBUTE] = values


def forget(instance: Model) -> None:
    """The row is gone."""
    instance._state.__dict__.pop(ATTRIBUTE, None)


def written(instance: Model, update_fields: Collection[str] | None) -> dict[str, Any]:
    """What the row holds after a save, as far as the instance can tell.

    Expressions are left out: what the database made of them is not known here.
    """
    values = instance.__dict__
    if update_fields is not None:
        values = dict(instance._state.__dict__.get(ATTRIBUTE, {}))
        for field in instance._meta.concrete_fields:
            if field.name in update_fields or field.attname in update_fields:
                values[field.attname] = instance.__dict__.get(field.attname)
    return {name: value for name, value in values.items() if not isinstance(value, BaseExpression)}


def recall(instance: Model, using: str) -> Model | None:
    """The row as it was when last loaded or saved; None if it was not in the database.

    An instance that was made in memory, with a key that may exist, is looked up.
    """
    loaded: dict[str, Any] | None = instance._state.__dict__.get(ATTRIBUTE)
    if loaded is None or instance._state.adding:
        if instance.pk is None:
            return None
        return type(instance)._base_manager.using(using).filter(pk=instance.pk).first()
    model = type(instance)
    before = model.__new__(model)
    state = type(instance._state)()
    state.adding, state.db = False, using
    before.__dict__.update(
        {
            name: value
            for name, value in loaded.items()
            if name != "_state" and not name.startswith("_prefetched")
        }
    )
    before._state = state
    return before
