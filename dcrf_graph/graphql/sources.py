"""
Where a serializer field takes its value from, and whether that can be null.

DRF writes null wherever the attribute is None, whatever the field says. So a
field is non-null in the schema only when the model's columns on its way, an
annotation, or the field's own declaration promise a value.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.utils import model_meta

from dcrf_graph.arguments import annotations_of
from dcrf_graph.hypermedia import HyperChannelsApiRelationField

AnyField = serializers.Field[Any, Any, Any, Any]
NOTHING = inspect.Parameter.empty


@dataclass(frozen=True)
class Source:
    """What is known of a field's source.

    ``column``: the model field at the end. ``related``: the model that it leads
    to. ``nullable``: None where the model does not say. ``annotation``: the
    return annotation of a property or method, else ``inspect.Parameter.empty``.
    """

    column: models.Field[Any, Any] | None = None
    related: type[models.Model] | None = None
    nullable: bool | None = None
    annotation: Any = NOTHING


UNKNOWN = Source()


def model_of(serializer: Any) -> type[models.Model] | None:
    """The model of a serializer class or instance, if it has one."""
    return getattr(getattr(serializer, "Meta", None), "model", None)


def source_of(model: type[models.Model] | None, field: AnyField) -> Source:
    """Follow a bound field's ``source`` from the model."""
    attributes = list(getattr(field, "source_attrs", ()))
    if field.source == "*" and isinstance(field, serializers.BaseSerializer):
        # The object itself, which is there.
        return Source(related=model, nullable=False)
    if model is None or not attributes:
        return UNKNOWN
    nullable = False
    source = UNKNOWN
    for position, attribute in enumerate(attributes):
        source = step(model, attribute)
        last = position == len(attributes) - 1
        if source.nullable is None:
            return Source(annotation=source.annotation) if last and not nullable else UNKNOWN
        nullable = nullable or source.nullable
        if not last:
            if source.related is None:
                return UNKNOWN
            model = source.related
    return Source(source.column, source.related, nullable)


def step(model: type[models.Model], attribute: str) -> Source:
    """One attribute of a model: a column, a relation, or what its annotation says."""
    info = model_meta.get_field_info(model)
    if attribute == "pk":
        return Source(column=model._meta.pk, nullable=False)
    if attribute in info.relations:
        relation = info.relations[attribute]
        column = relation.model_field
        one_to_one_back = relation.reverse and not relation.to_many
        nullable = one_to_one_back or (
            not relation.to_many and column is not None and bool(column.null)
        )
        return Source(column, relation.related_model, nullable)
    try:
        found = model._meta.get_field(attribute)
    except FieldDoesNotExist:
        return Source(annotation=annotation_of(model, attribute))
    if isinstance(found, models.Field):
        return Source(column=found, nullable=found.null)
    return UNKNOWN


def annotation_of(owner: type, attribute: str) -> Any:
    """The return annotation of a property or method; ``inspect.Parameter.empty`` if none."""
    try:
        member = inspect.getattr_static(owner, attribute)
    except AttributeError:
        return NOTHING
    if isinstance(member, functools.partialmethod):
        # Django makes get_FOO_display() of a field with choices so.
        return str if attribute.startswith("get_") and attribute.endswith("_display") else NOTHING
    if isinstance(member, property):
        member = member.fget
    elif isinstance(member, functools.cached_property):
        member = member.func
    elif isinstance(member, staticmethod | classmethod):
        member = member.__func__
    return return_annotation(member) if callable(member) else NOTHING


def return_annotation(function: Callable[..., Any]) -> Any:
    """What a function is annotated to return; ``inspect.Parameter.empty`` if nothing."""
    return annotations_of(function).get("return", NOTHING)


def stored(column: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """The column itself; of a generated one what it is generated as, in the same place."""
    if not isinstance(column, models.GeneratedField):
        return column
    generated: Any = column.output_field
    output: models.Field[Any, Any] = copy.copy(generated)
    output.model, output.name = column.model, column.name
    return output


def field_for(column: models.Field[Any, Any]) -> AnyField:
    """The serializer field that DRF would make for a model field."""
    if column.remote_field is not None:
        return serializers.PrimaryKeyRelatedField(read_only=True)
    column = stored(column)
    field_class, options = serializers.ModelSerializer().build_standard_field(column.name, column)
    return field_class(**options)


def output_is_nullable(field: AnyField, source: Source) -> bool:
    """Whether reading the field may give null; unknown counts as yes."""
    if field.allow_null or isinstance(field, serializers.FileField):
        return True
    if isinstance(field, serializers.JSONField) and not field.binary:
        return True
    if isinstance(field, serializers.ChoiceField) and (
        may_be_blank(field) or None in field.choices
    ):
        return True
    if isinstance(field, serializers.HyperlinkedRelatedField | HyperChannelsApiRelationField):
        return True
    if isinstance(field, serializers.SlugRelatedField) and slug_source(field, source).nullable:
        return True
    if source.nullable is not None:
        return source.nullable
    if field.default is None:
        return True
    return not field.required and field.default is empty


def slug_source(field: serializers.SlugRelatedField[Any], source: Source) -> Source:
    """The attribute that stands for a related object: ``name``, or ``author__name``."""
    model = source.related or getattr(getattr(field, "queryset", None), "model", None)
    nullable = False
    found = UNKNOWN
    for attribute in str(field.slug_field).split("__"):
        if model is None:
            return UNKNOWN
        found = step(model, attribute)
        nullable = nullable or bool(found.nullable)
        model = found.related
    if found.nullable is None:
        return replace(found, nullable=True) if nullable else found
    return replace(found, nullable=nullable)


def writes_itself(cls: Any) -> bool:
    """Whether a serializer class has a ``to_representation`` of its own."""
    module = str(getattr(getattr(cls, "to_representation", None), "__module__", ""))
    is_own = not module.startswith(("rest_framework.", "dcrf_graph."))
    return issubclass(cls, serializers.BaseSerializer) and is_own


def may_be_blank(field: AnyField) -> bool:
    """Whether ``""`` is one of an enum's values: natively "none"; a path is no enum."""
    if not isinstance(field, serializers.ChoiceField):
        return False
    if isinstance(field, serializers.FilePathField):
        return False
    return bool(field.allow_blank) or "" in field.choices


def input_is_nullable(field: AnyField, *, partial: bool) -> bool:
    """Whether the client may leave the field out, or send null."""
    return partial or field.allow_null or not field.required
