"""
What the SDL is made of, as values, and their text.

SDL is the source of the schema: it is written from these values and bound by
Ariadne. The values stay beside it, because the native key of a field
(``first_name`` of ``firstName``) is not in the text. Knows no serializer and no
consumer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from graphql import StringValueNode, print_ast

from dcrf_graph.graphql.problems import refuse


@dataclass(frozen=True)
class ArgumentDefinition:
    """An argument of a field: ``limit: Int = 20``; ``default`` is SDL text."""

    name: str
    type: str
    description: str = ""
    default: str | None = None


@dataclass(frozen=True)
class FieldDefinition:
    """A field of a type or input; ``key`` is its name in native JSON.

    ``blank``: natively ``""`` stands for "none", which GraphQL calls null. ``column``: the field
    of the model that its value comes from.
    """

    name: str
    type: str
    key: str
    description: str = ""
    arguments: tuple[ArgumentDefinition, ...] = ()
    deprecated: str | None = None
    blank: bool = False
    column: str | None = None


@dataclass(frozen=True)
class Variants:
    """How the members of a union or interface are told apart in native JSON.

    By the value under ``key``: ``names`` has the member's type for each. Without
    a key by the keys that the data has; ``names`` has the types as keys too.
    """

    key: str | None
    names: tuple[tuple[str, str], ...]
    breadcrumb: str

    @property
    def members(self) -> tuple[str, ...]:
        """The types of the members, each once."""
        return tuple(dict.fromkeys(name for _, name in self.names))


@dataclass(frozen=True)
class OneOf:
    """How an input of which one field is given is written in native JSON.

    As what is given, with the value of ``tags`` under ``key``, where there is a key.
    """

    key: str | None
    tags: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class TypeDefinition:
    """An object, input or interface type; only an interface has variants, only an input one_of.

    ``directives`` are SDL text, e.g. ``@key(fields: "id")``.
    """

    keyword: Literal["type", "input", "interface"]
    name: str
    fields: tuple[FieldDefinition, ...]
    description: str = ""
    interfaces: tuple[str, ...] = ()
    variants: Variants | None = None
    directives: tuple[str, ...] = ()
    one_of: OneOf | None = None

    def names_by_column(self) -> dict[str, list[str]]:
        """The fields whose values come from each field of the model."""
        names: dict[str, list[str]] = {}
        for field in self.fields:
            if field.column is not None:
                names.setdefault(field.column, []).append(field.name)
        return names

    def keys_always_there(self) -> frozenset[str]:
        """The native keys of the fields that are never null."""
        return frozenset(field.key for field in self.fields if field.type.endswith("!"))


@dataclass(frozen=True)
class EnumValue:
    """A value of an enum; ``value`` is the raw choice in native JSON."""

    name: str
    value: Any
    description: str = ""


@dataclass(frozen=True)
class EnumDefinition:
    """An enum."""

    name: str
    values: tuple[EnumValue, ...]
    description: str = ""


@dataclass(frozen=True)
class ScalarDefinition:
    """A custom scalar."""

    name: str
    description: str = ""


@dataclass(frozen=True)
class UnionDefinition:
    """A union of object types."""

    name: str
    variants: Variants
    description: str = ""


LONGEST = 90
"""Characters of arguments on one line."""

Definition = TypeDefinition | UnionDefinition | EnumDefinition | ScalarDefinition


class Definitions:
    """The named definitions of one schema; each name belongs to one origin.

    An origin is what a definition was made from (a serializer class, a choices
    class); asking again for the same one is fine, a second one is an error.
    """

    def __init__(self) -> None:
        self._origins: dict[str, tuple[object, str]] = {}
        self._definitions: dict[str, Definition] = {}

    def reserve(self, name: str, origin: object, described: str, remedy: str) -> bool:
        """Claim a name; False when this origin has it already.

        Raises:
            DerivationError: when another origin has it, naming both.
        """
        if name not in self._origins:
            self._origins[name] = (origin, described)
            return True
        other, other_described = self._origins[name]
        if other != origin:
            cause = f"{other_described} and {described} both want the GraphQL name {name!r}."
            raise refuse("E001", described, cause, remedy)
        return False

    def add(self, definition: Definition) -> None:
        """Define what was reserved."""
        self._definitions[definition.name] = definition

    def implement(self, name: str, interface: str) -> None:
        """Let an object type say that it implements an interface."""
        found = self._definitions[name]
        assert isinstance(found, TypeDefinition)
        if interface not in found.interfaces:
            interfaces = tuple(sorted((*found.interfaces, interface)))
            self._definitions[name] = replace(found, interfaces=interfaces)

    def share_enum(self, name: str, other: str) -> None:
        """Make one enum of two with equal values, of which one at least is of plain choices."""
        enum, same = self.enum(name), self.enum(other)
        if name == other or enum is None or same is None or raw(enum) != raw(same):
            return
        if isinstance(self.owner(name), type):
            name, other = other, name
        if isinstance(self.owner(name), type):
            return  # two classes are two enums
        del self._definitions[name]
        for key, found in self._definitions.items():
            if isinstance(found, TypeDefinition):
                self._definitions[key] = renamed(found, name, other)

    def discard(self, name: str) -> None:
        """Give a reserved name back: nothing was to be defined."""
        self._origins.pop(name)

    def owner(self, name: str) -> object:
        """The origin that has a name; None where nobody has it."""
        return self._origins.get(name, (None, ""))[0]

    def get(self, name: str) -> Definition | None:
        return self._definitions.get(name)

    def enum(self, name: str) -> EnumDefinition | None:
        """The enum of that name, if it is one."""
        found = self._definitions.get(name)
        return found if isinstance(found, EnumDefinition) else None

    def __iter__(self) -> Iterator[Definition]:
        """By name, scalars last: what belongs together stands together."""
        return iter(
            sorted(
                self._definitions.values(),
                key=lambda d: (isinstance(d, ScalarDefinition), d.name),
            )
        )


def raw(enum: EnumDefinition) -> dict[str, Any]:
    """The values of an enum, by their names."""
    return {value.name: value.value for value in enum.values}


def renamed(definition: TypeDefinition, name: str, other: str) -> TypeDefinition:
    """A definition whose fields of one type are of another."""
    fields = tuple(
        replace(field, type=field.type.replace(name, other))
        if field.type.strip("[]!") == name
        else field
        for field in definition.fields
    )
    return replace(definition, fields=fields)


def description_text(description: str, indent: str = "") -> str:
    """A description as a block string with its line break, or nothing."""
    if not description:
        return ""
    block = print_ast(StringValueNode(value=description, block=True))
    return "".join(f"{indent}{line}\n" if line else "\n" for line in block.splitlines())


def quoted(text: str) -> str:
    """A string literal of SDL."""
    return print_ast(StringValueNode(value=text, block=False))


def deprecated_text(reason: str | None) -> str:
    return "" if reason is None else f" @deprecated(reason: {quoted(reason)})"


def argument_text(argument: ArgumentDefinition) -> str:
    default = "" if argument.default is None else f" = {argument.default}"
    return f"{argument.name}: {argument.type}{default}"


def arguments_text(arguments: tuple[ArgumentDefinition, ...]) -> str:
    """On one line, or one line each when one of them is described or the line gets long."""
    if not arguments:
        return ""
    line = f"({', '.join(map(argument_text, arguments))})"
    if len(line) <= LONGEST and not any(argument.description for argument in arguments):
        return line
    lines = (
        f"{description_text(argument.description, '    ')}    {argument_text(argument)}\n"
        for argument in arguments
    )
    return f"(\n{''.join(lines)}  )"


def field_text(field: FieldDefinition) -> str:
    return (
        f"{description_text(field.description, '  ')}  {field.name}"
        f"{arguments_text(field.arguments)}: {field.type}{deprecated_text(field.deprecated)}\n"
    )


def definition_text(definition: Definition) -> str:
    """A definition as SDL, ending in a line break."""
    head = description_text(definition.description)
    match definition:
        case ScalarDefinition():
            return f"{head}scalar {definition.name}\n"
        case EnumDefinition():
            values = "".join(
                f"{description_text(value.description, '  ')}  {value.name}\n"
                for value in definition.values
            )
            return f"{head}enum {definition.name} {{\n{values}}}\n"
        case TypeDefinition():
            fields = "".join(map(field_text, definition.fields))
            body = f" {{\n{fields}}}" if fields else ""
            implemented = " & ".join(definition.interfaces)
            clause = f" implements {implemented}" if implemented else ""
            clause += "".join(f" {directive}" for directive in definition.directives)
            return f"{head}{definition.keyword} {definition.name}{clause}{body}\n"
        case UnionDefinition():
            members = " | ".join(definition.variants.members)
            return f"{head}union {definition.name} = {members}\n"


def sdl_text(definitions: Iterable[Definition]) -> str:
    """All definitions as one SDL document."""
    return "\n".join(map(definition_text, definitions))
