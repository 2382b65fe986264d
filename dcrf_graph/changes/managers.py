"""
Which managers of a model tell of their bulk writes: for whoever warns of those that do not.

It asks managers for a queryset, which costs no query, and knows no consumer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections, router
from django.db.models import Model

from dcrf_graph.changes.bulk import ObservedQuerySetMixin
from dcrf_graph.changes.capture import has_trigger

BASE = "the base manager"


def observes(manager: Any) -> bool | None:
    """Whether the bulk writes of a manager are told; None where it cannot be asked now."""
    try:
        rows = manager.get_queryset()
    except Exception:  # code of the application, which may want a request
        return None
    return isinstance(rows, ObservedQuerySetMixin)


def deaf_managers(model: type[Model]) -> list[str]:
    """
    The managers of a model whose bulk writes nobody hears, by name; all, some or none of them.

    The base manager is one where it writes: related managers add rows by it.
    """
    if is_told_by_trigger(model):
        return []
    meta = model._meta.concrete_model._meta  # type: ignore[union-attr]
    deaf = [manager.name for manager in meta.managers if observes(manager) is False]
    if is_added_to_others(model) and observes(meta.base_manager) is False:
        deaf.append(BASE)
    return deaf


def observed_managers(model: type[Model]) -> list[str]:
    """The managers of a model whose bulk writes are told, by name."""
    meta = model._meta.concrete_model._meta  # type: ignore[union-attr]
    return [manager.name for manager in meta.managers if observes(manager)]


def is_added_to_others(model: type[Model]) -> bool:
    """Whether there are related managers of this model: ``board.cards.add(card)``."""
    fields: Iterable[Any] = model._meta.concrete_fields
    return any(field.many_to_one and not field.remote_field.hidden for field in fields)


def is_told_by_trigger(model: type[Model]) -> bool:
    """Whether the writes of a model's table are told by a trigger, in the place of signals."""
    return has_trigger(model) and connections[router.db_for_write(model)].vendor == "postgresql"
