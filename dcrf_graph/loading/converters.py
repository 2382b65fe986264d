"""
How the value of a column becomes what DRF's own fields write of it.

A field that the application has changed, or that looks at the request, has no
converter here. The shortcuts are for columns whose Python type is known; any
other value goes through the field itself.

Source: the ``to_representation`` of the fields in ``rest_framework.fields``.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from django.conf import settings
from django.db import models
from django.utils import timezone
from rest_framework import ISO_8601, relations, serializers
from rest_framework.settings import api_settings

Converter: TypeAlias = Callable[[Any], Any]

BigInteger: Any = getattr(serializers, "BigIntegerField", None)
"""From DRF 3.17 on large integers have a class of their own, which may write texts."""

CONTEXT_FREE: frozenset[Any] = frozenset(
    field.to_representation
    for field in (
        *([BigInteger] if BigInteger else []),
        serializers.BooleanField,
        serializers.CharField,
        serializers.ChoiceField,
        serializers.DateField,
        serializers.DateTimeField,
        serializers.DecimalField,
        serializers.DurationField,
        serializers.FloatField,
        serializers.IntegerField,
        serializers.JSONField,
        serializers.MultipleChoiceField,
        serializers.ReadOnlyField,
        serializers.TimeField,
        serializers.UUIDField,
    )
)
"""What reads nothing but the value and what the field was made with."""

TEXTS = (models.CharField, models.TextField, models.SlugField, models.EmailField, models.URLField)
INTEGERS = (
    models.AutoField,
    models.BigAutoField,
    models.BigIntegerField,
    models.IntegerField,
    models.PositiveBigIntegerField,
    models.PositiveIntegerField,
    models.PositiveSmallIntegerField,
    models.SmallAutoField,
    models.SmallIntegerField,
)
AS_THEY_ARE: Mapping[Any, tuple[type[models.Field[Any, Any]], ...]] = {
    serializers.CharField.to_representation: TEXTS,
    serializers.IntegerField.to_representation: INTEGERS,
    serializers.BooleanField.to_representation: (models.BooleanField,),
    serializers.FloatField.to_representation: (models.FloatField,),
    serializers.ReadOnlyField.to_representation: (*TEXTS, *INTEGERS, models.BooleanField),
}
"""Which columns already hold what a field writes."""
READ_AS: Mapping[Any, type] = {
    serializers.CharField.to_representation: str,
    serializers.IntegerField.to_representation: int,
    serializers.BooleanField.to_representation: bool,
    serializers.FloatField.to_representation: float,
    serializers.DateField.to_representation: datetime.date,
    serializers.TimeField.to_representation: datetime.time,
    serializers.DateTimeField.to_representation: datetime.datetime,
}
"""What a column has to hold where a field does not write it itself; in memory it may differ."""


ALWAYS_JSON: frozenset[Any] = frozenset(
    field.to_representation
    for field in (
        *([BigInteger] if BigInteger else []),
        serializers.BooleanField,
        serializers.CharField,
        serializers.DurationField,
        serializers.IntegerField,
        serializers.UUIDField,
    )
)
"""What gives texts, integers and truths, whatever it is given."""


def has_converter(field: Any) -> bool:
    """Whether a field writes what its value alone says."""
    return type(field).to_representation in CONTEXT_FREE


def shortcut(field: Any, convert: Converter | None) -> type | None:
    """The type of values for which this converter stands in for the field; None: it is its own."""
    if convert is None or convert in ISO_FORMATS:
        return READ_AS.get(drfs_method(field))
    return None


def drfs_method(field: Any) -> Any:
    method = type(field).to_representation
    if BigInteger and method is BigInteger.to_representation and not writes_texts(field):
        method = serializers.IntegerField.to_representation
    return method


def converter(field: Any, column: Any) -> Converter | None:
    """What makes the written value of the read one, which is not None; None: it is the same.

    Args:
        field: one that ``has_converter``.
        column: the model's field, or None where the value comes from elsewhere.
    """
    if type(column) in AS_THEY_ARE.get(drfs_method(field), ()):
        return None
    if iso := isoformat_of(field, column):
        return iso
    written: Converter = field.to_representation
    return quantized(field, written) if is_exact(field, column) else written


def key_converter(field: relations.PrimaryKeyRelatedField[Any]) -> Converter | None:
    """What makes the written value of a foreign key's column."""
    return None if field.pk_field is None else field.pk_field.to_representation


def isoformat_of(field: Any, column: Any) -> Converter | None:
    """What writes a date, or a time in no zone, as ISO 8601; None for other fields and formats."""
    kinds = (type(field), type(column))
    if kinds == (serializers.DateField, models.DateField):
        usual: Any = api_settings.DATE_FORMAT
        iso: Converter = datetime.date.isoformat
    elif kinds == (serializers.TimeField, models.TimeField):
        usual, iso = api_settings.TIME_FORMAT, datetime.time.isoformat
    elif kinds == (serializers.DateTimeField, models.DateTimeField) and not settings.USE_TZ:
        usual, iso = api_settings.DATETIME_FORMAT, naive_moment
    else:
        return None
    form = getattr(field, "format", usual)
    return iso if isinstance(form, str) and form.lower() == ISO_8601 else None


def writes_json(field: Any, convert: Converter | None) -> bool:
    """Whether what a field writes is a JSON value; None: it is a text, a number or a truth."""
    if convert in ISO_FORMATS:
        return True
    if convert is None:
        # NaN is a float, and no JSON.
        return type(field).to_representation is not serializers.FloatField.to_representation
    match type(field).to_representation:
        case serializers.DecimalField.to_representation:
            by_settings = api_settings.COERCE_DECIMAL_TO_STRING
            return bool(getattr(field, "coerce_to_string", by_settings)) and not field.localize
        case serializers.ChoiceField.to_representation:
            return all(type(choice) in (str, int) for choice in field.choices)
        case method:
            return method in ALWAYS_JSON


def is_exact(field: Any, column: Any) -> bool:
    """Whether a decimal field writes texts with as many places as its column has."""
    return (
        type(field) is serializers.DecimalField
        and type(column) is models.DecimalField
        and field.decimal_places == column.decimal_places
        and bool(field.decimal_places)
        and field.max_digits is not None
        and field.max_digits >= column.max_digits
        and not (field.localize or field.normalize_output)
        and bool(getattr(field, "coerce_to_string", api_settings.COERCE_DECIMAL_TO_STRING))
    )


def quantized(field: Any, written: Converter) -> Converter:
    """Spares a decimal that has its places already from being quantized again."""
    point = -field.decimal_places - 1

    def convert(value: Any) -> Any:
        text = f"{value:f}" if isinstance(value, decimal.Decimal) else ""
        fits = text[point : point + 1] == "." and len(text) <= field.max_digits
        return text if fits else written(value)

    return convert


def writes_texts(field: Any) -> bool:
    """Whether a field of large integers writes them as texts."""
    by_settings: bool = api_settings.COERCE_BIGINT_TO_STRING
    return bool(getattr(field, "coerce_to_string", by_settings))


def is_moment(field: Any, column: Any) -> bool:
    """Whether a field writes ISO 8601 in the current time zone, as ``moment`` does."""
    form = getattr(field, "format", api_settings.DATETIME_FORMAT)
    return (
        bool(settings.USE_TZ)
        and type(field) is serializers.DateTimeField
        and type(column) is models.DateTimeField
        and isinstance(form, str)
        and form.lower() == ISO_8601
        and not hasattr(field, "timezone")
    )


def zone_of_moments() -> datetime.tzinfo:
    """The current time zone; UTC as the database has it, so that nothing is converted."""
    zone = timezone.get_current_timezone()
    return datetime.UTC if getattr(zone, "key", None) == "UTC" else zone


def moment(value: datetime.datetime, zone: datetime.tzinfo) -> str:
    """An aware moment in a time zone, as DRF writes it.

    The zone is found once for all rows: Django looks for it longer than this takes.

    Raises:
        ValueError: if it is in no zone.
    """
    if value.tzinfo is None:
        raise ValueError("this moment is in no time zone")
    text = (value if value.tzinfo is zone else value.astimezone(zone)).isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def naive_moment(value: datetime.datetime) -> str:
    """A moment in no time zone, as DRF writes it where ``USE_TZ`` is off.

    Raises:
        ValueError: if it is in one.
    """
    if value.tzinfo is not None:
        raise ValueError("this moment is in a time zone")
    return value.isoformat()


ISO_FORMATS = (datetime.date.isoformat, datetime.time.isoformat, naive_moment)
