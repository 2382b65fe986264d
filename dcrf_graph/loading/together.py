"""
Rows that several calls of one operation are about to find, found by one query.

An operation that makes a call for each of many objects (the links of a list, the
references of a gateway) says beforehand which keys it will ask for. Each call still
asks its own permissions, its own queryset and its own object permission; only where
that queryset is the same for all of them, and the row is found by a unique column,
the first who looks loads the rows of the others, and their relations, with its own.
Anything else is found as ever. Knows Django; knows no consumer and no GraphQL.

Source: docs/decisions/0031-calls-that-find-their-rows-together.md
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist, ValidationError
from django.db import DataError
from django.db.models import Field, Model, QuerySet
from django.db.models.query import ModelIterable

AT_ONCE = 500
"""Rows that one query finds; a database takes only so many parameters."""


class Together:
    """The calls that look for rows of one stream within one operation.

    Used by several threads: each call has its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: list[Any] = []
        self._found: dict[Any, Model] = {}
        self._query: object = None
        self._groups: dict[int, tuple[list[Model], threading.RLock]] = {}

    def want(self, key: Any) -> None:
        """Say that a call will look for this key."""
        with self._lock:
            self._wanted.append(key)

    def row(self, queryset: Any, name: str, key: Any) -> Model | None:
        """The row of a key, loaded with those of the other calls; None to look for it alone.

        Args:
            name: of the field that finds it.
        """
        column = unique_column(queryset, name)
        value = None if column is None else understood(column, key)
        if column is None or value is None:
            return None
        with self._lock:
            query = identity(queryset)
            if self._query is None:
                self._query = query
            if query is None or query != self._query:
                return None
            if self._wanted:
                self._load(queryset, column)
            return self._found.pop(value, None)

    def _load(self, queryset: QuerySet[Any], column: Field[Any, Any]) -> None:
        keys = {understood(column, key): None for key in self._wanted}
        keys.pop(None, None)
        self._wanted.clear()
        values = [key for key in keys if key not in self._found]
        for start in range(0, len(values), AT_ONCE):
            some = values[start : start + AT_ONCE]
            rows: dict[Any, list[Model]] = {}
            try:
                loaded = list(queryset.filter(**{f"{column.name}__in": some}))
            except (OverflowError, ValueError, DataError):
                continue  # no database has such a key: whoever looks alone is told so
            for row in loaded:
                rows.setdefault(getattr(row, column.attname), []).append(row)
            # A row that comes twice, by a join, is for whoever looks alone to wonder about.
            found = {value: same[0] for value, same in rows.items() if len(same) == 1}
            group = (list(found.values()), threading.RLock())
            # By identity: the group keeps its rows, and rows are compared by their keys.
            self._groups |= {id(row): group for row in found.values()}
            self._found |= found

    @contextmanager
    def group(self, row: Model) -> Iterator[list[Model]]:
        """The rows that were loaded with one, for as long as nobody else loads onto them."""
        rows, lock = self._groups.get(id(row), ([row], None))
        if lock is None:
            yield rows
            return
        with lock:
            yield rows


def unique_column(queryset: Any, name: str) -> Field[Any, Any] | None:
    """The column that finds one row, if the query can be asked for several of them."""
    if not isinstance(queryset, QuerySet) or queryset._iterable_class is not ModelIterable:
        return None
    query = queryset.query
    if query.is_sliced or query.combinator or query.select_for_update:
        return None
    try:
        meta = queryset.model._meta
        found: Any = meta.pk if name == "pk" else meta.get_field(name)
    except FieldDoesNotExist:
        return None
    plain = isinstance(found, Field) and found.unique and not found.is_relation
    return found if plain else None


def understood(column: Field[Any, Any], key: Any) -> Any:
    """A key from a client as the column's value; None where it is none."""
    try:
        return column.to_python(key)
    except (TypeError, ValueError, ValidationError):
        return None


def identity(queryset: QuerySet[Any]) -> object:
    """What two querysets have in common that find the same rows, and load the same with them."""
    try:
        statement = queryset.query.sql_with_params()
    except EmptyResultSet:
        return None
    lookups: Any = getattr(queryset, "_prefetch_related_lookups", ())
    loads = [str(getattr(each, "prefetch_to", each)) for each in lookups]
    return (queryset.db, statement, loads)


# -- in a call -----------------------------------------------------------------------------------

looking: ContextVar[Together | None] = ContextVar("dcrf_graph.looking", default=None)


@contextmanager
def looking_together(together: Together) -> Iterator[None]:
    """Let the call that is made inside look for its row together with others."""
    token = looking.set(together)
    try:
        yield
    finally:
        looking.reset(token)


def found_together(queryset: Any, name: str, key: Any) -> Model | None:
    """The row that the current call looks for, if it looks together with others."""
    together = looking.get()
    return None if together is None else together.row(queryset, name, key)


@contextmanager
def neighbours(row: Model) -> Iterator[list[Model]]:
    """The rows that were found together with one in the current call: what is loaded onto one is
    loaded onto all. Nobody else does so meanwhile.
    """
    together = looking.get()
    if together is None:
        yield [row]
        return
    with together.group(row) as rows:
        yield rows
