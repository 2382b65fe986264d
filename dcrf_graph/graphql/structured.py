"""
TypedDicts and dataclasses as GraphQL types: ``Place`` gives ``Place`` and ``PlaceInput``.

Their keys are native keys as they are; a key named ``id`` or ``pk`` is ``id: ID``
like everywhere. A dataclass names its type otherwise with
``graphql_name: ClassVar[str] = "OtherName"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dcrf_graph.graphql.definitions import FieldDefinition, TypeDefinition
from dcrf_graph.graphql.descriptions import cleaned
from dcrf_graph.graphql.enums import class_name
from dcrf_graph.graphql.naming import KEY_NAMES, KEY_TYPES, camel, checked, pascal
from dcrf_graph.graphql.problems import refuse
from dcrf_graph.structures import EMPTY, Member, Structure

if TYPE_CHECKING:
    from dcrf_graph.graphql.annotations import Annotated

RENAME = "Rename one of the classes; a dataclass may say graphql_name: ClassVar[str] instead."


def structure_type(structure: Structure, annotated: Annotated) -> str:
    """The name of a structure's type; ``JSON`` for one without keys."""
    written = annotated.direction != "output"
    name, noun = structure_names(structure, written=written)
    described = f"{structure.cls.__module__}.{structure.cls.__qualname__}"
    definitions = annotated.types.definitions
    place = f"{annotated.breadcrumb} > {structure.cls.__name__}"
    origin = (structure.cls, written)
    if not definitions.reserve(checked(name, place, RENAME), origin, described, RENAME):
        return name
    fields: dict[str, FieldDefinition] = {}
    for field in fields_of(structure, replace(annotated, breadcrumb=place), noun, written):
        if field.name in fields:
            cause = f"two keys are named {field.name!r} in GraphQL."
            raise refuse("E001", f"{place} > {field.key}", cause, "Rename one of them.")
        fields[field.name] = field
    if not fields:
        definitions.discard(name)
        return "JSON"
    definitions.add(
        TypeDefinition(
            "input" if written else "type",
            name,
            tuple(fields.values()),
            cleaned(structure.description),
        )
    )
    return name


def structure_names(structure: Structure, *, written: bool) -> tuple[str, str]:
    """The name of a structure's type, and what the names of its enums begin with."""
    base = getattr(structure.cls, "graphql_name", None)
    base = base if isinstance(base, str) else class_name(structure.cls)
    noun = base.removesuffix("Input")
    return (f"{noun}Input" if written else base), noun


def fields_of(
    structure: Structure, annotated: Annotated, noun: str, written: bool
) -> Iterator[FieldDefinition]:
    """The fields of the keys that are read, or that can be written."""
    for member in structure.members:
        if written and not member.given:
            continue
        place = f"{annotated.breadcrumb} > {member.name}"
        inside = replace(annotated, enum_name=noun + pascal(member.name), breadcrumb=place)
        text = member_type(member, inside)
        if not (member.required if written else member.always):
            text = text.removesuffix("!")
        field = camel(member.name)
        if member.name in KEY_NAMES and text.rstrip("!") in KEY_TYPES:
            field, text = "id", "ID!" if text.endswith("!") else "ID"
        yield FieldDefinition(
            checked(field, place, "Rename it."), text, member.name, cleaned(member.description)
        )


def member_type(member: Member, annotated: Annotated) -> str:
    if member.annotation is EMPTY:
        annotated.unknown("that cannot be resolved")
        return "JSON"
    return annotated.type_of(member.annotation)
