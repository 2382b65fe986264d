"""
Serializers that write objects of several types: a union, or an interface.

A serializer says it in its Meta:

    class PaymentSerializer(serializers.Serializer):
        class Meta:
            graphql_types = {"card": CardPaymentSerializer, "invoice": "InvoiceSerializer"}
            graphql_discriminator = "kind"

and writes, in ``to_representation``, what one of them writes, with ``kind``
beside it. With fields of its own it is an interface that the others implement
(they have those fields too), without any a union. A list instead of a dict, and
no discriminator, tells them apart by the keys that they write. The serializers
of django-rest-polymorphic need no Meta. A name instead of a class is looked for
in the serializer's module (docs/decisions/0010-unions-by-native-data.md).

What such a serializer reads is an input of which exactly one field is given, one for
each member: ``{cardPayment: {...}}`` is natively ``{"kind": "card", ...}``
(docs/decisions/0011-inputs-of-several-types-are-one-of.md).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ariadne import SchemaBindable
from django.utils.module_loading import import_string
from graphql import GraphQLError, GraphQLSchema

from dcrf_graph.graphql.definitions import Definition, TypeDefinition, UnionDefinition, Variants
from dcrf_graph.graphql.naming import constant, pascal
from dcrf_graph.graphql.problems import refuse

TELL_APART = (
    'Give the data a key that tells: class Meta: graphql_discriminator = "kind", and '
    'graphql_types = {"value": Serializer, ...}.'
)


@dataclass(frozen=True)
class Members:
    """The serializers of a polymorphic one, by the value of the key that tells them apart.

    ``raw`` are these values as they were given: numbers, say.
    """

    key: str | None
    serializers: tuple[tuple[str, Any], ...]
    raw: tuple[Any, ...] = ()


def members_of(cls: Any) -> Members | None:
    """The members of a polymorphic serializer class; None for any other."""
    mapping = getattr(cls, "model_serializer_mapping", None)
    if isinstance(mapping, Mapping):
        # django-rest-polymorphic: the models' names, or what to_resource_type() is made to say.
        key = str(getattr(cls, "resource_type_field_name", "resourcetype"))
        name_of = getattr(cls, "to_resource_type", None)
        made = [(named(cls, name_of, model), member) for model, member in mapping.items()]
        return Members(key, tuple(made), tuple(name for name, _ in made))
    meta = getattr(cls, "Meta", None)
    given = getattr(meta, "graphql_types", None)
    if given is None:
        return None
    if not isinstance(given, Mapping):
        given = {str(number): member for number, member in enumerate(given)}
    found = tuple((str(value), resolved(cls, member)) for value, member in given.items())
    if cls in (member for _, member in found):
        return None  # a member that has inherited the Meta
    return Members(getattr(meta, "graphql_discriminator", None), found, tuple(given))


def named(cls: Any, name_of: Any, model: Any) -> str:
    try:
        return str(name_of(cls(), model))
    except Exception:  # an application's own method, which may want an instance
        return str(model._meta.object_name)


def resolved(cls: Any, member: Any) -> Any:
    """A member that may be given by its name, or by its path."""
    if not isinstance(member, str):
        return member
    if "." in member:
        return import_string(member)
    return getattr(sys.modules[cls.__module__], member)


# -- what is read --------------------------------------------------------------------------------


def field_names(types: Iterable[str], values: Iterable[str]) -> list[str]:
    """The field of each member: its type's name, and its value where that is shared."""
    types = list(types)
    return [
        lowered(name) + (pascal(constant(value).lower()) if types.count(name) > 1 else "")
        for name, value in zip(types, values, strict=True)
    ]


def lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def one_given(key: str | None, tags: Mapping[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Writes the one member that is given as native data: its fields, and the key that tells it.

    Args:
        tags: the value of the key, by the field of the member.
    """

    def convert(value: dict[str, Any]) -> Any:
        if len(value) != 1:
            return value  # graphql-core refuses it
        ((name, fields),) = value.items()
        return fields if key is None or fields is None else {**fields, key: tags[name]}

    return convert


# -- which member a value is of ------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """The native keys of a member: those that are always there, and all."""

    always: frozenset[str]
    all: frozenset[str]


def by_key(variants: Variants) -> Any:
    """Resolve the type by the value of the discriminator."""
    names = dict(variants.names)
    key = str(variants.key)

    def resolve(value: Any, *rest: Any) -> str:
        raw = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
        if str(raw) not in names:
            raise GraphQLError(f"{key!r} is {raw!r}, which stands for none of the types.")
        return names[str(raw)]

    return resolve


def by_keys(members: Mapping[str, Keys]) -> Any:
    """Resolve the type by the keys that the data has: the member that fits it best."""

    def resolve(value: Any, *rest: Any) -> str:
        present = frozenset(value) if isinstance(value, Mapping) else frozenset(vars(value))
        fitting = {name: keys for name, keys in members.items() if keys.always <= present}
        if not fitting:
            raise GraphQLError("The data is of none of the types: " + ", ".join(members) + ".")
        return min(fitting, key=lambda name: len(fitting[name].all ^ present))

    return resolve


class DerivedVariants(SchemaBindable):
    """Binds how the members of unions and interfaces are told apart.

    Raises:
        DerivationError: when it is made, where members cannot be told apart.
    """

    def __init__(self, definitions: Iterable[Definition]) -> None:
        known = {definition.name: definition for definition in definitions}
        self._resolvers: dict[str, Any] = {}
        for definition in known.values():
            variants = getattr(definition, "variants", None)
            if variants is None:
                continue
            if variants.key is not None:
                self._resolvers[definition.name] = by_key(variants)
            else:
                members = {name: keys_of(known[name]) for name in variants.members}
                check(members, definition, variants)
                self._resolvers[definition.name] = by_keys(members)

    def bind_to_schema(self, schema: GraphQLSchema) -> None:
        for name, resolver in self._resolvers.items():
            bound: Any = schema.type_map[name]
            bound.resolve_type = resolver


def keys_of(definition: Definition) -> Keys:
    assert isinstance(definition, TypeDefinition)
    return Keys(definition.keys_always_there(), frozenset(f.key for f in definition.fields))


def check(members: Mapping[str, Keys], definition: Definition, variants: Variants) -> None:
    """Every member has a set of keys of its own."""
    seen: dict[frozenset[str], str] = {}
    assert isinstance(definition, UnionDefinition | TypeDefinition)
    for name, keys in members.items():
        if keys.all in seen:
            cause = f"{seen[keys.all]} and {name} of {definition.name} have the same keys."
            raise refuse("E006", variants.breadcrumb, cause, TELL_APART)
        seen[keys.all] = name
