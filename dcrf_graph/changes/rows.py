"""
A row as observers get to see it: as it was committed, or as it was deleted.

An observer never gets the instance that the application holds. It gets a row
made of the values that were saved, where these surely are what the database
would give, else the row is read again, once, after the commit.

*Surely* is a table: columns of Django's own classes (a subclass may convert),
with a value of exactly the type that is read from them, on the databases whose
answers are known. Everything else is read: expressions, deferred and generated
columns, values that can be changed in place, text in a number's place.

Source: docs/decisions/0019-which-row-is-told.md
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.db import connections, models
from django.db.models import Field, Model
from django.db.models.base import ModelState

from dcrf_graph.changes.loads import ATTRIBUTE

M = TypeVar("M", bound=Model)

READ_AS: dict[type[Field[Any, Any]], type] = {
    models.AutoField: int,
    models.BigAutoField: int,
    models.SmallAutoField: int,
    models.IntegerField: int,
    models.BigIntegerField: int,
    models.SmallIntegerField: int,
    models.PositiveIntegerField: int,
    models.PositiveBigIntegerField: int,
    models.PositiveSmallIntegerField: int,
    models.BooleanField: bool,
    models.FloatField: float,
    models.DecimalField: Decimal,
    models.CharField: str,
    models.TextField: str,
    models.SlugField: str,
    models.EmailField: str,
    models.URLField: str,
    models.FilePathField: str,
    models.DateField: date,
    models.DateTimeField: datetime,
    models.TimeField: time,
    models.DurationField: timedelta,
    models.UUIDField: UUID,
}
"""The type that is read from a column of exactly this class."""

READ_AS_WRITTEN = frozenset({"sqlite", "postgresql"})
"""Databases that give back what READ_AS says; others may cut microseconds or empty strings."""
MAX_EXACT_DIGITS = 15
"""SQLite keeps a decimal as a float."""
NOT_COPIED = frozenset({"_state", "_prefetched_objects_cache", ATTRIBUTE})
CHUNK = 400
"""Rows that one SELECT asks for by their keys; SQLite may allow 999 parameters."""


def copied(instance: Model, model: type[M], using: str) -> M:
    """The same row as an instance of ``model``, a model of the same table; without a query."""
    row = model.__new__(model)
    values = {name: value for name, value in vars(instance).items() if name not in NOT_COPIED}
    row.__dict__.update(values)
    row._state = state_of_saved(using)
    return row


def made_of(model: type[M], values: Mapping[str, Any], using: str) -> M:
    """A row of ``model`` with these values of its columns; without a query."""
    row = model.__new__(model)
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


def surely_saved(
    instance: Model, using: str = "default", model: type[Model] | None = None
) -> dict[str, Any] | None:
    """
    The values of a row just saved, if reading it would give the same; else None.

    Args:
        model: whose columns: the instance's own model, or a parent of that.
    """
    connection = connections[using]
    if connection.vendor not in READ_AS_WRITTEN:
        return None
    held = instance.__dict__
    values = {}
    for field in (model or type(instance))._meta.concrete_fields:
        value = held.get(field.attname, held)
        if isinstance(value, enum.Enum) and isinstance(value, str | int):
            value = value.value
        if value is not None and not reads_as(field, value, connection):
            return None
        values[field.attname] = value
    return values


def reads_as(field: Any, value: Any, connection: Any) -> bool:
    """Whether a column that this value was written to is read as exactly this value."""
    kind = type(field)
    while kind in (models.ForeignKey, models.OneToOneField):
        field = field.target_field
        kind = type(field)
    expected: Any = READ_AS.get(kind)
    if type(value) is not expected:
        return False
    if kind is models.DecimalField:
        return is_exact(field, value, connection.vendor)
    if kind is models.DateTimeField:
        # With USE_TZ it is read in the time zone of the connection, without in none.
        return bool(value.tzinfo is connection.timezone)
    return kind is not models.TimeField or value.tzinfo is None


def is_exact(field: Any, value: Decimal, vendor: str) -> bool:
    """Whether a decimal is written and read digit by digit."""
    _, digits, exponent = value.as_tuple()
    if exponent != -field.decimal_places:
        return False
    return vendor != "sqlite" or len(digits) <= MAX_EXACT_DIGITS


def key_read(model: type[Model], pk: Any) -> Any:
    """
    A key as it is read from the database: text that was saved as a number, or a UUID, is one.

    Raises:
        ValidationError, ValueError: for a key that none of this model can be.
    """
    if type(pk) is int:
        return pk
    if isinstance(pk, list | tuple):
        parts = zip(model._meta.pk_fields, pk, strict=True)
        return tuple(field.to_python(part) for field, part in parts)
    return model._meta.pk.to_python(pk)


def read(model: type[M], pks: Iterable[Any], using: str) -> dict[Any, M]:
    """The rows with these keys that there are now, by key; one query for many."""
    wanted = list(pks)
    found: dict[Any, M] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = model._base_manager.using(using).filter(pk__in=wanted[start : start + CHUNK])
        found.update((row.pk, row) for row in rows)
    return found


def as_deleted(model: type[Model], pk: Any, using: str, instance: Model) -> Model:
    """A row that was deleted, with the key it had; the instance itself is as Django left it."""
    row = copied(instance, model, using)
    # What was related may be gone as well, so what is known of it has to do.
    row._state.fields_cache = dict(instance._state.fields_cache)
    row.pk = pk
    return row
