"""
Loads what is needed of rows: with the rows where it is the same, else after them.

A query is joined and narrowed only where the order of its rows is settled, and
where the application has not said itself what to load: another plan of the
database may give another order. Everything else is loaded once the rows are
there, one query for each relation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from inspect import unwrap
from typing import Any

from django.db import connections, router
from django.db.models import Field, ForeignKey, Model, QuerySet, prefetch_related_objects
from django.db.models.expressions import F, OrderBy
from django.db.models.query import ModelIterable

from dcrf_graph.loading.needs import Needs, accessors

BATCH = 2_000
"""Rows whose relations one query loads; a database takes only so many parameters."""


def load(rows: Sequence[Model], needs: Needs) -> None:
    """Load the relations that are needed of saved rows of one class, where they are not yet."""
    for batch in batches(rows):
        for name, target in needs.one.items():
            relation = relation_of(needs.model, name)
            # What the application has loaded is as it wants it: filtered, or set to nothing.
            lacking = [row for row in batch if not relation.is_cached(row)]
            prefetch_related_objects(batch, name)
            leave_gone(lacking, relation)
            load(found_one(batch, relation), target)
        for name, target in needs.many.items():
            prefetch_related_objects(batch, name)
            load(list(found_many(batch, name)), target)


def batches(rows: Sequence[Model]) -> Iterator[list[Model]]:
    if rows:
        features = connections[rows[0]._state.db or "default"].features
        size = min(BATCH, features.max_query_params or BATCH)
        for start in range(0, len(rows), size):
            yield list(rows[start : start + size])


def relation_of(model: type[Model], name: str) -> Any:
    """The relation of an attribute that leads to one row."""
    return accessors(model).get(name) or model._meta.get_field(name)


def leave_gone(rows: Iterable[Model], relation: Any) -> None:
    """Forget of rows just loaded those that are gone: who asks for one is told, as always."""
    for row in rows:
        is_gone = relation.concrete and relation.get_cached_value(row, default=row) is None
        if is_gone and is_set(row, relation.attname):
            relation.delete_cached_value(row)


def found_one(rows: Iterable[Model], relation: Any) -> list[Model]:
    """The rows that a relation leads to."""
    found = (relation.get_cached_value(row, default=None) for row in rows)
    return [row for row in found if row is not None]


def is_set(row: Model, name: str) -> bool:
    return row.__dict__.get(name) is not None


def found_many(rows: Iterable[Model], name: str) -> Iterator[Model]:
    """The rows that a manager has ready."""
    for row in rows:
        found = getattr(row, name).all()
        if found._result_cache is not None:
            yield from found


# -- with the rows ------------------------------------------------------------------------------


def narrowed(queryset: QuerySet[Any], needs: Needs, *, columns: bool = True) -> QuerySet[Any]:
    """The same rows with their single relations joined, and without columns nobody reads.

    ``columns`` says whether columns may be left out.
    """
    if not may_be_narrowed(queryset):
        return queryset
    lookups = prefetched(queryset)
    own = lookups or queryset.query.select_related
    # What is joined is not prefetched any more: it may be with a query of the application's own.
    paths = [
        path
        for path in ([] if router.routers else joined(needs))
        if not any(f"{path}__".startswith(f"{lookup}__") for lookup in lookups)
    ]
    if paths:
        queryset = queryset.select_related(*paths)
    if columns and not own and may_be_deferred(queryset.model):
        names = list(columns_of(needs, frozenset(paths)))
        if names and leaves_something_out(queryset.model, names):
            queryset = queryset.only(*names)
    return queryset


def prefetched(queryset: Any) -> list[str]:
    """The relations that a query says itself to load after its rows."""
    lookups: Any = queryset._prefetch_related_lookups
    return [str(getattr(lookup, "prefetch_through", lookup)) for lookup in lookups]


def may_be_narrowed(queryset: Any) -> bool:
    """Whether a query has not run, and will give whole rows in an order that is settled."""
    if not isinstance(queryset, QuerySet):
        return False
    query = queryset.query
    return (
        queryset._result_cache is None
        and queryset._iterable_class is ModelIterable
        and not query.combinator
        and not query.distinct
        and query.group_by is None
        and not query.select_for_update
        and query.select_related is not True
        and query.deferred_loading == (frozenset(), True)
        and has_settled_order(queryset)
    )


def has_settled_order(queryset: QuerySet[Any]) -> bool:
    """Whether the query itself says in which order each of its rows comes."""
    query = queryset.query
    if query.extra_order_by:
        return False
    default = queryset.model._meta.ordering if query.default_ordering else ()
    return any(is_unique(queryset.model, term) for term in query.order_by or default)


def is_unique(model: type[Model], term: Any) -> bool:
    """Whether no two rows are alike in what a term of an ordering reads."""
    if isinstance(term, OrderBy):
        term = term.expression
    name = getattr(term, "name", None) if isinstance(term, F) else term
    if not isinstance(name, str):
        return False
    name = name.removeprefix("-")
    if name in ("pk", model._meta.pk.name):
        return True
    columns = (column for column in model._meta.concrete_fields if column.name == name)
    return any(column.unique and not column.null and not column.is_relation for column in columns)


def joined(needs: Needs, before: str = "") -> Iterator[str]:
    """The foreign keys that can be joined, as ``select_related`` takes them."""
    for name, target in needs.one.items():
        if name not in accessors(needs.model):
            yield before + name
            yield from joined(target, f"{before}{name}__")


def may_be_deferred(model: type[Model]) -> bool:
    """Whether making an instance reads nothing but what it is given."""
    # Observers keep what rows are loaded with, by a wrapper that changes nothing.
    made_by = unwrap(model.from_db.__func__) is Model.from_db.__func__  # type: ignore[attr-defined]
    return not model._meta.parents and model.__init__ is Model.__init__ and made_by


def columns_of(needs: Needs, paths: frozenset[str], before: str = "") -> Iterator[str]:
    """The columns that are read, as ``only`` takes them; none where any might be."""
    if needs.columns is None:
        return
    yield before + needs.model._meta.pk.name
    for name in needs.columns:
        if before + name not in paths:
            yield before + name
    for name, target in needs.one.items():
        if before + name in paths:
            whole = target.columns is None or not may_be_deferred(target.model)
            inside = () if whole else columns_of(target, paths, f"{before}{name}__")
            yield from list(inside) or [before + name]
    for name in (*needs.one, *needs.many):
        relation = accessors(needs.model).get(name)
        if relation is not None and isinstance(relation.field, ForeignKey):
            yield before + relation.field.target_field.name


def leaves_something_out(model: type[Model], names: Iterable[str]) -> bool:
    """Whether these names are fewer than the columns of the rows and of those joined."""
    given = set(names)
    if any("__" in name for name in given):
        return True
    own: Iterable[Field[Any, Any]] = model._meta.concrete_fields
    return any(column.name not in given for column in own if not column.primary_key)
