"""
The table of DRF field classes and their GraphQL types.

A class that is not in the table has the type of its nearest base class that
is. An entry is a type's name, or a rule: a function of the field and its place
that returns the type. ``register_field`` adds one for a field of your own.
Nullability is not said here, except by rules that read an annotation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db import models
from rest_framework import ISO_8601, fields, relations, serializers
from rest_framework.settings import api_settings

from dcrf_graph.graphql import enums, spectacular
from dcrf_graph.graphql.annotations import Annotated
from dcrf_graph.graphql.naming import pascal
from dcrf_graph.graphql.sources import (
    NOTHING,
    AnyField,
    Source,
    field_for,
    return_annotation,
    slug_source,
    stored,
)

if TYPE_CHECKING:
    from dcrf_graph.graphql.types import Direction, Types

INT_RANGE = range(-(2**31), 2**31)


@dataclass(frozen=True)
class Site:
    """Where a field stands: in which type, under which name, read or written.

    ``found`` is the source in the rows that are written, by the serializer's model or another.
    """

    types: Types
    owner: str
    name: str
    direction: Direction
    breadcrumb: str
    source: Source
    found: Source | None = None

    @property
    def enum_name(self) -> str:
        return self.owner + pascal(self.name)

    def annotated(self) -> Annotated:
        return Annotated(self.types, self.direction, self.enum_name, self.breadcrumb)


Rule: TypeAlias = Callable[[Any, Site], str]
"""Returns a type without ``!`` at the end, or, where an annotation says so, with."""


def type_of(field: AnyField, site: Site) -> str:
    """The GraphQL type of a field: as drf-spectacular was told, else by the table."""
    told = spectacular.told_field(field)
    if told is not None:
        return told_as(told, site)
    for cls in type(field).__mro__:
        if cls is fields.Field:
            break
        if cls in FIELD_TYPES:
            entry = FIELD_TYPES[cls]
            return entry if isinstance(entry, str) else entry(field, site)
    if site.direction == "output":
        annotation = return_annotation(type(field).to_representation)
        if annotation is not NOTHING:
            return site.annotated().type_of(annotation)
    return unknown(field, site)


REGISTER = (
    'Say it once, register_field(FieldClass, "String"), with the serializer field\'s class; for '
    "reading, a return annotation of its to_representation() does too."
)


def unknown(field: Any, site: Site, remedy: str = REGISTER) -> str:
    """``JSON``, and a problem: nobody has said what the field is."""
    site.types.problems.report(
        "W002",
        site.breadcrumb,
        f"{type(field).__name__} is in no table of field types.",
        "Its type is JSON.",
        remedy,
    )
    return "JSON"


def told_as(told: Any, site: Site) -> str:
    """The type of what ``extend_schema_field`` was told."""
    text = spectacular.told_type(told, site.annotated())
    if text is not None:
        return text
    if isinstance(told, type) and issubclass(told, serializers.Field):
        if issubclass(told, serializers.BaseSerializer):
            return site.annotated().type_of(told)
        told = told()
    if not isinstance(told, serializers.Field):
        return site.annotated().type_of(told)
    inner = type_of(told, replace(site, source=Source())).removesuffix("!")
    return inner if told.allow_null else f"{inner}!"


def register_field(field_class: type[AnyField], entry: str | Rule) -> None:
    """Give a field class of your own its type: ``register_field(MoneyField, "Decimal")``.

    Call it before the schema is built, e.g. beside the field class.
    """
    FIELD_TYPES[field_class] = entry


def integer(field: serializers.IntegerField, site: Site) -> str:
    """``Int``, or ``BigInt`` by the model's column or the declared bounds.

    The bounds of a column are not asked: they are the database's, and one
    schema serves all of them.
    """
    column = site.source.column
    if column is not None:
        if column.remote_field is not None:
            return "ID"
        return "BigInt" if is_big(column) else "Int"
    bounds = (field.min_value, field.max_value)
    big = any(bound is not None and int(bound) not in INT_RANGE for bound in bounds)
    return "BigInt" if big else "Int"


def is_big(column: models.Field[Any, Any]) -> bool:
    return isinstance(
        stored(column),
        models.BigIntegerField | models.PositiveBigIntegerField | models.BigAutoField,
    )


def moment(name: str, setting: str) -> Rule:
    """A date or time, which is text of no known form when the field has a format of its own."""

    def rule(field: Any, site: Site) -> str:
        if site.direction == "output":
            form = getattr(field, "format", getattr(api_settings, f"{setting}_FORMAT"))
            return name if form is None or str(form).lower() == ISO_8601 else "String"
        forms = getattr(field, "input_formats", getattr(api_settings, f"{setting}_INPUT_FORMATS"))
        return name if ISO_8601 in [str(form).lower() for form in forms or ()] else "String"

    return rule


def number(field: serializers.DecimalField, site: Site) -> str:
    """``Decimal``, which is text; a number where DRF writes one, any text in a local form."""
    if field.localize:
        return "String"
    as_text = getattr(field, "coerce_to_string", api_settings.COERCE_DECIMAL_TO_STRING)
    return "Decimal" if as_text else "Float"


def uuid(field: serializers.UUIDField, site: Site) -> str:
    """``UUID``; written as an integer it is one of 128 bits."""
    return "BigInt" if field.uuid_format == "int" else "UUID"


def json(field: serializers.JSONField, site: Site) -> str:
    """Any value; a binary field has the text of one."""
    return "String" if field.binary else "JSON"


def model_field(field: serializers.ModelField, site: Site) -> str:
    """The field that DRF would make for the column, of a column that it knows."""
    column = field.model_field
    if isinstance(field_for(column), serializers.ModelField):
        return unknown(
            column,
            site,
            "Declare a field of a known class in the serializer, or register_field() it.",
        )
    return column_type(column, site)


def choice(field: serializers.ChoiceField, site: Site) -> str:
    """The enum of the choices class, else of the choices themselves."""
    definitions = site.types.definitions
    found = enums.choices_class_of(site.source.column, field)
    if found is not None:
        return enums.define_class(definitions, found)
    name = enums.define_choices(
        definitions,
        site.enum_name,
        field.choices,
        (site.enum_name, tuple(str(key) for key in field.choices)),
        f"the choices of {site.breadcrumb}",
    )
    return name or "String"


def multiple_choice(field: serializers.MultipleChoiceField, site: Site) -> str:
    return f"[{choice(field, site)}!]"


def file(field: serializers.FileField, site: Site) -> str:
    """Read: its address. Written: a file of a multipart request."""
    return "String" if site.direction == "output" else "Upload"


def listed(field: serializers.ListField, site: Site) -> str:
    child = field.child
    inner = type_of(child, replace(site, source=Source())).removesuffix("!")
    return f"[{inner}]" if child.allow_null or inner == "JSON" else f"[{inner}!]"


def nested(field: serializers.BaseSerializer[Any], site: Site) -> str:
    model = None if site.found is None else site.found.related
    parent = (site.owner, site.name)
    return site.types.named(field, site.direction, site.breadcrumb, parent, model)


def nested_list(field: serializers.ListSerializer[Any], site: Site) -> str:
    child: Any = field.child
    return f"[{nested(child, site)}!]"


def related_list(field: serializers.ManyRelatedField, site: Site) -> str:
    child: Any = field.child_relation
    inner = type_of(child, site).removesuffix("!")
    if isinstance(child, serializers.SlugRelatedField) and slug_source(child, site.source).nullable:
        return f"[{inner}]"
    return f"[{inner}!]"


def slug(field: serializers.SlugRelatedField[Any], site: Site) -> str:
    """The type of the attribute that stands for the related object."""
    found = slug_source(field, site.source)
    if found.column is not None:
        return column_type(found.column, site)
    if found.annotation is not NOTHING and site.direction == "output":
        return site.annotated().type_of(found.annotation)
    return "String"


def read_only(field: serializers.ReadOnlyField, site: Site) -> str:
    """The type of the model's column, else by the property's or method's annotation."""
    if site.source.column is not None:
        return column_type(site.source.column, site)
    if site.source.annotation is not NOTHING:
        return site.annotated().type_of(site.source.annotation)
    site.types.problems.report(
        "W003",
        site.breadcrumb,
        f"nothing says what {field.source!r} is.",
        "Its type is JSON.",
        "Annotate what the property or method returns, or declare a field of the right class "
        "with read_only=True.",
    )
    return "JSON"


def column_type(column: models.Field[Any, Any], site: Site) -> str:
    """The type of a model field, as DRF would serialize it."""
    if column.primary_key:
        return "ID"
    return type_of(field_for(column), replace(site, source=Source(column=column)))


def method(field: serializers.SerializerMethodField, site: Site) -> str:
    """By the return annotation of the method."""
    found = inspect.getattr_static(type(field.parent), str(field.method_name), None)
    annotation = return_annotation(found) if callable(found) else NOTHING
    if annotation is not NOTHING:
        return site.annotated().type_of(annotation)
    site.types.problems.report(
        "W001",
        site.breadcrumb,
        f"{field.method_name}() has no return annotation that can be read.",
        "Its type is JSON.",
        f"Annotate it: def {field.method_name}(self, obj) -> str.",
    )
    return "JSON"


FIELD_TYPES: dict[type, str | Rule] = {
    fields.BooleanField: "Boolean",
    fields.CharField: "String",
    fields.EmailField: "String",
    fields.RegexField: "String",
    fields.SlugField: "String",
    fields.URLField: "String",
    fields.IPAddressField: "String",
    fields.UUIDField: uuid,
    fields.IntegerField: integer,
    fields.FloatField: "Float",
    fields.DecimalField: number,
    fields.DateTimeField: moment("DateTime", "DATETIME"),
    fields.DateField: moment("Date", "DATE"),
    fields.TimeField: moment("Time", "TIME"),
    fields.DurationField: "Duration",
    fields.ChoiceField: choice,
    fields.MultipleChoiceField: multiple_choice,
    fields.FilePathField: "String",
    fields.FileField: file,
    fields.ImageField: file,
    fields.ListField: listed,
    fields.DictField: "JSON",
    fields.HStoreField: "JSON",
    fields.JSONField: json,
    fields.ModelField: model_field,
    type(fields.ListField.child): "JSON",
    fields.ReadOnlyField: read_only,
    fields.SerializerMethodField: method,
    relations.PrimaryKeyRelatedField: "ID",
    relations.StringRelatedField: "String",
    relations.SlugRelatedField: slug,
    relations.HyperlinkedRelatedField: "String",
    relations.ManyRelatedField: related_list,
    serializers.ListSerializer: nested_list,
    serializers.Serializer: nested,
    serializers.BaseSerializer: "JSON",
}

if hasattr(fields, "BigIntegerField"):  # DRF 3.17
    FIELD_TYPES[fields.BigIntegerField] = "BigInt"
