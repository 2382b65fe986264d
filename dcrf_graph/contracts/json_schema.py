"""
What serializers write and read in native JSON, as JSON Schema.

The same serializers, names and sources as in the GraphQL types, but native: keys
as the serializer calls them, keys of rows in the type of their column, choices by
their raw values. Only keywords that draft 7 (AsyncAPI's) and 2020-12 share. Knows
no consumer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from django.conf import settings
from django.db import models
from rest_framework import ISO_8601, fields, relations, serializers
from rest_framework.fields import empty
from rest_framework.settings import api_settings

from dcrf_graph.contracts.keywords import (
    Schema,
    array,
    described,
    given,
    nullable,
    one_of,
)
from dcrf_graph.contracts.spectacular import told_schema
from dcrf_graph.graphql.enums import text_of
from dcrf_graph.graphql.sources import (
    NOTHING,
    UNKNOWN,
    AnyField,
    Source,
    field_for,
    output_is_nullable,
    return_annotation,
    stored,
)
from dcrf_graph.graphql.spectacular import told_field
from dcrf_graph.graphql.types import cleaned

if TYPE_CHECKING:
    from dcrf_graph.contracts.definitions import Schemas
    from dcrf_graph.graphql.types import Direction


@dataclass(frozen=True)
class Place:
    """Where a field stands: in which serializer, read or written."""

    schemas: Schemas
    owner: str
    name: str
    direction: Direction
    breadcrumb: str
    source: Source = UNKNOWN

    @property
    def reads(self) -> bool:
        """Whether it is what a client sends."""
        return self.direction != "output"


Rule: TypeAlias = Callable[[Any, Place], Schema]
"""Returns the schema of a value that is not null."""


def register_field(field_class: type[AnyField], entry: Schema | Rule) -> None:
    """Give a field class of your own its schema: ``register_field(Money, {"type": "string"})``.

    Call it before the contracts are written, e.g. beside the field class.
    """
    FIELD_SCHEMAS[field_class] = entry


# -- a field ---------------------------------------------------------------------------------------


def property_of(field: AnyField, place: Place) -> Schema:
    """The schema of a serializer's field, with its description."""
    return described(value_of(field, place), cleaned(text_of(field.help_text)))


def value_of(field: AnyField, place: Place) -> Schema:
    """The schema of a field's values, null included where there may be one."""
    told = told_field(field)
    if told is not None:
        found = told_value(told, place)
        return nullable(found) if field.allow_null else found
    annotation = NOTHING if place.reads else annotation_of(field, place)
    if annotation is not NOTHING:
        found = place.schemas.annotated(annotation, place.direction, place.breadcrumb)
        return nullable(found) if field.allow_null else found
    found = by_table(field, place)
    return nullable(found) if may_be_null(field, place) else found


def told_value(told: Any, place: Place) -> Schema:
    """By what drf-spectacular was told: a type, a schema, a serializer, a field, an annotation."""
    found = told_schema(told)
    if found is not None:
        # Such a type says nothing of null, which a method may always give.
        return found if place.reads else nullable(found)
    if type(getattr(told, "child", told)).__name__ == "PolymorphicProxySerializer":
        return place.schemas.proxied(told, place.direction, place.breadcrumb)
    if isinstance(told, type) and issubclass(told, serializers.Field):
        if issubclass(told, serializers.BaseSerializer):
            return place.schemas.named(told, place.direction, place.breadcrumb)
        told = told()
    if not isinstance(told, serializers.Field):
        return place.schemas.annotated(told, place.direction, place.breadcrumb)
    found = by_table(told, replace(place, source=UNKNOWN))
    return nullable(found) if told.allow_null else found


def by_table(field: AnyField, place: Place) -> Schema:
    """By the nearest class of the field that is in the table; anything where none is."""
    for cls in type(field).__mro__:
        if cls is fields.Field:
            break
        if cls in FIELD_SCHEMAS:
            entry = FIELD_SCHEMAS[cls]
            return entry(field, place) if callable(entry) else dict(entry)
    return {}


def annotation_of(field: AnyField, place: Place) -> Any:
    """What code is annotated to return where nothing else says what a field writes."""
    if isinstance(field, serializers.SerializerMethodField):
        method = getattr(type(field.parent), str(field.method_name), None)
        return return_annotation(method) if callable(method) else NOTHING
    if isinstance(field, serializers.ReadOnlyField):
        return place.source.annotation if place.source.column is None else NOTHING
    known = any(cls in FIELD_SCHEMAS for cls in type(field).__mro__)
    return NOTHING if known else return_annotation(type(field).to_representation)


def may_be_null(field: AnyField, place: Place) -> bool:
    """Whether null can be written, or is accepted."""
    if place.reads:
        return bool(field.allow_null)
    column = place.source.column
    if column is not None and column.primary_key:
        return False
    if isinstance(field, serializers.ChoiceField):
        # GraphQL says null for the blank choice; here it is the empty text.
        return field.allow_null or None in field.choices or place.source.nullable is True
    return output_is_nullable(field, place.source)


def is_always_there(field: AnyField, source: Source) -> bool:
    """Whether DRF never leaves a field out of what it writes."""
    known = source.nullable is not None or source.annotation is not NOTHING
    given = field.required or field.allow_null or field.default is not empty
    if len(field.source_attrs) > 1 and source.nullable is not False:
        # What has no country, because there is no supplier, is left out.
        return bool(given)
    return known or given or field.source == "*"


# -- rules -----------------------------------------------------------------------------------------


def text(form: str | None = None) -> Rule:
    def rule(field: Any, place: Place) -> Schema:
        bounds = {
            "minLength": getattr(field, "min_length", None),
            "maxLength": getattr(field, "max_length", None),
        }
        return {
            "type": "string",
            **given({"format": None if may_be_empty(field, place) else form}),
            **(given(bounds) if place.reads else {}),
        }

    return rule


def may_be_empty(field: Any, place: Place) -> bool:
    """Whether "" is among the values; DRF does not tell of a field that is only read."""
    column = place.source.column
    return bool(getattr(field, "allow_blank", False)) or (column is not None and column.blank)


def number(kind: str) -> Rule:
    """Bounds as declared: those of a column are the database's, and differ between databases."""

    def rule(field: Any, place: Place) -> Schema:
        bounds = {"minimum": field.min_value, "maximum": field.max_value}
        declared = place.reads and place.source.column is None
        return {"type": kind, **(given(bounds) if declared else {})}

    return rule


def decimal(field: serializers.DecimalField, place: Place) -> Schema:
    """Text, unless the project coerces nothing to text; read, numbers too."""
    if place.reads:
        return {"type": ["string", "number"]}
    coerced = getattr(field, "coerce_to_string", api_settings.COERCE_DECIMAL_TO_STRING)
    return {"type": "string" if coerced else "number"}


def big_integer(field: Any, place: Place) -> Schema:
    """A number, unless the project coerces it to text for JavaScript's sake."""
    default = getattr(api_settings, "COERCE_BIGINT_TO_STRING", False)
    if not getattr(field, "coerce_to_string", default):
        return {"type": "integer"}
    return {"type": ["string", "integer"] if place.reads else "string"}


def unique_id(field: serializers.UUIDField, place: Place) -> Schema:
    match field.uuid_format:
        case "hex_verbose":
            return {"type": "string", "format": "uuid"}
        case "int" if not place.reads:
            return {"type": "integer"}
        case _:
            return {"type": "string"}


def moment(form: str, setting: str) -> Rule:
    """A date, or a date and time; text of no known form where the field has one of its own."""

    def rule(field: Any, place: Place) -> Schema:
        if place.reads:
            forms = getattr(
                field, "input_formats", getattr(api_settings, f"{setting}_INPUT_FORMATS")
            )
        else:
            forms = [getattr(field, "format", getattr(api_settings, f"{setting}_FORMAT"))]
        standard = [str(each or ISO_8601).lower() for each in forms or ()] == [ISO_8601]
        # RFC 3339 knows no time without an offset.
        known = standard and (form == "date" or settings.USE_TZ)
        return {"type": "string", "format": form} if known else {"type": "string"}

    return rule


def choice(field: serializers.ChoiceField, place: Place) -> Schema:
    values = [value for value in field.choices if value is not None]
    return one_of([*values, ""] if field.allow_blank else values)


def choices(field: serializers.MultipleChoiceField, place: Place) -> Schema:
    return array(choice(field, place), uniqueItems=True)


def file(field: serializers.FileField, place: Place) -> Schema:
    """Written: its address. Read: nothing, because a native frame carries no files."""
    return {"not": {}} if place.reads else {"type": "string"}


def listed(field: serializers.ListField, place: Place) -> Schema:
    inner = value_of(field.child, item(place))
    if not place.reads:
        return array(inner)
    return array(inner, minItems=field.min_length, maxItems=field.max_length)


def mapped(field: serializers.DictField, place: Place) -> Schema:
    return {"type": "object", "additionalProperties": value_of(field.child, item(place))}


def item(place: Place) -> Place:
    """The place of what is inside a list: null only where the child says so."""
    return replace(place, source=Source(nullable=False))


def nested(field: serializers.BaseSerializer[Any], place: Place) -> Schema:
    return place.schemas.named(field, place.direction, place.breadcrumb, (place.owner, place.name))


def nested_list(field: serializers.ListSerializer[Any], place: Place) -> Schema:
    child: Any = field.child
    return array(nested(child, place))


def related_key(field: serializers.PrimaryKeyRelatedField[Any], place: Place) -> Schema:
    """The key of the related row, by its column."""
    inner: Any = field.pk_field
    if inner is not None:
        return by_table(inner, item(place))
    related = related_model(field, place)
    return {} if related is None else key_of(related, place)


def related_slug(field: serializers.SlugRelatedField[Any], place: Place) -> Schema:
    related: Any = related_model(field, place)
    names = {} if related is None else {column.name: column for column in related._meta.fields}
    column = names.get(str(field.slug_field))
    return {"type": "string"} if column is None else column_schema(column, place)


def related_list(field: serializers.ManyRelatedField, place: Place) -> Schema:
    child: Any = field.child_relation
    return array(by_table(child, place))


def related_model(field: Any, place: Place) -> type[models.Model] | None:
    queryset = getattr(field, "queryset", None)
    return place.source.related or getattr(queryset, "model", None)


def read_only(field: serializers.ReadOnlyField, place: Place) -> Schema:
    column = place.source.column
    return {} if column is None else column_schema(column, place)


def model_field(field: serializers.ModelField, place: Place) -> Schema:
    """The column's value as it is in the row, which for a decimal may be a number too.

    What a database has generated is a number there until the row is loaded.
    """
    found = column_schema(field.model_field, place)
    if isinstance(stored(field.model_field), models.DecimalField):
        return {"type": ["string", "number"]}
    return found


def column_schema(column: models.Field[Any, Any], place: Place) -> Schema:
    """The schema of a model field, as DRF would serialize it; null is not said."""
    related: Any = column.related_model
    if related is not None:
        return key_of(related, place)
    found = field_for(column)
    if isinstance(found, serializers.ModelField):
        return {}
    return by_table(found, replace(place, source=Source(column=column)))


def key_of(model: type[models.Model], place: Place) -> Schema:
    """The schema of a model's primary key, which may be another model's."""
    column: Any = model._meta.pk
    while column.remote_field is not None:
        column = column.target_field
    return column_schema(column, replace(place, direction="output"))


FIELD_SCHEMAS: dict[type, Schema | Rule] = {
    fields.BooleanField: {"type": "boolean"},
    fields.CharField: text(),
    fields.EmailField: text("email"),
    fields.URLField: text("uri"),
    fields.UUIDField: unique_id,
    fields.IPAddressField: text(),
    fields.IntegerField: number("integer"),
    fields.FloatField: number("number"),
    fields.DecimalField: decimal,
    fields.DateTimeField: moment("date-time", "DATETIME"),
    fields.DateField: moment("date", "DATE"),
    fields.TimeField: {"type": "string"},
    fields.DurationField: {"type": "string"},
    fields.ChoiceField: choice,
    fields.MultipleChoiceField: choices,
    fields.FilePathField: {"type": "string"},
    fields.FileField: file,
    fields.ListField: listed,
    fields.DictField: mapped,
    fields.JSONField: {},
    fields.ModelField: model_field,
    fields.ReadOnlyField: read_only,
    fields.SerializerMethodField: {},
    relations.PrimaryKeyRelatedField: related_key,
    relations.StringRelatedField: {"type": "string"},
    relations.SlugRelatedField: related_slug,
    relations.HyperlinkedRelatedField: {"type": "string", "format": "uri-reference"},
    relations.ManyRelatedField: related_list,
    serializers.ListSerializer: nested_list,
    serializers.Serializer: nested,
    serializers.BaseSerializer: {},
}
"""DRF field classes and the schema of one value; a class that is not here has its base class's."""

if hasattr(fields, "BigIntegerField"):  # DRF 3.17
    FIELD_SCHEMAS[fields.BigIntegerField] = big_integer
