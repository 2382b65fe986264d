"""
How a serializer class writes the rows of a model, found out once.

A serializer whose fields are DRF's own writes what the columns say, so it need
not be made anew for each answer. What runs code of the application, or looks at
the request, has no part here (None); whoever wants such a field asks DRF.

Source: docs/decisions/0028-plans-for-serializers-that-are-drfs.md
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from django.core.signals import setting_changed
from django.db.models import ForeignKey, Model
from django.db.models.query_utils import DeferredAttribute
from rest_framework import relations, serializers

from dcrf_graph.loading.converters import (
    INTEGERS,
    Converter,
    converter,
    has_converter,
    is_moment,
    shortcut,
    writes_json,
)
from dcrf_graph.loading.needs import accessors, leads_home
from dcrf_graph.loading.overrides import KEPT, field_writes_as_drf, writes_as_drf


@dataclass(frozen=True)
class Column:
    """A value of the row itself; ``convert`` is None where it is written as it is read.

    ``json``: what is written is a JSON value, not one that DRF's encoder makes one.
    ``expected``: the type of what is read. An instance may hold another value, if the
    application has put it there; that is written by ``otherwise``.
    """

    name: str
    attribute: str
    convert: Converter | None
    moment: bool = False
    json: bool = False
    expected: type | None = None
    otherwise: Converter | None = None


@dataclass(frozen=True)
class Given:
    """A value that is no column: an annotation, or an attribute of the instance."""

    name: str
    convert: Converter | None


@dataclass(frozen=True)
class One:
    """The related row of a foreign key; null where ``attribute`` is."""

    name: str
    attribute: str
    node: Node


@dataclass(frozen=True)
class Many:
    """The related rows of a manager: as objects, or one value of each."""

    name: str
    model: type[Model]
    node: Node | None
    value: Column | None = None


Part: TypeAlias = Column | Given | One | Many


@dataclass
class Node:
    """What is written of the rows of a model, by key; None for what only DRF can write."""

    model: type[Model]
    parts: dict[str, Part | None] = field(default_factory=dict)


@lru_cache(maxsize=KEPT)
def node_of_class(serializer_class: Any, model: type[Model]) -> Node | None:
    """The node of a serializer class; None where only DRF knows what it writes."""
    if getattr(getattr(serializer_class, "Meta", None), "list_serializer_class", None) is not None:
        return None
    if not writes_as_drf(serializer_class):
        return None
    serializer = serializer_class()
    try:
        serializer.fields  # noqa: B018
    except Exception:
        return None  # a field wants the context of a call, or DRF says what is wrong
    return node_of(serializer, model)


def forget(**kwargs: Any) -> None:
    """Settings decide how fields write."""
    node_of_class.cache_clear()


setting_changed.connect(forget)


def node_of(serializer: Any, model: type[Model], outer: tuple[type, ...] = ()) -> Node | None:
    made_by: Any = type(serializer)
    if made_by in outer or not writes_as_drf(made_by):
        return None
    node = Node(model)
    outer = (*outer, made_by)
    for key, each in serializer.fields.items():
        if not each.write_only:
            node.parts[key] = part_of(each, model, outer)
    return node


def part_of(each: Any, model: type[Model], outer: tuple[type, ...]) -> Part | None:
    """How one field writes; None where only DRF knows."""
    path = getattr(each, "source_attrs", None)
    made_by: Any = type(each)
    if not issubclass(made_by, serializers.BaseSerializer) and not field_writes_as_drf(made_by):
        return None
    if not path or len(path) != 1:
        return None
    [name] = path
    match each:
        case serializers.ListSerializer() | relations.ManyRelatedField():
            return many_of(each, name, model, outer)
        case serializers.Serializer():
            return one_of(each, name, model, outer)
        case relations.PrimaryKeyRelatedField():
            return key_of(each, name, model)
        case _ if has_converter(each):
            return value_of(each, name, model)
        case _:
            return None


def one_of(each: Any, name: str, model: type[Model], outer: tuple[type, ...]) -> One | None:
    relation = forward(model, name)
    if relation is None or not leads_home(relation):
        return None
    node = node_of(each, relation.related_model, outer)
    return None if node is None else One(name, relation.attname, node)


def many_of(each: Any, name: str, model: type[Model], outer: tuple[type, ...]) -> Many | None:
    if type(each) not in (serializers.ListSerializer, relations.ManyRelatedField):
        return None
    relation = accessors(model).get(name) or field_of(model, name)
    if relation is None or not (relation.many_to_many or relation.one_to_many):
        return None
    related = relation.related_model
    if isinstance(each, serializers.ListSerializer):
        node = node_of(each.child, related, outer)
        return None if node is None else Many(name, related, node)
    inner: Any = each.child_relation
    made_by: Any = type(inner)
    if not issubclass(made_by, relations.PrimaryKeyRelatedField):
        return None
    if not field_writes_as_drf(made_by):
        return None
    key = related._meta.pk
    if not is_column(related, key):
        return None
    convert = key_converter(inner)
    number = type(key) in INTEGERS and convert is None
    return Many(name, related, None, Column(key.name, key.attname, convert, json=number))


def key_of(each: Any, name: str, model: type[Model]) -> Column | None:
    relation = forward(model, name)
    if relation is None:
        return None
    convert = key_converter(each)
    number = type(relation.target_field) in INTEGERS and convert is None
    return Column(relation.attname, relation.attname, convert, json=number)


def key_converter(each: Any) -> Converter | None:
    return None if each.pk_field is None else each.pk_field.to_representation


def value_of(each: Any, name: str, model: type[Model]) -> Column | Given | None:
    if name in accessors(model):
        return None
    column = model._meta.pk if name == "pk" else field_of(model, name)
    if column is None:
        return Given(name, converter(each, None))
    if not is_column(model, column) or (column.is_relation and name != column.attname):
        return None
    if is_moment(each, column):
        return Column(column.attname, column.attname, None, moment=True, json=True)
    convert = converter(each, column)
    return Column(
        column.attname,
        column.attname,
        convert,
        json=writes_json(each, convert),
        expected=shortcut(each, convert),
        otherwise=each.to_representation,
    )


def field_of(model: type[Model], name: str) -> Any:
    """The model's field of an attribute; None where the attribute is something else."""
    for each in (*model._meta.concrete_fields, *model._meta.many_to_many):
        if name in (each.name, each.attname):
            return each
    return None


def forward(model: type[Model], name: str) -> Any:
    """The foreign key of this name; None where it is none, or the application reads it itself."""
    found = field_of(model, name)
    usual = isinstance(found, ForeignKey) and name == found.name
    if not usual or not is_column(model, found):
        return None
    return (
        found
        if type(inspect.getattr_static(model, name)).__module__.startswith("django.")
        else None
    )


def is_column(model: type[Model], column: Any) -> bool:
    """Whether reading an attribute reads its one column, and nothing else."""
    if not getattr(column, "column", None):
        return False
    descriptor = inspect.getattr_static(model, column.attname, None)
    return (
        isinstance(descriptor, DeferredAttribute)
        and type(descriptor).__module__.startswith("django.db.models.")
        and type(descriptor).__get__ is DeferredAttribute.__get__
    )


def selected(node: Node, selection: Mapping[str, Any] | None) -> dict[str, Part | None]:
    """The parts that are to be written."""
    if selection is None:
        return node.parts
    return {key: part for key, part in node.parts.items() if key in selection}
