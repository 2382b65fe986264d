"""
Serializers as GraphQL types: ``CardSerializer`` gives ``Card``, ``CardInput``, ``CardPatchInput``.

The object type has what DRF writes, the inputs what it reads; in the patch
input everything may be left out. The model's primary key is ``id: ID!``
whatever the serializer calls it. Which type a field has is in ``fields``,
whether it can be null in ``sources``, what it is called in ``descriptions``.

A serializer may say in its Meta: ``graphql_name``, the type's name;
``graphql_deprecated``, ``{"field": "reason"}``; ``graphql_types``, see
``polymorphic``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers

from dcrf_graph.graphql import scalars, spectacular
from dcrf_graph.graphql.annotations import Annotated, is_object, is_scalar
from dcrf_graph.graphql.definitions import (
    Definitions,
    FieldDefinition,
    OneOf,
    TypeDefinition,
    UnionDefinition,
    Variants,
)
from dcrf_graph.graphql.descriptions import cleaned as cleaned
from dcrf_graph.graphql.descriptions import description_of, text_of
from dcrf_graph.graphql.fields import Site, type_of
from dcrf_graph.graphql.naming import KEY_NAMES, KEY_TYPES, camel, checked, pascal
from dcrf_graph.graphql.polymorphic import Members, field_names, members_of
from dcrf_graph.graphql.problems import Problems, refuse
from dcrf_graph.graphql.sources import (
    AnyField,
    Source,
    input_is_nullable,
    may_be_blank,
    model_of,
    output_is_nullable,
    return_annotation,
    source_of,
    writes_itself,
)

if TYPE_CHECKING:
    from dcrf_graph.graphql.links import Link
    from dcrf_graph.graphql.operations import Registered

Direction: TypeAlias = Literal["output", "input", "patch"]

SUFFIXES: dict[Direction, str] = {"output": "", "input": "Input", "patch": "PatchInput"}
GRAPHQL_OWN = ("Int", "Float", "String", "Boolean", "ID", "Query", "Mutation", "Subscription")
RENAME = (
    'Rename one of the classes, or name its type: `class Meta: graphql_name = "OtherName"` '
    "in the serializer."
)


class Types:
    """The named types of one schema, made as they are asked for."""

    def __init__(self, registrations: Iterable[Registered] = ()) -> None:
        self.registrations = tuple(registrations)
        self.definitions = Definitions()
        self.problems = Problems()
        self.links: dict[tuple[str, str], Link] = {}
        self._serializers: dict[type, Any] = {}
        self._generated: dict[type, str] = {}
        self._interfaces: list[str] = []
        self._written: set[tuple[str, type[models.Model]]] = set()
        for name in (*GRAPHQL_OWN, *scalars.DESCRIPTIONS):
            self.definitions.reserve(name, name, f"GraphQL's or this library's own {name}", RENAME)

    def named(
        self,
        serializer: Any,
        direction: Direction,
        breadcrumb: str,
        parent: tuple[str, str] | None = None,
        model: type[models.Model] | None = None,
    ) -> str:
        """The name of a serializer's type; ``JSON`` where there is nothing to describe.

        Args:
            serializer: a serializer class or instance, not a list of them.
            parent: owner's name and field, where it is nested: names the
                serializers that DRF generates for ``Meta.depth``.
            model: what it writes rows of, where its Meta names none: which of its
                fields may be null then. One that writes several counts each.

        Raises:
            DerivationError: if another serializer has the name, a field's
                name is not legal, or the serializer cannot be made.
        """
        cls = serializer if isinstance(serializer, type) else type(serializer)
        members = members_of(cls)
        if members is not None:
            return self.polymorphic(cls, members, direction, breadcrumb)
        if writes_itself(cls) and direction == "output":
            written = self.written(cls, breadcrumb)
            if written is not None:
                return written
        if not issubclass(cls, serializers.Serializer):
            return "JSON"
        base = self.base_name(cls, parent, breadcrumb)
        return self.defined(cls, base, direction, breadcrumb, model)

    def defined(
        self,
        cls: Any,
        base: str,
        direction: Direction,
        breadcrumb: str,
        model: type[models.Model] | None = None,
    ) -> str:
        """Define the type of a serializer's fields; ``JSON`` where it has none."""
        if direction != "output" or model_of(cls) is not None:
            model = None
        name = base + SUFFIXES[direction]
        described = f"{cls.__module__}.{cls.__qualname__}"
        if not self.definitions.reserve(name, (cls, direction), described, RENAME):
            if model is not None and (name, model) not in self._written:
                self._written.add((name, model))
                self.weaken(name, self.fields(cls, base, direction, breadcrumb, model))
            return name
        if model is not None:
            self._written.add((name, model))
        made = tuple(self.fields(cls, base, direction, f"{breadcrumb} > {cls.__name__}", model))
        if not made:
            self.definitions.discard(name)
            return "JSON"
        keyword: Literal["type", "input"] = "type" if direction == "output" else "input"
        document = self.document(cls) if direction == "output" else ""
        self.definitions.add(TypeDefinition(keyword, name, made, document))
        return name

    def weaken(self, name: str, fields: Iterable[FieldDefinition]) -> None:
        """Let what is null of rows of another model be null in the type."""
        found = self.definitions.get(name)
        if isinstance(found, TypeDefinition):
            null = {field.key for field in fields if not field.type.endswith("!")}
            weak = (
                replace(field, type=field.type.removesuffix("!")) if field.key in null else field
                for field in found.fields
            )
            self.definitions.add(replace(found, fields=tuple(weak)))

    def document(self, cls: Any) -> str:
        """What a type is: the serializer's own docstring."""
        told = spectacular.told(cls, "description")
        return cleaned(text_of(told if told is not None else vars(cls).get("__doc__")))

    def written(self, cls: Any, breadcrumb: str) -> str | None:
        """The type of what ``to_representation`` says that it returns; None for the fields'."""
        annotation = return_annotation(cls.to_representation)
        place = f"{breadcrumb} > {cls.__name__}"
        if annotation is not cls and (is_object(annotation) or is_scalar(annotation)):
            inside = Annotated(self, "output", cls.__name__.removesuffix("Serializer"), place)
            return inside.type_of(annotation).removesuffix("!")
        is_serializer = issubclass(cls, serializers.Serializer)
        self.problems.report(
            "W011",
            place,
            "its to_representation() is its own, and says no type.",
            "The schema has its fields, any of which may be null."
            if is_serializer
            else "Its type is JSON.",
            "Annotate what it returns with a TypedDict.",
        )
        return None

    def polymorphic(self, cls: Any, members: Members, direction: Direction, breadcrumb: str) -> str:
        """The union of a polymorphic serializer, or its interface; as input one of several."""
        if direction != "output":
            return self.one_of(cls, members, direction, breadcrumb)
        base = self.base_name(cls, None, breadcrumb)
        place = f"{breadcrumb} > {cls.__name__}"
        if self.definitions.owner(base) == (cls, direction):
            return base
        plain = issubclass(cls, serializers.Serializer)
        fields = self.serializer(cls, place).fields.values() if plain else ()
        if not any(takes_part(field, "output") for field in fields):
            options = [member for _, member in members.serializers]
            values = None if members.key is None else [value for value, _ in members.serializers]
            document = self.document(cls)
            return self.union(base, options, members.key, place, values, document, origin=cls)
        self.defined(cls, base, "output", breadcrumb)
        interface = self.definitions.get(base)
        assert isinstance(interface, TypeDefinition)
        names = tuple(
            (value, self.named(each, "output", place)) for value, each in members.serializers
        )
        variants = Variants(members.key, names, place)
        self.definitions.add(replace(interface, keyword="interface", variants=variants))
        self._interfaces.append(base)
        return base

    def one_of(self, cls: Any, members: Members, direction: Direction, breadcrumb: str) -> str:
        """The input of a polymorphic serializer; ``JSON`` where a member reads no known fields."""
        name = self.base_name(cls, None, breadcrumb) + SUFFIXES[direction]
        place = f"{breadcrumb} > {cls.__name__}"
        described = f"{cls.__module__}.{cls.__qualname__}"
        if not self.definitions.reserve(name, (cls, direction), described, RENAME):
            return name
        inputs = [self.named(each, direction, place) for _, each in members.serializers]
        if "JSON" in inputs or not inputs:
            self.definitions.discard(name)
            self.problems.report(
                "W014",
                place,
                "one of the serializers that it chooses from has no fields that it reads.",
                "As an input it is JSON.",
                "Give each of graphql_types fields, or leave it out.",
            )
            return "JSON"
        values = [value for value, _ in members.serializers]
        names = field_names([each.removesuffix(SUFFIXES[direction]) for each in inputs], values)
        fields = tuple(
            FieldDefinition(checked(field, place, RENAME), text, field)
            for field, text in zip(names, inputs, strict=True)
        )
        tags = OneOf(members.key, tuple(zip(names, members.raw, strict=True)))
        document = "Exactly one of them."
        self.definitions.add(
            TypeDefinition("input", name, fields, document, directives=("@oneOf",), one_of=tags)
        )
        return name

    def finish(self) -> None:
        """Let the members of interfaces say so, when all types are made.

        Raises:
            DerivationError: if one has not the fields of its interface.
        """
        for interface in self._interfaces:
            wanted = self.definitions.get(interface)
            assert isinstance(wanted, TypeDefinition)
            assert wanted.variants is not None
            for name in wanted.variants.members:
                self.implement(name, wanted, wanted.variants.breadcrumb)

    def implement(self, name: str, wanted: TypeDefinition, breadcrumb: str) -> None:
        interface = wanted.name
        self.share_enums(name, wanted)
        self.weaken(interface, self.fields_of(name))
        own = {field.name: field.type for field in self.fields_of(name)}
        for field in self.fields_of(interface):
            if own.get(field.name) not in (field.type, f"{field.type}!"):
                cause = (
                    f"{name} is to implement {interface}, and has no {field.name}: {field.type}."
                )
                remedy = "Give its serializer that field, e.g. by deriving it from the other one."
                raise refuse("E006", breadcrumb, cause, remedy)
        self.definitions.implement(name, interface)

    def share_enums(self, name: str, wanted: TypeDefinition) -> None:
        """Let a member and its interface have one enum of what both choose from."""
        own = {field.name: field.type.strip("[]!") for field in self.fields_of(name)}
        for field in wanted.fields:
            self.definitions.share_enum(own.get(field.name, ""), field.type.strip("[]!"))

    def fields_of(self, name: str) -> tuple[FieldDefinition, ...]:
        found = self.definitions.get(name)
        return found.fields if isinstance(found, TypeDefinition) else ()

    def union(
        self,
        name: str,
        options: Iterable[Any],
        key: str | None,
        breadcrumb: str,
        values: Iterable[str] | None = None,
        document: str = "",
        origin: Any = None,
    ) -> str:
        """The name of a union of serializers, TypedDicts or dataclasses.

        Args:
            key: the native key whose value, of ``values``, tells them apart; without it the
                keys do that they write.
        """
        options = tuple(options)
        if not self.definitions.reserve(
            name, (origin or options, "union"), f"the union of {breadcrumb}", RENAME
        ):
            return name
        inside = Annotated(self, "output", name, breadcrumb)
        names = [inside.type_of(option).rstrip("!") for option in options]
        pairs = tuple(zip(names if values is None else values, names, strict=True))
        if "JSON" in names:
            self.definitions.discard(name)
            return "JSON"
        variants = Variants(key, pairs, breadcrumb)
        self.definitions.add(UnionDefinition(name, variants, document))
        return name

    def base_name(self, cls: type, parent: tuple[str, str] | None, breadcrumb: str) -> str:
        """``CardSerializer`` -> ``Card``; or ``Meta.graphql_name``, or spectacular's name."""
        given = getattr(getattr(cls, "Meta", None), "graphql_name", None)
        if given is None:
            given = vars(cls).get(spectacular.MARK, {}).get("component_name")
        if given is not None:
            return checked(str(given), f"{breadcrumb} > {cls.__name__}", RENAME)
        if cls.__module__ == serializers.__name__ and parent is not None:
            return self._generated.setdefault(cls, parent[0] + pascal(parent[1]))
        name = cls.__name__.removesuffix("Serializer") or cls.__name__
        return checked(name, f"{breadcrumb} > {cls.__name__}", RENAME)

    def serializer(self, cls: type, breadcrumb: str) -> Any:
        """One instance of a serializer class, kept: DRF generates nested classes per instance."""
        if cls not in self._serializers:
            try:
                instance = cls()
                assert instance.fields is not None
            except Exception as error:
                # Any code of the application may run in get_fields().
                cause = f"its fields cannot be read: {error!r}."
                remedy = "If it needs a request, let its get_fields() and __init__() do without."
                raise refuse("E003", breadcrumb, cause, remedy) from error
            self._serializers[cls] = instance
        return self._serializers[cls]

    def fields(
        self,
        cls: type,
        base: str,
        direction: Direction,
        breadcrumb: str,
        written: type[models.Model] | None = None,
    ) -> list[FieldDefinition]:
        """The fields of a serializer's type, in the serializer's order."""
        model = model_of(cls)
        made: dict[str, FieldDefinition] = {}
        deprecated = deprecations(cls)
        for key, field in self.serializer(cls, breadcrumb).fields.items():
            if not takes_part(field, direction):
                continue
            source = source_of(model, field)
            if is_key(model, source) and "id" in made:
                continue
            found = source if written is None else source_of(written, field)
            site = Site(self, base, key, direction, f"{breadcrumb} > {key}", source, found)
            definition = self.field(field, site, model, deprecated.get(key))
            if definition.name in made:
                cause = (
                    f"the fields {made[definition.name].key!r} and {key!r} both become "
                    f"{definition.name!r} in GraphQL."
                )
                remedy = "Rename one of them (source= keeps where its value comes from)."
                raise refuse("E001", breadcrumb, cause, remedy)
            made[definition.name] = definition
        return list(made.values())

    def field(
        self,
        field: AnyField,
        site: Site,
        model: type[models.Model] | None,
        deprecated: str | None = None,
    ) -> FieldDefinition:
        """One field: its name, type, nullability and words."""
        text = type_of(field, site)
        name = camel(getattr(field, "graphql_name", site.name))
        key = is_key(model, site.source) and text.rstrip("!") in KEY_TYPES
        if key or (site.name in KEY_NAMES and text.rstrip("!") in KEY_TYPES):
            name, text = "id", "ID"
        text = self.with_null(field, site, text, is_id=name == "id")
        required = text.endswith("!") and site.direction != "output"
        return FieldDefinition(
            name=checked(name, site.breadcrumb, "Rename the field (source= keeps its value)."),
            type=text,
            key=site.name,
            description=description_of(field, site.name, model),
            # GraphQL deprecates nothing that has to be given.
            deprecated=None if required else deprecated,
            blank=may_be_blank(field)
            and (site.direction == "output" or not field.allow_null)
            and self.definitions.enum(text.rstrip("!")) is not None,
            column=column_of(field, model),
        )

    def with_null(self, field: AnyField, site: Site, text: str, *, is_id: bool) -> str:
        """The type with ``!`` where null is excluded.

        A type that has it already was read from an annotation, which knows better.
        """
        plain = text.removesuffix("!")
        if site.direction != "output":
            partial = site.direction == "patch"
            free = may_be_blank(field) or input_is_nullable(field, partial=partial)
            return plain if free else f"{plain}!"
        if is_id:
            return f"{plain}!"
        parent = getattr(field, "parent", None)
        if field.allow_null or (parent is not None and may_write_nulls(type(parent))):
            return plain
        if text == "JSON" and not isinstance(field, serializers.DictField):
            return plain  # null is JSON too
        nullable = output_is_nullable(field, site.source) or bool(
            site.found and site.found.nullable
        )
        known = text.endswith("!") or not nullable
        return f"{plain}!" if known else plain


def takes_part(field: AnyField, direction: Direction) -> bool:
    """Whether DRF reads or writes the field, whichever is asked."""
    if isinstance(field, serializers.HiddenField):
        return False
    if direction == "output":
        return not field.write_only
    # DRF does not tell a list of relations that what it lists cannot be written.
    return not field.read_only and not getattr(field, "child_relation", field).read_only


def column_of(field: AnyField, model: type[models.Model] | None) -> str | None:
    """The field of the serializer's model that a value comes from, if it comes from one."""
    if model is None or not field.source:
        return None
    try:
        return model._meta.get_field(field.source.split(".")[0]).name
    except FieldDoesNotExist:
        return None


def is_key(model: type[models.Model] | None, source: Source) -> bool:
    """Whether the value is the primary key of the serializer's own model."""
    return model is not None and source.column is not None and source.column == model._meta.pk


def may_write_nulls(cls: type) -> bool:
    """Whether a serializer's own ``to_representation`` may write null for any field.

    A polymorphic one writes what its members write.
    """
    return writes_itself(cls) and members_of(cls) is None


def deprecations(cls: Any) -> dict[str, str]:
    """The deprecated fields of a serializer and why, by its Meta or as spectacular was told."""
    told = spectacular.told(cls, "deprecate_fields") or ()
    given = getattr(getattr(cls, "Meta", None), "graphql_deprecated", None) or {}
    return {**{str(name): "No longer supported." for name in told}, **given}
