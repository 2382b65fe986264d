"""
Serializers as GraphQL types: ``CardSerializer`` gives ``Card``, ``CardInput``, ``CardPatchInput``.

The object type has what DRF writes, the inputs what it reads; in the patch
input everything may be left out. The model's primary key is ``id: ID!``
whatever the serializer calls it. Which type a field has is in ``fields``,
whether it can be null in ``sources``.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from django.db import models
from rest_framework import serializers

from dcrf_graph.graphql import scalars
from dcrf_graph.graphql.definitions import (
    Definitions,
    EnumDefinition,
    EnumValue,
    FieldDefinition,
    TypeDefinition,
)
from dcrf_graph.graphql.enums import text_of
from dcrf_graph.graphql.fields import Site, type_of
from dcrf_graph.graphql.naming import camel, checked, pascal
from dcrf_graph.graphql.problems import Problems, refuse
from dcrf_graph.graphql.sources import (
    AnyField,
    Source,
    input_is_nullable,
    may_be_blank,
    model_of,
    output_is_nullable,
    source_of,
)

Direction: TypeAlias = Literal["output", "input", "patch"]

SUFFIXES: dict[Direction, str] = {"output": "", "input": "Input", "patch": "PatchInput"}
GRAPHQL_OWN = ("Int", "Float", "String", "Boolean", "ID", "Query", "Mutation", "Subscription")
KEY_NAMES = ("id", "pk")
KEY_TYPES = ("Int", "BigInt", "String", "UUID", "ID")
RENAME = (
    'Rename one of the classes, or name its type: `class Meta: graphql_name = "OtherName"` '
    "in the serializer."
)
CHANGE_ACTIONS = EnumDefinition(
    "ChangeAction",
    (
        EnumValue("CREATE", "create", "It was created, or came into view."),
        EnumValue("UPDATE", "update", "It was changed."),
        EnumValue("DELETE", "delete", "It was deleted, or left the view."),
    ),
    "What happened to an object.",
)


class Types:
    """The named types of one schema, made as they are asked for."""

    def __init__(self) -> None:
        self.definitions = Definitions()
        self.problems = Problems()
        self._serializers: dict[type, Any] = {}
        self._generated: dict[type, str] = {}
        for name in (*GRAPHQL_OWN, *scalars.DESCRIPTIONS):
            self.definitions.reserve(name, name, f"GraphQL's or this library's own {name}", RENAME)

    def named(
        self,
        serializer: Any,
        direction: Direction,
        breadcrumb: str,
        parent: tuple[str, str] | None = None,
    ) -> str:
        """The name of a serializer's type; ``JSON`` where there is nothing to describe.

        Args:
            serializer: a serializer class or instance, not a list of them.
            parent: owner's name and field, where it is nested: names the
                serializers that DRF generates for ``Meta.depth``.

        Raises:
            DerivationError: if another serializer has the name, a field's
                name is not legal, or the serializer cannot be made.
        """
        cls = serializer if isinstance(serializer, type) else type(serializer)
        if not issubclass(cls, serializers.Serializer):
            return "JSON"
        base = self.base_name(cls, parent, breadcrumb)
        name = base + SUFFIXES[direction]
        described = f"{cls.__module__}.{cls.__qualname__}"
        if not self.definitions.reserve(name, (cls, direction), described, RENAME):
            return name
        made = tuple(self.fields(cls, base, direction, f"{breadcrumb} > {cls.__name__}"))
        if not made:
            self.definitions.discard(name)
            return "JSON"
        keyword: Literal["type", "input"] = "type" if direction == "output" else "input"
        document = text_of(vars(cls).get("__doc__")) if direction == "output" else ""
        self.definitions.add(TypeDefinition(keyword, name, made, cleaned(document)))
        return name

    def base_name(self, cls: type, parent: tuple[str, str] | None, breadcrumb: str) -> str:
        """``CardSerializer`` -> ``Card``, or ``Meta.graphql_name``."""
        given = getattr(getattr(cls, "Meta", None), "graphql_name", None)
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
        self, cls: type, base: str, direction: Direction, breadcrumb: str
    ) -> list[FieldDefinition]:
        """The fields of a serializer's type, in the serializer's order."""
        model = model_of(cls)
        made: dict[str, FieldDefinition] = {}
        for key, field in self.serializer(cls, breadcrumb).fields.items():
            if not takes_part(field, direction):
                continue
            source = source_of(model, field)
            if is_key(model, source) and "id" in made:
                continue
            site = Site(self, base, key, direction, f"{breadcrumb} > {key}", source)
            definition = self.field(field, site, model)
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
        self, field: AnyField, site: Site, model: type[models.Model] | None
    ) -> FieldDefinition:
        """One field: its name, type, nullability and description."""
        text = type_of(field, site)
        name = camel(site.name)
        key = is_key(model, site.source) and text.rstrip("!") in KEY_TYPES
        if key or (site.name in KEY_NAMES and text.rstrip("!") in KEY_TYPES):
            name, text = "id", "ID"
        if text.endswith("!"):
            text = text if site.direction == "output" and not field.allow_null else text[:-1]
        elif not self.is_nullable(field, site, name == "id") and text != "JSON":
            text += "!"
        elif text == "JSON" and site.direction == "input" and field.required:
            text += "" if field.allow_null else "!"
        return FieldDefinition(
            name=checked(name, site.breadcrumb, "Rename the field (source= keeps its value)."),
            type=text,
            key=site.name,
            description=cleaned(text_of(field.help_text)),
            blank=may_be_blank(field)
            and (site.direction == "output" or not field.allow_null)
            and self.definitions.enum(text.rstrip("!")) is not None,
        )

    def is_nullable(self, field: AnyField, site: Site, key: bool) -> bool:
        if site.direction == "output":
            return not key and output_is_nullable(field, site.source)
        return may_be_blank(field) or input_is_nullable(field, partial=site.direction == "patch")

    def event(self, data: str) -> str:
        """``Card`` -> ``CardEvent``; of untyped data ``ChangeEvent``."""
        name = "ChangeEvent" if data == "JSON" else f"{data}Event"
        if self.definitions.reserve(name, ("event", data), f"the events of {data}", RENAME):
            self.change_action()
            self.definitions.add(
                TypeDefinition(
                    "type",
                    name,
                    (
                        FieldDefinition("action", "ChangeAction!", "action"),
                        FieldDefinition("id", "ID!", "id", "The key of the object."),
                        FieldDefinition(
                            "data",
                            data,
                            "data",
                            "The object; null when a deletion carries none.",
                        ),
                    ),
                    "A change of an object." if data == "JSON" else f"A change of one `{data}`.",
                )
            )
        return name

    def change_action(self) -> None:
        name = CHANGE_ACTIONS.name
        if self.definitions.reserve(name, name, f"this library's own {name}", RENAME):
            self.definitions.add(CHANGE_ACTIONS)


def takes_part(field: AnyField, direction: Direction) -> bool:
    """Whether DRF reads or writes the field, whichever is asked."""
    if isinstance(field, serializers.HiddenField):
        return False
    if direction == "output":
        return not field.write_only
    # DRF does not tell a list of relations that what it lists cannot be written.
    return not field.read_only and not getattr(field, "child_relation", field).read_only


def is_key(model: type[models.Model] | None, source: Source) -> bool:
    """Whether the value is the primary key of the serializer's own model."""
    return model is not None and source.column is not None and source.column == model._meta.pk


def cleaned(text: str) -> str:
    """A docstring or help text without its indentation and trailing spaces."""
    lines = text.expandtabs().splitlines()
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(margins, default=0)
    return "\n".join(
        [line.strip() if not index else line[margin:].rstrip() for index, line in enumerate(lines)]
    ).strip()
