"""
Annotations as DRF fields: what checks and converts one argument.

The messages are the ones that serializers give, for native and GraphQL clients
alike. An annotation that says nothing to a client is no field: its values pass
as they were sent.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import types
import typing
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from dcrf_graph.calls import current_call
from dcrf_graph.structures import Structure, structure_of

REQUIRED = "This field is required."
UNEXPECTED = "This argument is not expected."

AnyField = serializers.Field[Any, Any, Any, Any]


class MemberField(serializers.ChoiceField):
    """An enum member, written as its value."""

    def __init__(self, members: type[enum.Enum], **kwargs: Any) -> None:
        self.members = members
        super().__init__(choices=[(member.value, member.name) for member in members], **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return self.members(super().to_internal_value(data))


class CollectionField(serializers.ListField):
    """A list, given as the collection that the annotation wants."""

    def __init__(self, collection: Callable[[Iterable[Any]], Any], **kwargs: Any) -> None:
        self.collection = collection
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return self.collection(super().to_internal_value(data))


class StructureField(serializers.Field[Any, Any, Any, Any]):
    """A TypedDict as a dict, a dataclass as its instance; members are checked by their own fields.

    A dataclass may refuse in ``__post_init__``, by a ``ValueError``.
    """

    default_error_messages = {
        "invalid": serializers.Serializer.default_error_messages["invalid"],
    }

    def __init__(self, structure: Structure, **kwargs: Any) -> None:
        self.structure = structure
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            self.fail("invalid", datatype=type(data).__name__)
        members = {member.name: member for member in self.structure.members if member.given}
        values: dict[str, Any] = {}
        errors: dict[str, Any] = {str(name): [UNEXPECTED] for name in data if name not in members}
        for name, member in members.items():
            if name not in data:
                if member.required:
                    errors[name] = [REQUIRED]
                continue
            try:
                values[name] = converted(member.annotation, data[name])
            except ValidationError as error:
                errors[name] = error.detail
        if errors:
            raise ValidationError(errors)
        if self.structure.is_dict:
            return values
        try:
            return self.structure.cls(**values)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class SerializerField(serializers.Field[Any, Any, Any, Any]):
    """What a serializer class reads, as that serializer, validated: ``label.save()`` is next.

    Its context is the one that the consumer gives its own serializers.
    """

    def __init__(self, serializer_class: Any, **kwargs: Any) -> None:
        self.serializer_class = serializer_class
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        serializer = self.serializer_class(data=data, context=context_of_call())
        serializer.is_valid(raise_exception=True)
        return serializer


def context_of_call() -> dict[str, Any]:
    """The context that the consumer of the current call gives its serializers."""
    call = current_call.get()
    consumer = None if call is None else call.consumer
    make_context = getattr(consumer, "get_serializer_context", None)
    return {} if make_context is None else dict(make_context())


SCALARS: dict[type, Callable[..., AnyField]] = {
    bool: serializers.BooleanField,
    int: serializers.IntegerField,
    float: serializers.FloatField,
    str: lambda **kw: serializers.CharField(allow_blank=True, trim_whitespace=False, **kw),
    decimal.Decimal: lambda **kw: serializers.DecimalField(None, None, **kw),
    datetime.datetime: serializers.DateTimeField,
    datetime.date: serializers.DateField,
    datetime.time: serializers.TimeField,
    datetime.timedelta: serializers.DurationField,
    uuid.UUID: serializers.UUIDField,
    dict: serializers.DictField,
}
"""A Python type and the DRF field that reads it. Anything else is passed on unchecked."""

LISTS: dict[Any, Callable[[Iterable[Any]], Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    Sequence: list,
    Collection: list,
    Iterable: list,
    AbstractSet: set,
}
DICTS = (dict, Mapping, MutableMapping)


def converted(annotation: Any, value: Any) -> Any:
    """A value as an annotation wants it; as it was sent where the annotation says nothing.

    Raises:
        ValidationError: with the messages of the annotation's field.
    """
    field = field_of(annotation)
    return value if field is None else field.run_validation(value)


def plain(annotation: Any) -> Any:
    """An annotation without its ``Annotated``, ``NewType`` or alias."""
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation


@cache
def field_of(annotation: Any) -> Any:
    """The DRF field that checks a parameter of this annotation; None where nothing can."""
    return made(annotation)


def made(annotation: Any, *, allow_null: bool = False) -> Any:
    """A new field: the children of a list belong to that list."""
    annotation = plain(annotation)
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        rest = [option for option in inner if option is not type(None)]
        return made(rest[0], allow_null=len(rest) < len(inner)) if len(rest) == 1 else None
    if origin is typing.Literal:
        return serializers.ChoiceField(
            choices=[value for value in inner if value is not None],
            allow_null=allow_null or None in inner,
        )
    if (origin or annotation) in LISTS:
        return list_field(origin or annotation, inner, allow_null)
    if (origin or annotation) in DICTS:
        child = made(inner[1]) if len(inner) == 2 else None
        options = {} if child is None else {"child": child}
        return serializers.DictField(allow_null=allow_null, **options)
    return field_of_class(annotation, allow_null) if isinstance(annotation, type) else None


def list_field(collection: Any, inner: tuple[Any, ...], allow_null: bool) -> Any:
    """A list of one kind of items; None for a tuple of several."""
    if collection is tuple and inner and not (len(inner) == 2 and inner[1] is Ellipsis):
        return None
    child = made(inner[0]) if inner else None
    options = {} if child is None else {"child": child}
    return CollectionField(LISTS[collection], allow_null=allow_null, **options)


def field_of_class(cls: Any, allow_null: bool) -> Any:
    if cls in SCALARS:
        return SCALARS[cls](allow_null=allow_null)
    if issubclass(cls, enum.Enum):
        return MemberField(cls, allow_null=allow_null)
    if issubclass(cls, serializers.BaseSerializer):
        return SerializerField(cls, allow_null=allow_null)
    structure = structure_of(cls)
    return None if structure is None else StructureField(structure, allow_null=allow_null)


def asks_database(annotation: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether checking a value may query: where a serializer does it, at any depth."""
    annotation = plain(annotation)
    if annotation in seen:
        return False
    seen = seen | {annotation}
    if isinstance(annotation, type) and issubclass(annotation, serializers.BaseSerializer):
        return True
    structure = structure_of(annotation)
    if structure is not None:
        return any(asks_database(member.annotation, seen) for member in structure.members)
    if typing.get_origin(annotation) is typing.Literal:
        return False
    return any(asks_database(each, seen) for each in typing.get_args(annotation))
