"""
Choices as enums, with names that stay.

One enum per choices class, named after it (``Card.Status`` -> ``CardStatus``),
whoever uses it; plain choices get ``{Type}{Field}``. Django and DRF keep only
the pairs of a choices class, so the class is looked for where it can be meant:
the default's class, the model, the serializer, their modules. Values are named
by the class's members, else by the raw value, never by the label.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Choices, Field, Model
from rest_framework.fields import ChoiceField, ListField

from dcrf_graph.graphql.definitions import Definitions, EnumDefinition, EnumValue
from dcrf_graph.graphql.descriptions import text_of as text_of
from dcrf_graph.graphql.naming import LEGAL, RESERVED_ENUM_VALUES, constant

REMEDY = (
    "Rename one of them, or share one choices class; an enum class may say "
    'graphql_name = enum.nonmember("OtherName").'
)


def class_name(cls: type) -> str:
    """``Card.Status`` -> ``CardStatus``; a class inside a function goes without the function."""
    return "".join(cls.__qualname__.rpartition("<locals>.")[2].split("."))


def choices_class_of(column: Field[Any, Any] | None, field: ChoiceField) -> Any:
    """The choices class that a field's choices came from; None when not certain."""
    given = given_choices(field)
    if isinstance(given, type) and issubclass(given, Choices):
        return given
    wanted = labelled(field.choices.items())
    places = [*places_of_column(column), *places_of_field(field)]
    found = dict.fromkeys(
        candidate
        for candidate in candidates(column, places)
        if labelled(candidate.choices) == wanted
    )
    default = None if column is None else column.default
    if isinstance(default, Choices) and type(default) in found:
        return type(default)
    return next(iter(found)) if len(found) == 1 else None


def given_choices(field: ChoiceField) -> Any:
    """The choices as they were given: DRF keeps the arguments of a field, and reads them once."""
    arguments: Any = getattr(field, "_args", ())
    keywords: Any = getattr(field, "_kwargs", {})
    return keywords.get("choices", arguments[0] if arguments else None)


def labelled(choices: Iterable[tuple[Any, Any]]) -> dict[Any, str]:
    return {value: str(label) for value, label in choices if value not in ("", None)}


def places_of_column(column: Field[Any, Any] | None) -> list[Any]:
    """Where a model field's choices class may be defined: its model, its module."""
    if column is None:
        return []
    model = column.model
    return [*model.__mro__, sys.modules.get(model.__module__, object)]


def places_of_field(field: ChoiceField) -> list[Any]:
    """Where a serializer field's choices class may be: its serializer, its module, models there."""
    parent: Any = getattr(field, "parent", None)
    while isinstance(parent, ListField):
        parent = parent.parent
    if parent is None:
        return []
    module = sys.modules.get(type(parent).__module__, object)
    models = [value for value in vars(module).values() if is_model(value)]
    return [*type(parent).__mro__, module, *models]


def is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Model)


def candidates(column: Field[Any, Any] | None, places: Iterable[Any]) -> Iterator[type[Choices]]:
    """The choices classes of these places, and that of the column's default."""
    if column is not None and isinstance(column.default, Choices):
        yield type(column.default)
    for space in places:
        for value in list(vars(space).values()):
            if isinstance(value, type) and issubclass(value, Choices) and len(value):
                yield value


def define_class(definitions: Definitions, cls: type[enum.Enum]) -> str:
    """The enum of a Python enum class; returns its name."""
    given = getattr(cls, "graphql_name", None)
    name = given if isinstance(given, str) else class_name(cls)
    described = f"the choices class {cls.__module__}.{cls.__qualname__}"
    if definitions.reserve(name, cls, described, REMEDY):
        members = [
            (member.name, member.value, getattr(member, "label", ""))
            for member in cls
            if member.value not in ("", None)
        ]
        document = "" if is_inherited(cls) else text_of(cls.__doc__)
        definitions.add(EnumDefinition(name, tuple(named(members)), document))
    return name


def is_inherited(cls: type) -> bool:
    """Whether a class has no docstring of its own (Python 3.11 gives enums one)."""
    document = vars(cls).get("__doc__")
    return not document or document == "An enumeration."


def define_choices(
    definitions: Definitions,
    name: str,
    choices: Mapping[Any, Any],
    origin: object,
    described: str,
) -> str | None:
    """The enum of plain choices; None when there is nothing to choose from."""
    pairs = [(key, label) for key, label in choices.items() if key not in ("", None)]
    if not pairs:
        return None
    if definitions.reserve(name, origin, described, REMEDY):
        members = (("", key, label) for key, label in pairs)
        definitions.add(EnumDefinition(name, tuple(named(members))))
    return name


def named(members: Iterable[tuple[str, Any, Any]]) -> Iterator[EnumValue]:
    """Give each (member name, raw value, label) a legal, different name."""
    taken: set[str] = set()
    for member, raw, label in members:
        value = raw.value if isinstance(raw, enum.Enum) else raw
        name = member if is_legal(member) else constant(value)
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        said = text_of(label)
        yield EnumValue(
            candidate, value, "" if said == str(value) else worth_saying(candidate, said)
        )


def is_legal(member: str) -> bool:
    return (
        LEGAL.fullmatch(member) is not None
        and not member.startswith("__")
        and member not in RESERVED_ENUM_VALUES
    )


def worth_saying(name: str, label: str) -> str:
    """The label, unless it only repeats the name."""
    return "" if label.replace(" ", "_").replace("-", "_").upper() == name.upper() else label
