"""
django-filter's filtersets as inputs: ``CardFilter``, one field for each entry of the query.

Imported only where a consumer has django-filter's backend, so that it stays an
optional dependency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import django_filters as df
from django.db import models
from rest_framework import serializers

from dcrf_graph.graphql.definitions import FieldDefinition, TypeDefinition
from dcrf_graph.graphql.enums import text_of
from dcrf_graph.graphql.fields import Site, choice, column_type
from dcrf_graph.graphql.naming import camel, checked, pascal
from dcrf_graph.graphql.sources import Source
from dcrf_graph.graphql.types import RENAME, Types, cleaned

REMEDY = "Rename the filter, or leave it out of the filterset."
COMMAS = (df.BaseCSVFilter,)
LISTS = (df.MultipleChoiceFilter, df.ModelMultipleChoiceFilter)
DATE_RANGES = (
    df.DateFromToRangeFilter,
    df.DateTimeFromToRangeFilter,
    df.IsoDateTimeFromToRangeFilter,
)
FILTER_TYPES: tuple[tuple[tuple[type, ...], str], ...] = (
    ((df.ModelChoiceFilter, df.ModelMultipleChoiceFilter), "ID"),
    ((df.BooleanFilter,), "Boolean"),
    ((df.UUIDFilter,), "UUID"),
    ((df.DurationFilter,), "Duration"),
    ((df.DateTimeFromToRangeFilter, df.IsoDateTimeFromToRangeFilter), "DateTime"),
    ((df.DateTimeFilter,), "DateTime"),
    ((df.DateFromToRangeFilter, df.DateFilter), "Date"),
    ((df.TimeRangeFilter, df.TimeFilter), "Time"),
)
"""Filter classes and the type of one value; the first line that fits decides."""


@dataclass(frozen=True)
class FilterInput:
    """The name of a filter input, and its entries that are lists joined by commas."""

    name: str
    commas: frozenset[str]


def filter_input(
    types: Types, consumer: Any, backend: Any, singular: str, breadcrumb: str
) -> FilterInput | None:
    """The input of a consumer's filterset; None when it has none."""
    queryset = getattr(consumer, "queryset", None)
    if queryset is None and getattr(consumer, "filterset_class", None) is None:
        return None
    filterset = backend().get_filterset_class(consumer, queryset)
    if filterset is None or not filterset.base_filters:
        return None
    name = f"{pascal(singular)}Filter"
    described = f"the filters of {consumer.__module__}.{consumer.__qualname__}"
    commas: set[str] = set()
    fields: dict[str, FieldDefinition] = {}
    for key, item in filterset.base_filters.items():
        place = f"{breadcrumb} > {filterset.__name__} > {key}"
        column = column_of(filterset, item)
        site = Site(types, name, key, "input", place, Source(column=column))
        for suffix, text in entries_of(item, site):
            entry = f"{key}_{suffix}" if suffix else key
            field = checked(camel(entry), place, REMEDY)
            described = ""
            if isinstance(item, COMMAS):
                commas.add(entry)
            else:
                described = cleaned(text_of(item.extra.get("help_text")))
            fields[field] = FieldDefinition(field, text, entry, described)
    if types.definitions.reserve(name, (consumer, "filter"), described, RENAME):
        what = "All that is given must hold."
        types.definitions.add(TypeDefinition("input", name, tuple(fields.values()), what))
    return FilterInput(name, frozenset(commas))


def entries_of(item: Any, site: Site) -> Iterator[tuple[str, str]]:
    """The entries of the query that one filter reads: a suffix and a type for each."""
    one = value_type(item, site)
    if isinstance(item, COMMAS + LISTS):
        yield "", f"[{one}!]"
    elif isinstance(item, DATE_RANGES):
        yield "after", one
        yield "before", one
    elif isinstance(item, df.RangeFilter | df.TimeRangeFilter):
        yield "min", one
        yield "max", one
    else:
        yield "", one


def value_type(item: Any, site: Site) -> str:
    """The type of one value of a filter: by its class, for numbers by the column."""
    for classes, text in FILTER_TYPES:
        if isinstance(item, classes):
            return text
    if isinstance(item, df.ChoiceFilter | df.MultipleChoiceFilter):
        choices = item.extra.get("choices")
        if choices is None or callable(choices):
            return "String"
        return choice(serializers.ChoiceField(choices=choices), site)
    column = site.source.column
    if isinstance(item, COMMAS) and column is not None and column.choices:
        return column_type(column, site)
    if isinstance(item, df.NumberFilter | df.RangeFilter):
        return "Decimal" if column is None else column_type(column, site)
    return "String"


def column_of(filterset: Any, item: Any) -> models.Field[Any, Any] | None:
    """The model field that a filter compares with, followed through relations."""
    model = getattr(filterset._meta, "model", None)
    column: Any = None
    for part in str(item.field_name).split("__"):
        names = {} if model is None else {field.name: field for field in model._meta.get_fields()}
        if part not in names:
            return None
        column = names[part]
        model = getattr(column, "related_model", None)
    return column if isinstance(column, models.Field) else None
