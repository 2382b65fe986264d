"""
A row as observers get to see it: as it was committed, or as it was deleted.

An observer never gets the instance that the application holds. It gets a copy
without cached relations, where that instance surely is the row, else the row is
read again.
"""

from __future__ import annotations

import enum
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Field, Model
from django.db.models.base import ModelState

M = TypeVar("M", bound=Model)

IMMUTABLE = (str, int, float, bool, Decimal, date, datetime, time, timedelta, UUID)
NOT_COPIED = frozenset({"_state", "_prefetched_objects_cache"})


def copied(instance: Model, model: type[M], using: str) -> M:
    """The same row as an instance of ``model``, a model of the same table; without a query."""
    row = model.__new__(model)
    values = {name: value for name, value in vars(instance).items() if name not in NOT_COPIED}
    row.__dict__.update(values)
    row._state = state_of_saved(using)
    return row


def state_of_saved(using: str) -> ModelState:
    """The state of an instance whose row is in the database, with no relation cached."""
    state = ModelState()
    state.adding, state.db = False, using
    return state


def columns(instance: Model) -> dict[str, Any]:
    """The column values that an instance holds; deferred ones are left out."""
    values = instance.__dict__
    return {
        field.attname: values[field.attname]
        for field in instance._meta.concrete_fields
        if field.attname in values
    }


def surely_saved(instance: Model) -> dict[str, Any] | None:
    """
    The column values of an instance, if reading the row would give the same; else None.

    After ``save()`` a field that was set to an expression may still hold it, a
    deferred one holds nothing, one that the database generates holds the old
    value, and a string that was saved into a number is still a string. A value
    that can be changed in place is none to compare with later.
    """
    values = columns(instance)
    fields = instance._meta.concrete_fields
    if len(values) < len(fields):
        return None
    for field in fields:
        if getattr(field, "generated", False) or not reads_as(field, values[field.attname]):
            return None
    return values


def reads_as(field: Field[Any, Any], value: Any) -> bool:
    """Whether a column that this value was written to is read as this value."""
    if value is None:
        return True
    if not isinstance(value, IMMUTABLE):
        return False
    if isinstance(value, Decimal):
        places = getattr(field, "decimal_places", None)
        return places is not None and value.as_tuple().exponent == -places
    if isinstance(value, datetime) and (value.tzinfo is not None) != settings.USE_TZ:
        return False
    try:
        read = field.to_python(value)
    except ValidationError:
        return False
    return bool(read == value) and (type(read) is type(value) or isinstance(value, enum.Enum))


def as_committed(
    model: type[Model], pk: Any, using: str, instance: Model | None, saved: dict[str, Any] | None
) -> Model | None:
    """
    A row as it was committed; None if it is gone again.

    Args:
        instance: what was saved.
        saved: the values that it surely wrote, or None. If it still holds them,
            it is the row; else the row is read, once.
    """
    if instance is not None and saved is not None and saved == columns(instance):
        return copied(instance, model, using)
    return model._base_manager.using(using).filter(pk=pk).first()


def as_deleted(model: type[Model], pk: Any, using: str, instance: Model) -> Model:
    """A row that was deleted, with the key it had; the instance itself is as Django left it."""
    row = copied(instance, model, using)
    # What was related may be gone as well, so what is known of it has to do.
    row._state.fields_cache = dict(instance._state.fields_cache)
    row.pk = pk
    return row
