"""
Objects of known members: TypedDicts and dataclasses, read alike.

Arguments are checked, and GraphQL types made, from the same members.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any

from dcrf_graph.docstrings import attributes, summary

EMPTY = inspect.Parameter.empty


@dataclass(frozen=True)
class Member:
    """One key of a TypedDict, or one field of a dataclass.

    ``required``: it has to be given; ``given``: it can be. ``always``: it is there when it is read.
    ``annotation`` is ``inspect.Parameter.empty`` where it cannot be resolved;
    ``default`` is that too where there is none that can be told.
    """

    name: str
    annotation: Any
    required: bool
    always: bool
    given: bool = True
    default: Any = EMPTY
    description: str = ""


@dataclass(frozen=True)
class Structure:
    """A class of objects with known members; ``is_dict`` for a TypedDict."""

    cls: type
    members: tuple[Member, ...]
    is_dict: bool
    description: str = ""


@cache
def structure_of(annotation: Any) -> Structure | None:
    """The members of a TypedDict or dataclass; None for anything else."""
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, dict) and hasattr(annotation, "__required_keys__"):
        return typed_dict(annotation)
    return data_class(annotation) if dataclasses.is_dataclass(annotation) else None


def typed_dict(cls: Any) -> Structure:
    hints = hints_of(cls, include_extras=True)
    plain = hints_of(cls)
    texts = attributes(cls.__doc__)
    members = []
    for name in hints:
        required = name in cls.__required_keys__
        # Where annotations are postponed, Python counts every key as its class says.
        origin = typing.get_origin(hints.get(name))
        if origin is typing.NotRequired or origin is typing.Required:
            required = origin is typing.Required
        members.append(
            Member(
                name,
                plain.get(name, EMPTY),
                required,
                always=required,
                description=texts.get(name, ""),
            )
        )
    return Structure(cls, tuple(members), is_dict=True, description=own_document(cls))


def data_class(cls: Any) -> Structure:
    hints = hints_of(cls)
    texts = attributes(cls.__doc__)
    members = []
    for field in dataclasses.fields(cls):
        has_default = field.default is not dataclasses.MISSING
        members.append(
            Member(
                field.name,
                hints.get(field.name, EMPTY),
                required=field.init
                and not has_default
                and field.default_factory is dataclasses.MISSING,
                always=True,
                given=field.init,
                default=field.default if has_default else EMPTY,
                description=str(field.metadata.get("description", texts.get(field.name, ""))),
            )
        )
    return Structure(cls, tuple(members), is_dict=False, description=own_document(cls))


def hints_of(cls: type, *, include_extras: bool = False) -> dict[str, Any]:
    """The resolved annotations of a class; ``EMPTY`` for those with a name that is not found."""
    try:
        return typing.get_type_hints(cls, include_extras=include_extras)
    except (NameError, TypeError):
        raw = inspect.get_annotations(cls)
        unresolved = (str, typing.ForwardRef)
        return {k: EMPTY if isinstance(v, unresolved) else v for k, v in raw.items()}


def own_document(cls: type) -> str:
    """The first paragraph of a class's own docstring; Python gives dataclasses their signature."""
    document = vars(cls).get("__doc__") or ""
    return "" if document.startswith(f"{cls.__name__}(") else summary(document)
