"""
Choices as enums, with names that stay.

One enum per choices class, named after it (``Card.Status`` -> ``CardStatus``),
whoever uses it; plain choices get ``{Type}{Field}``. Django keeps only the pairs
of a choices class, so the class is looked for where it can be meant: the
default's class, the model, the module. Values are named by the class's members,
else by the raw value, never by the label.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Choices, Field
from django.utils import translation

from dcrf_graph.graphql.definitions import Definitions, EnumDefinition, EnumValue
from dcrf_graph.graphql.naming import LEGAL, RESERVED_ENUM_VALUES, constant

REMEDY = "Rename one of them, or share one choices class."


def text_of(value: Any) -> str:
    """A label or help text, untranslated: a contract does not depend on who is asking."""
    with translation.override(None):
        return str(value or "").strip()


def class_name(cls: type) -> str:
    """``Card.Status`` -> ``CardStatus``; a class inside a function goes without the function."""
    return "".join(cls.__qualname__.rpartition("<locals>.")[2].split("."))


def choices_class_of(column: Field[Any, Any] | None, choices: Mapping[Any, Any]) -> Any:
    """The choices class that a model field's choices came from; None when not certain."""
    if column is None:
        return None
    wanted = {key: str(label) for key, label in choices.items() if key not in ("", None)}
    found = {
        candidate: None
        for candidate in candidates(column)
        if {value: str(label) for value, label in candidate.choices if value not in ("", None)}
        == wanted
    }
    default = column.default
    if isinstance(default, Choices) and type(default) in found:
        return type(default)
    return next(iter(found)) if len(found) == 1 else None


def candidates(column: Field[Any, Any]) -> Iterator[type[Choices]]:
    """Choices classes near a model field: its default's, its models' own, its module's."""
    if isinstance(column.default, Choices):
        yield type(column.default)
    model = column.model
    places: list[Any] = [*model.__mro__, sys.modules.get(model.__module__, object)]
    for space in places:
        for value in list(vars(space).values()):
            if isinstance(value, type) and issubclass(value, Choices) and len(value):
                yield value


def define_class(definitions: Definitions, cls: type[enum.Enum]) -> str:
    """The enum of a Python enum class; returns its name."""
    name = class_name(cls)
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
        yield EnumValue(candidate, value, worth_saying(candidate, text_of(label)))


def is_legal(member: str) -> bool:
    return (
        LEGAL.fullmatch(member) is not None
        and not member.startswith("__")
        and member not in RESERVED_ENUM_VALUES
    )


def worth_saying(name: str, label: str) -> str:
    """The label, unless it only repeats the name."""
    return "" if label.replace(" ", "_").replace("-", "_").upper() == name.upper() else label
