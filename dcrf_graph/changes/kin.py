"""
Which models share a table, and so hear each other's changes.

A row is a row of every proxy of its table. With multi-table inheritance the row
of a child is a row of its parents too, and what is written into a parent's
table changes the child. Django sends one signal for each, from the model of the
instance that was saved.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Model

from dcrf_graph.changes.rows import CHUNK


def tables_of(model: type[Model]) -> set[Any]:
    """The concrete models in whose tables a row of this one is kept."""
    return {each._meta.concrete_model for each in (model, *model._meta.get_parent_list())}


def is_row_of(model: type[Model], other: type[Model]) -> bool:
    """Whether each instance of ``model`` is a row of ``other``: a proxy, or a child, of it."""
    return other._meta.concrete_model in tables_of(model)


def same_table(model: type[Model], other: type[Model]) -> bool:
    """Whether one is a proxy of the other, or both of a third, or they are one."""
    return model._meta.concrete_model is other._meta.concrete_model


def kin_of(model: type[Model]) -> list[type[Model]]:
    """Every model known so far that keeps something in a table of this one; itself first."""
    tables = tables_of(model)
    models = model._meta.apps.all_models.values()
    known = [each for app in models for each in app.values() if each is not model]
    return [model, *(each for each in known if tables & tables_of(each))]


def shared_parent(model: type[Model], other: type[Model]) -> type[Model]:
    """The nearest parent of ``model`` in whose table a row of ``other`` is kept as well."""
    tables = tables_of(other)
    lineage: list[Any] = [model, *model._meta.get_parent_list()]
    concrete: list[type[Model]] = [each._meta.concrete_model for each in lineage]
    return next(each for each in concrete if each in tables)


def keyed_alike(model: type[Model], parent: type[Model]) -> bool:
    """Whether a row has the same key as a row of ``model`` and as one of a parent of that."""
    concrete: Any = parent._meta.concrete_model
    return all(step.join_field.primary_key for step in model._meta.get_path_to_parent(concrete))


def keys_in(
    model: type[Model], other: type[Model], pks: Collection[Any], using: str
) -> Collection[Any]:
    """
    The keys that rows of ``model`` have which are, or are parts of, these rows of ``other``.

    It costs a query where they are not the same: a child with several parents has the key of
    the first of them, and not every row of a parent is one of the child.
    """
    if not pks or same_table(model, other):
        return pks
    if is_row_of(other, model):
        if keyed_alike(other, model):
            return pks
        rows, key, wanted = other._base_manager, "pk", model._meta.pk.attname
    else:
        parent = shared_parent(model, other)
        pks = keys_in(parent, other, pks, using)
        rows, key, wanted = model._base_manager, parent._meta.pk.attname, "pk"
    asked, found = list(pks), list[Any]()
    for start in range(0, len(asked), CHUNK):
        its = rows.using(using).filter(**{f"{key}__in": asked[start : start + CHUNK]})
        found.extend(its.values_list(wanted, flat=True))
    return found
