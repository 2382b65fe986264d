"""
A serializer that loads what it is about to read, and writes only what was selected.

The rows are looked at when they are written, not before: what an application
does with them meanwhile is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from django.db.models import Manager, Model, QuerySet
from rest_framework import serializers

from dcrf_graph.loading.needs import is_plain, needs_of
from dcrf_graph.loading.rows import load, may_be_narrowed, narrowed
from dcrf_graph.loading.together import neighbours

Selection: TypeAlias = Mapping[str, "Selection | None"]
"""The keys of an object that somebody asked for, and of the objects inside; None: all of it."""


def loading(serializer: Any) -> Any:
    """Let a serializer load what it reads, when it reads it; gives the same serializer back."""
    known = isinstance(serializer, serializers.Serializer | serializers.ListSerializer)
    if known and not (
        isinstance(serializer, serializers.ListSerializer)
        and not is_plain(serializer, "to_representation")
    ):
        write = serializer.to_representation
        serializer.to_representation = lambda value: write(loaded(serializer, value))
    return serializer


def loaded(serializer: Any, value: Any) -> Any:
    """What a serializer was given to write, with what it reads of it loaded."""
    if not isinstance(serializer, serializers.ListSerializer):
        load_alike(serializer, [value])
        return value
    if not isinstance(serializer.child, serializers.Serializer):
        return value
    if isinstance(value, Manager):
        value = value.all()
    if isinstance(value, QuerySet):
        value = narrowed_for(serializer, value)
    rows = list(value)
    load_alike(serializer.child, rows)
    return rows


def narrowed_for(
    serializer: Any, queryset: Any, selection: Selection | None = None, *, columns: bool = True
) -> Any:
    """The rows of a query, as a list serializer reads them; see ``rows.narrowed``."""
    child = getattr(serializer, "child", None)
    readable = is_plain(serializer, "to_representation")
    if not readable or not isinstance(child, serializers.Serializer):
        return queryset
    if not may_be_narrowed(queryset):
        return queryset
    given = frozenset(queryset.query.annotations)
    left_out = () if selection is None else unselected(serializer, selection)
    with hidden(list(left_out)):
        needs = needs_of(child, queryset.model, given)
    return narrowed(queryset, needs, columns=columns)


def load_alike(serializer: Any, rows: list[Any]) -> None:
    """Load what is read of rows that may be of several classes, or no rows at all."""
    alike: dict[type[Model], list[Model]] = {}
    for row in rows:
        if isinstance(row, Model) and row.pk is not None and not row._state.adding:
            alike.setdefault(type(row), []).append(row)
    for model, of_model in alike.items():
        needs = needs_of(serializer, model)
        if len(of_model) > 1:
            load(of_model, needs)
        else:
            with neighbours(of_model[0]) as found:
                load(found, needs)


# -- what was selected ----------------------------------------------------------------------------


def represented(serializer: Any, selection: Selection | None) -> Any:
    """The data of a serializer, without the fields that nobody selected.

    A serializer with a ``to_representation`` or ``data`` of its own writes everything, and so
    does one that has written already.
    """
    if selection is None or not is_plain_data(serializer):
        return serializer.data
    with hidden(list(unselected(serializer, selection))):
        return serializer.data


def is_plain_data(serializer: Any) -> bool:
    of_drf = (
        serializers.BaseSerializer.data,
        serializers.Serializer.data,
        serializers.ListSerializer.data,
    )
    return getattr(type(serializer), "data", None) in of_drf


def unselected(serializer: Any, selection: Selection) -> Iterator[Any]:
    """The fields of a serializer, and of those in it, that nobody selected."""
    if not is_plain(serializer, "to_representation"):
        return
    if isinstance(serializer, serializers.ListSerializer):
        if isinstance(serializer.child, serializers.Serializer):
            yield from unselected(serializer.child, selection)
        return
    for key, each in serializer.fields.items():
        if each.write_only:
            continue
        if key not in selection:
            yield each
            continue
        inside = selection[key]
        if inside is not None and isinstance(
            each, serializers.Serializer | serializers.ListSerializer
        ):
            yield from unselected(each, inside)


@contextmanager
def hidden(fields: list[Any]) -> Iterator[None]:
    """Let fields be there for whoever asks for them, and not be written."""
    for each in fields:
        each.write_only = True
    try:
        yield
    finally:
        for each in fields:
            each.write_only = False
