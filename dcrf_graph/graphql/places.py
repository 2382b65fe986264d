"""
Where in the input a wrong value is: the path that clients are told in ``extensions``.

graphql-core says it in sentences, which differ from version to version. Here it is
found again, once a request has been refused: for variables by asking graphql-core
for each wrong value, in the order of its errors; for literals by the place of the
error's node in the document. Knows no serializer and no consumer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import graphql
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_input_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    type_from_ast,
    visit,
)

from dcrf_graph.graphql.errors import without_suggestions

Path: TypeAlias = tuple[str | int, ...]
"""``("data", "steps", 0, "minutes")``: argument or variable, then fields and positions."""

VALIDATE: Any = getattr(graphql, "validate_input_value", None)
"""How graphql-core 3.3 tells each wrong value; 3.2 tells it while it coerces."""


def told(error: GraphQLError, path: Path, argument: Path | None) -> dict[str, Any]:
    """What ``extensions`` say of a wrong value.

    Args:
        path: as the client sent it.
        argument: the same from the argument of the field on; None where that is not known.
    """
    facts: dict[str, Any] = {"path": list(path)}
    if argument is not None:
        facts["fields"] = fields_of(argument, reason_of(error))
    return facts


def fields_of(argument: Path, reason: str) -> dict[str, Any]:
    """A reason in the form of a serializer's: by field, those of ``data`` by their own names."""
    below = argument[1:] if argument[0] == "data" and len(argument) > 1 else argument
    found: Any = [reason]
    for name in reversed(below):
        found = {str(name): found}
    return dict(found)


def reason_of(error: GraphQLError) -> str:
    """Why a value is wrong, without where it is and what it was."""
    reason: BaseException = error
    while isinstance(reason, GraphQLError) and reason.original_error is not None:
        reason = reason.original_error
    if isinstance(reason, GraphQLError):
        return without_suggestions(reason.message)
    return str(reason)


# -- variables -------------------------------------------------------------------------------------


def of_variables(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any] | None,
    errors: Sequence[GraphQLError],
) -> list[dict[str, Any]]:
    """What to tell of each error of wrong variables; nothing of an error of another kind."""
    paths = list(wrong_variables(schema, operation, variables or {}, len(errors)))
    used = {
        each.node.name.value: each.path
        for each in reversed(inputs_of(schema, document))
        if isinstance(each.node, VariableNode)
    }
    found: list[dict[str, Any]] = []
    for error in errors:
        name = variable_of(error)
        if not paths or name is None or paths[0][0] != name:
            found.append({})
            continue
        path = paths.pop(0)
        argument = (*used[name], *path[1:]) if name in used else None
        found.append(told(error, path, argument))
    return found


def variable_of(error: GraphQLError) -> str | None:
    """The variable that an error is about."""
    node = error.nodes[0] if error.nodes else None
    return node.variable.name.value if isinstance(node, VariableDefinitionNode) else None


def wrong_variables(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    limit: int,
) -> Iterator[Path]:
    """The path of each wrong value, in the order in which graphql-core reports them.

    Args:
        limit: how many of each variable are wanted; graphql-core reports only so many.
    """
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_: Any = type_from_ast(schema, definition.type)
        if not is_input_type(type_):
            continue
        if name in variables:
            for path in wrong_values(variables[name], type_, limit):
                yield (name, *path)
        elif is_non_null_type(type_) and definition.default_value is None:
            yield (name,)


class Enough(Exception):
    """No more wrong values are wanted."""


def wrong_values(value: Any, type_: Any, limit: int) -> list[Path]:
    """The path of each wrong value inside of one; of what is missing, where it should be."""
    paths: list[Sequence[str | int]] = []

    def note(path: Sequence[str | int]) -> None:
        paths.append(path)
        if len(paths) == limit:
            raise Enough

    with suppress(Enough):
        if VALIDATE is not None:
            VALIDATE(value, type_, lambda error, path: note(path))
        else:
            coerce: Any = graphql.coerce_input_value
            coerce(value, type_, lambda path, wrong, error: note(path))
    missing: dict[Path, list[str]] = {}
    found: list[Path] = []
    for path in map(tuple, paths):
        if path not in missing:
            missing[path] = misfits(*inside(value, type_, path))
        names = missing[path]
        found.append((*path, names.pop(0)) if names else path)
    return found


def inside(value: Any, type_: Any, path: Path) -> tuple[Any, Any]:
    """The value at a path, and its type."""
    for name in path:
        while is_non_null_type(type_) or (is_list_type(type_) and isinstance(name, str)):
            type_ = type_.of_type
        value = value[name]
        type_ = type_.of_type if is_list_type(type_) else type_.fields[name].type
    return value, type_


def misfits(value: Any, type_: Any) -> list[str]:
    """The fields that an object lacks, then those that it should not have.

    graphql-core reports them at the object, in this order.
    """
    named = get_named_type(type_)
    if not isinstance(named, GraphQLInputObjectType) or not isinstance(value, Mapping):
        return []
    unknown = [name for name in value if name not in named.fields]
    return [*missing_of(named, value), *unknown]


def missing_of(type_: GraphQLInputObjectType, given: Iterable[str]) -> list[str]:
    names = set(given)
    return [
        name
        for name, field in type_.fields.items()
        if is_required_input_field(field) and name not in names
    ]


# -- literals --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Input:
    """A value that stands in a document, where it stands, and the fields that it lacks."""

    node: Node
    path: Path
    missing: tuple[str, ...] = ()


class Inputs(Visitor):
    """Collects the values of a document, from the arguments of its fields and from defaults."""

    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self.types = type_info
        self.found: list[Input] = []
        self.missing: dict[int, tuple[str, ...]] = {}

    def enter_field(self, node: FieldNode, *rest: Any) -> None:
        for argument in node.arguments or ():
            self.found.extend(values_of(argument.value, (argument.name.value,)))

    def enter_variable_definition(self, node: VariableDefinitionNode, *rest: Any) -> None:
        if node.default_value is not None:
            self.found.extend(values_of(node.default_value, (node.variable.name.value,)))

    def enter_object_value(self, node: ObjectValueNode, *rest: Any) -> None:
        type_ = self.types.get_input_type()
        named = None if type_ is None else get_named_type(type_)
        if isinstance(named, GraphQLInputObjectType):
            given = [field.name.value for field in node.fields or ()]
            self.missing[id(node)] = tuple(missing_of(named, given))


def values_of(node: ValueNode, path: Path) -> Iterator[Input]:
    """A value and all values in it."""
    yield Input(node, path)
    if isinstance(node, ObjectValueNode):
        for field in node.fields or ():
            yield Input(field, (*path, field.name.value))
            yield from values_of(field.value, (*path, field.name.value))
    elif isinstance(node, ListValueNode):
        for number, item in enumerate(node.values or ()):
            yield from values_of(item, (*path, number))


def inputs_of(schema: GraphQLSchema, document: DocumentNode) -> list[Input]:
    """Every value that stands in a document."""
    type_info = TypeInfo(schema)
    visitor = Inputs(type_info)
    visit(document, TypeInfoVisitor(type_info, visitor))
    return [
        Input(each.node, each.path, visitor.missing.get(id(each.node), ()))
        for each in visitor.found
    ]


def of_literals(
    schema: GraphQLSchema, document: DocumentNode, errors: Sequence[GraphQLError]
) -> list[dict[str, Any]]:
    """What to tell of each error of a document: of wrong literals where they are."""
    known = {id(each.node): each for each in inputs_of(schema, document)}
    missing = {key: list(each.missing) for key, each in known.items()}
    found: list[dict[str, Any]] = []
    for error in errors:
        key = id(error.nodes[0]) if error.nodes else 0
        if key not in known:
            found.append({})
            continue
        names = missing[key]
        path = (*known[key].path, *([names.pop(0)] if names else []))
        found.append(told(error, path, path))
    return found
