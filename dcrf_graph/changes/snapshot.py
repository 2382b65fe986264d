"""
What a row looked like when it was loaded: for the groups that it belonged to.

A shallow copy of the loaded column values is kept beside the instance. It
becomes an instance again, and so group names, only when the row is saved or
deleted. Nothing is queried at load; a column that was not loaded is read, once,
when a group name needs it, on the alias that is being written and before the
write.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model

ATTRIBUTE = "_dcrf_graph_loaded"


def remember(instance: Model) -> None:
    """Keep the column values that the instance has now."""
    instance._state.__dict__[ATTRIBUTE] = instance.__dict__.copy()


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
