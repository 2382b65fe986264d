"""
Keeps what the instances of observed models are loaded with, almost for nothing.

The values of many rows lie in one list, and an instance refers to the list that
its own are in. One container more per row would be simpler, and dearer than the
rest of it: Python's collector would run more often, through everything there is.

Source: docs/decisions/0018-loaded-values-in-batches.md
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import update_wrapper
from typing import Any

import django
from django.db import connections
from django.db.models import Model

ATTRIBUTE = "_dcrf_graph_loaded"
"""Where an instance has what it was loaded with: a ``Batch``, or values by column."""
KEEPS = "_dcrf_graph_keeps"
"""Marks the methods that keep what they load."""
MAX_BATCH = 1_000
"""Values in a list; an instance that outlives the others keeps that many alive."""


class Unsettled:
    """
    What was read in a transaction that has written already; it is so unless that is rolled back.

    Django drops the callbacks of what is rolled back, and this is one of them.
    """

    __slots__ = ("_connection", "_is_committed")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._is_committed = False
        connection.on_commit(self)

    def __call__(self) -> None:
        self._is_committed, self._connection = True, None

    @property
    def holds(self) -> bool:
        """Whether it has been committed, or may yet be."""
        connection = self._connection
        return self._is_committed or any(
            function is self for _, function, *_ in reversed(connection.run_on_commit)
        )


def read_now(using: str) -> Unsettled | None:
    """What is read now on an alias: None where it is committed, as far as we have written."""
    connection = connections[using]
    savepoints: set[str] | None = None
    for ids, function, *_ in reversed(connection.run_on_commit):
        if isinstance(function, Unsettled):
            if savepoints is None:
                savepoints = set(connection.savepoint_ids)
            if ids == savepoints:
                return function  # nothing of ours was written since
        elif hasattr(function, "journal"):
            return Unsettled(connection)
    return None


class Reread(dict[str, Any]):
    """Values that an instance has read again, by column. It belongs to this process."""

    __slots__ = ("unsettled",)

    def __init__(self, values: Mapping[str, Any], unsettled: Unsettled | None) -> None:
        super().__init__(values)
        self.unsettled = unsettled

    def __reduce__(self) -> Any:
        return Batch, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Reread:
        return self


class Batch(list[Any]):
    """The values of rows that were loaded one after the other, with the same columns.

    It belongs to this process: a pickled instance does not take it along, and a
    deep copy refers to the same.
    """

    __slots__ = ("names", "unsettled", "whole", "width")

    def __init__(self) -> None:
        super().__init__()
        self.names: Collection[str] | None = None
        self.width = 0
        self.whole: Any = None
        self.unsettled: Unsettled | None = None

    def __reduce__(self) -> Any:
        return Batch, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Batch:
        return self

    def of(self, model: type[Model], pk: Any) -> dict[str, Any] | None:
        """
        The values of a row, by column; None if it is not in here.

        None, too, if it was loaded twice and had changed between: which of the two
        an instance had, nobody knows.
        """
        if self.names is None:
            return None
        columns = [field.attname for field in model._meta.concrete_fields]
        if self.width != len(columns):
            # Values come in the order of the fields, whatever the order of the names.
            columns = [name for name in columns if name in self.names]
        key = [field.attname for field in model._meta.pk_fields]
        wanted = pk if isinstance(pk, tuple) else (pk,)
        if self.width != len(columns) or not set(key) <= set(columns):
            return None
        found: list[Any] = []
        places = [columns.index(name) for name in key]
        for start in range(0, len(self), self.width):
            if all(self[start + at] == part for at, part in zip(places, wanted, strict=True)):
                row = self[start : start + self.width]
                if found and row != found:
                    return None
                found = row
        return dict(zip(columns, found, strict=True)) if found else None


def keep_loads(model: type[Model], refreshed: Callable[[Model, Any], None]) -> None:
    """Let the instances of a model keep what they are loaded with, from now on.

    The model's own ``from_db`` and ``refresh_from_db`` go on being called.

    Args:
        refreshed: told of an instance, and of the columns that were read again.
    """
    # A subclass inherits what its parent has been given, unless it overrides it.
    if not hasattr(model.from_db, KEEPS):
        wrap_from_db(model)
        # Instances share the layout that the first ones have: this attribute is to be in it.
        setattr(model.__new__(model), ATTRIBUTE, None)
    if not hasattr(model.refresh_from_db, KEEPS):
        wrap_refresh_from_db(model, refreshed)


def wrap_from_db(model: Any) -> None:
    """Have every loaded instance refer to its values. This runs once per row."""
    own = model.from_db.__func__
    plain = own is Model.from_db.__func__  # type: ignore[attr-defined]
    # What is being filled. Rows of one query have the same list of names, and no other query has
    # it: where two threads take turns here, each begins a batch of its own.
    batch = Batch()

    def next_batch(cls: Any, names: Collection[str], values: Collection[Any], using: Any) -> Batch:
        nonlocal batch
        fresh = Batch()
        fresh.names, fresh.width = names, len(values)
        if plain and fresh.width == len(cls._meta.concrete_fields):
            fresh.whole = cls
        fresh.unsettled = read_now(using)
        batch = fresh
        return fresh

    if django.VERSION < (6, 1):

        def from_db(cls: Any, db: Any, field_names: Any, values: Any) -> Any:
            filled = batch
            if filled.names is not field_names or len(filled) > MAX_BATCH:
                filled = next_batch(cls, field_names, values, db)
            if filled.whole is cls:
                # Django's own, as its documentation shows it: a call less for each row.
                instance: Any = cls(*values)
                state = instance._state
                state.adding, state.db = False, db
            else:
                instance = own(cls, db, field_names, values)
            filled += values
            instance._dcrf_graph_loaded = filled
            return instance

    else:

        def from_db(  # type: ignore[misc]
            cls: Any, db: Any, field_names: Any, values: Any, **kwargs: Any
        ) -> Any:
            instance = own(cls, db, field_names, values, **kwargs)
            filled = batch
            if filled.names is not field_names or len(filled) > MAX_BATCH:
                filled = next_batch(cls, field_names, values, db)
            filled += values
            instance._dcrf_graph_loaded = filled
            return instance

    update_wrapper(from_db, own)
    setattr(from_db, KEEPS, True)
    model.from_db = classmethod(from_db)


def wrap_refresh_from_db(model: Any, refreshed: Callable[[Model, Any], None]) -> None:
    """Take note of columns that are read again; Django sends no signal then."""
    own = model.refresh_from_db

    def refresh_from_db(self: Any, using: Any = None, fields: Any = None, **kwargs: Any) -> None:
        names = None if fields is None else list(fields)
        own(self, using=using, fields=names, **kwargs)
        refreshed(self, names)

    update_wrapper(refresh_from_db, own)
    setattr(refresh_from_db, KEEPS, True)
    refresh_from_db.alters_data = True  # type: ignore[attr-defined]
    model.refresh_from_db = refresh_from_db
