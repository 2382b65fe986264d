"""
What a serializer reads from the rows that it writes: columns and relations.

Read off the fields of a serializer instance, as it is about to write: fields
may depend on the request. What cannot be known (a method, a property, an
overridden ``to_representation``) makes the columns unknown, never the result
wrong.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, Manager, Model
from rest_framework import relations, serializers


@dataclass
class Needs:
    """What is read from the rows of one model.

    ``columns`` are names of fields, None where anything might be read. ``one``
    and ``many`` are attributes that lead to one row or to many, and what is
    read from those.
    """

    model: type[Model]
    columns: set[str] | None = field(default_factory=set)
    one: dict[str, Needs] = field(default_factory=dict)
    many: dict[str, Needs] = field(default_factory=dict)

    def anything(self) -> None:
        """Say that any column might be read."""
        self.columns = None

    def column(self, name: str) -> None:
        """Say that a column is read."""
        if self.columns is not None:
            self.columns.add(name)


def needs_of(
    serializer: serializers.Serializer[Any], model: type[Model], given: Collection[str] = ()
) -> Needs:
    """What a serializer reads from rows of a model.

    Args:
        given: attributes that the rows have beside their columns: annotations.
    """
    needs = Needs(model)
    read_serializer(serializer, needs, given)
    return needs


def is_plain(field: Any, method: str) -> bool:
    """Whether a field's method is DRF's own."""
    return str(getattr(type(field), method).__module__).startswith("rest_framework.")


def read_serializer(
    serializer: serializers.Serializer[Any], needs: Needs, given: Collection[str] = ()
) -> None:
    if not is_plain(serializer, "to_representation"):
        needs.anything()
    if is_within_itself(serializer):
        # How deep the rows go is not known: from here on they load as they are read.
        needs.anything()
        return
    for each in serializer.fields.values():
        if not each.write_only:
            read_field(each, needs, given)


def is_within_itself(serializer: serializers.Serializer[Any]) -> bool:
    """Whether a serializer is nested in one of its own class, and so may go on for ever."""
    outer: Any = serializer.parent
    while outer is not None:
        if type(outer) is type(serializer):
            return True
        outer = outer.parent
    return False


def read_field(each: Any, needs: Needs, given: Collection[str]) -> None:
    if not is_plain(each, "get_attribute"):
        needs.anything()
    elif each.source_attrs:
        follow(each, each.source_attrs, needs, given)
    elif isinstance(each, serializers.Serializer):
        read_serializer(each, needs, given)
    elif type(each) is relations.HyperlinkedIdentityField:
        follow(None, [each.lookup_field], needs, given)
    elif hasattr(each, "linked_paths"):
        for path in each.linked_paths:
            follow(None, path.split("."), needs, given)
    else:
        needs.anything()


def follow(each: Any, path: Sequence[str], needs: Needs, given: Collection[str] = ()) -> None:
    """Follow a field's source; ``each`` is None for the path of a value inside a field."""
    name, rest = path[0], path[1:]
    if name in given:
        return
    reverse = accessors(needs.model).get(name)
    if reverse is not None:
        related: type[Model] = reverse.related_model
        if reverse.one_to_one:
            lead_to_one(each, rest, needs.one.setdefault(name, Needs(related)))
        else:
            lead_to_many(each, rest, name, related, needs)
        return
    column = column_of(needs.model, name)
    if column is None:
        needs.anything()
    elif column.many_to_many or column.one_to_many:
        lead_to_many(each, rest, name, column.related_model, needs)
    elif not column.is_relation or name == "pk" or name == column.attname:
        needs.column(column.name)
    elif not isinstance(column, ForeignKey):
        needs.anything()
    else:
        needs.column(column.name)
        if (rest or not only_key(each)) and leads_home(column):
            target = needs.one.setdefault(name, Needs(column.related_model))
            lead_to_one(each, rest, target)


def accessors(model: type[Model]) -> dict[str, Any]:
    """The relations that lead to a model, by the attributes that lead back."""
    return {
        name: relation
        for relation in model._meta.related_objects
        if (name := relation.get_accessor_name()) is not None
    }


def column_of(model: type[Model], name: str) -> Any:
    """The field of an attribute; None where the attribute is no field, or not one column."""
    if name == "pk":
        return model._meta.pk if model._meta.pk.column else None
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        return displayed(model, name)
    if not isinstance(found, Field) or name not in (found.name, found.attname):
        return None
    return found if found.column or found.is_relation else None


def displayed(model: type[Model], name: str) -> Any:
    """The field that ``get_FOO_display`` reads."""
    shown = name.removeprefix("get_").removesuffix("_display")
    if name != f"get_{shown}_display" or column_of(model, shown) is None:
        return None
    method = inspect.getattr_static(model, name, None)
    return column_of(model, shown) if isinstance(method, functools.partialmethod) else None


def only_key(each: Any) -> bool:
    """Whether DRF reads nothing of the related row but the key, which the column holds."""
    return isinstance(each, relations.RelatedField) and each.use_pk_only_optimization()


def leads_home(column: ForeignKey[Any, Any]) -> bool:
    """Whether a foreign key surely finds its row, by any way of loading it.

    One that is missing, or hidden by the model's base manager, is null where it is
    loaded alone; joined, it would take its neighbour along, or be shown.
    """
    constrained = getattr(column, "db_constraint", False)
    return constrained and type(column.related_model._base_manager) is Manager


def lead_to_one(each: Any, rest: Sequence[str], target: Needs) -> None:
    if rest:
        follow(each, rest, target)
    else:
        read_target(each, target)


def lead_to_many(
    each: Any, rest: Sequence[str], name: str, related: type[Model], needs: Needs
) -> None:
    """Relations that DRF reads as a whole, ``row.labels.all()``; others are not known."""
    whole = isinstance(each, serializers.ListSerializer | relations.ManyRelatedField)
    if rest or not whole or not is_plain(each, "to_representation"):
        needs.anything()
        return
    target = needs.many.setdefault(name, Needs(related))
    read_target(getattr(each, "child", None) or each.child_relation, target)


def read_target(each: Any, target: Needs) -> None:
    """What a field reads from a related row."""
    match each:
        case serializers.Serializer():
            read_serializer(each, target)
        case relations.PrimaryKeyRelatedField():
            follow(None, ["pk"], target)
        case relations.SlugRelatedField() if is_plain(each, "to_representation"):
            follow(None, str(each.slug_field).split("__"), target)
        case relations.HyperlinkedRelatedField() if is_plain(each, "to_representation"):
            follow(None, [each.lookup_field], target)
        case relations.RelatedField() if hasattr(each, "linked_paths"):
            for path in each.linked_paths:
                follow(None, path.split("."), target)
        case _:
            target.anything()


def relations_of(needs: Needs) -> Iterator[tuple[str, Needs]]:
    """Every relation that is read, to one row or to many."""
    yield from needs.one.items()
    yield from needs.many.items()
