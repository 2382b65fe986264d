"""
django-filter's filtersets as inputs: ``CardFilter``, one field for each entry of the query.

Imported only where a consumer has django-filter's backend, so that it stays an
optional dependency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import django_filters as df
from django import forms
from django.db import models
from rest_framework import serializers

from dcrf_graph.configured import Configured, configured
from dcrf_graph.graphql.definitions import (
    EnumDefinition,
    EnumValue,
    FieldDefinition,
    TypeDefinition,
)
from dcrf_graph.graphql.enums import text_of
from dcrf_graph.graphql.fields import Site, choice, column_type
from dcrf_graph.graphql.naming import camel, checked, constant, pascal
from dcrf_graph.graphql.problems import refuse
from dcrf_graph.graphql.sources import Source, model_of
from dcrf_graph.graphql.types import RENAME, Types, cleaned

REMEDY = "Rename the filter, or leave it out of the filterset."
COMMAS = (df.BaseCSVFilter,)
LISTS = (df.MultipleChoiceFilter, df.ModelMultipleChoiceFilter)
DATE_RANGES = (
    df.DateFromToRangeFilter,
    df.DateTimeFromToRangeFilter,
    df.IsoDateTimeFromToRangeFilter,
)
RANGES = (df.RangeFilter, df.TimeRangeFilter, df.NumericRangeFilter)
NUMBERS = (forms.DecimalField, forms.IntegerField)
NUMERIC = (models.IntegerField, models.FloatField, models.DecimalField)
DATE_PARTS = ("year", "iso_year", "quarter", "month", "week", "week_day", "iso_week_day", "day")
PARTS = frozenset((*DATE_PARTS, "hour", "minute", "second"))
"""Lookups that compare with a part of a date or time."""
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
    types: Types, consumer: Any, backend: Any, serializer: Any, singular: str, breadcrumb: str
) -> FilterInput | None:
    """The input of a consumer's filterset; None when it has none.

    Raises:
        DerivationError: where two filters become one field.
    """
    queryset = configured(consumer, "queryset")
    if queryset is None and (model := model_of(serializer)) is not None:
        # get_queryset() gives rows of what the serializer writes.
        queryset = model._default_manager.none()
    if queryset is None and configured(consumer, "filterset_class") is None:
        return None
    filterset = backend().get_filterset_class(Configured(consumer), queryset)
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
            if isinstance(item, COMMAS):
                commas.add(entry)
            if field in fields:
                cause = f"{fields[field].key!r} and {entry!r} both become {field!r} in GraphQL."
                raise refuse("E001", place, cause, REMEDY)
            fields[field] = FieldDefinition(field, text, entry, help_text(item))
    if types.definitions.reserve(name, (consumer, "filter"), described, RENAME):
        what = "All that is given must hold."
        types.definitions.add(TypeDefinition("input", name, tuple(fields.values()), what))
    return FilterInput(name, frozenset(commas))


def help_text(item: Any) -> str:
    """What a filter says of itself; how lists are written is not the client's business."""
    return "" if isinstance(item, COMMAS) else cleaned(text_of(item.extra.get("help_text")))


def entries_of(item: Any, site: Site) -> Iterator[tuple[str, str]]:
    """The entries of the query that one filter reads: a suffix and a type for each."""
    one = value_type(item, site)
    if isinstance(item, COMMAS + LISTS):
        one = f"[{one}!]"
    if isinstance(item, df.LookupChoiceFilter):
        yield "", one
        yield "lookup", lookup_type(item, replace(site, name=f"{site.name}_lookup"))
    elif isinstance(item, DATE_RANGES):
        yield "after", one
        yield "before", one
    elif isinstance(item, RANGES):
        yield "min", one
        yield "max", one
    else:
        yield "", f"{one}!" if item.extra.get("required") else one


def lookup_type(item: Any, site: Site) -> str:
    """An enum of the lookups that a client may choose from, where the filter lists them."""
    if item.lookup_choices is None:
        return "String"
    return choice(serializers.ChoiceField(choices=item.get_lookup_choices()), site)


def value_type(item: Any, site: Site) -> str:
    """The type of one value of a filter: by its class, for numbers by the column."""
    for classes, text in FILTER_TYPES:
        if isinstance(item, classes):
            return text
    if isinstance(item, df.OrderingFilter):
        return sort_enum(item, site)
    if isinstance(item, df.ChoiceFilter | df.MultipleChoiceFilter):
        choices = item.extra.get("choices")
        if choices is None or callable(choices):
            return "String"
        if item.extra.get("null_label") is not None:
            choices = [*choices, (item.null_value, item.extra["null_label"])]
        return choice(serializers.ChoiceField(choices=choices), site)
    column = site.source.column
    if isinstance(item, COMMAS) and column is not None and column.choices:
        return column_type(column, site)
    if isinstance(item, df.NumberFilter | df.RangeFilter | df.NumericRangeFilter):
        return number_type(item, column, site)
    if isinstance(item, df.LookupChoiceFilter) and issubclass(item.field_class, NUMBERS):
        return "Decimal"
    return "String"


def sort_enum(item: Any, site: Site) -> str:
    """``CardFilterSort { TITLE_ASC TITLE_DESC }``, as DRF's ordering has it."""
    definitions = site.types.definitions
    name = site.enum_name
    described = f"the sorting of {site.breadcrumb}"
    if definitions.reserve(name, ("sort", site.breadcrumb), described, RENAME):
        raw = [str(value) for value, _ in item.extra["choices"]]
        values = [
            EnumValue(f"{constant(each.removeprefix('-'))}_{direction(each)}", each) for each in raw
        ]
        definitions.add(EnumDefinition(name, tuple(values)))
    return name


def direction(value: str) -> str:
    return "DESC" if value.startswith("-") else "ASC"


def number_type(item: Any, column: models.Field[Any, Any] | None, site: Site) -> str:
    """The type of a number: the column's, unless it is a part of the column's value."""
    if PARTS & set(str(item.lookup_expr).split("__")):
        return "Int"
    counts = column is not None and (column.is_relation or isinstance(column, NUMERIC))
    return column_type(column, site) if column is not None and counts else "Decimal"


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
