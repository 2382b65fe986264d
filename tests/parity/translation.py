"""
How the two protocols say the same: arguments, data, refusals and events.

Written anew, from the tables of the design and the types of the schema, so that a mistake in the
library's own translation is a difference and not the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from dcrf_graph.graphql.operations import Operation

CODES = {
    400: "BAD_USER_INPUT",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    410: "EVENTS_LOST",
    429: "RATE_LIMITED",
    500: "INTERNAL_SERVER_ERROR",
}
UNTYPED = frozenset({"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"})
"""The codes of what GraphQL's types refuse before anything is called."""


@dataclass(frozen=True)
class Refusal:
    """A refusal in GraphQL's terms; ``status`` is None where nothing has been called."""

    status: int | None
    code: str
    fields: Any = None
    texts: tuple[str, ...] = field(default=(), compare=False)

    @property
    def by_types(self) -> bool:
        return self.status is None and self.code in UNTYPED


@dataclass(frozen=True)
class Answer:
    """What a client was answered, in GraphQL's terms: data, or a refusal."""

    data: Any = None
    refusal: Refusal | None = None


# -- names --------------------------------------------------------------------------------------


def camel(name: str) -> str:
    return re.sub(r"_+([a-z0-9])", lambda match: match[1].upper(), name)


def snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


def bare(type_: Any) -> Any:
    """A type without its exclamation mark."""
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


# -- from native to GraphQL ------------------------------------------------------------------------


def data_of(value: Any, type_: Any) -> Any:
    """Native data as GraphQL gives them: camelCase, names of enums, keys as text.

    Every native key must have its field: nothing is lost on the way.
    """
    type_ = bare(type_)
    if value is None:
        return None
    if isinstance(type_, GraphQLList):
        return [data_of(item, type_.of_type) for item in value]
    if isinstance(type_, GraphQLObjectType):
        fields = {snake(name): name for name in type_.fields}
        assert set(value) == set(fields), f"{type_.name} has not the fields of {value}"
        return {
            fields[key]: data_of(item, type_.fields[fields[key]].type)
            for key, item in value.items()
        }
    if isinstance(type_, GraphQLEnumType):
        return name_of_choice(type_, value)
    return str(value) if type_.name == "ID" else value


def name_of_choice(type_: GraphQLEnumType, value: Any) -> Any:
    """The name of a raw choice; what is no choice stays as it is."""
    return next((name for name, each in type_.values.items() if each.value == value), value)


def input_of(value: Any, type_: Any) -> Any:
    """A native argument as a GraphQL variable; what does not fit the type is sent as it is."""
    type_ = bare(type_)
    if isinstance(type_, GraphQLList) and isinstance(value, list):
        return [input_of(item, type_.of_type) for item in value]
    if isinstance(type_, GraphQLInputObjectType) and isinstance(value, Mapping):
        types = {name: each.type for name, each in type_.fields.items()}
        return {
            camel(key): input_of(item, types[camel(key)]) if camel(key) in types else item
            for key, item in value.items()
        }
    return name_of_choice(type_, value) if isinstance(type_, GraphQLEnumType) else value


def variables_of(
    schema: GraphQLSchema, operation: Operation, native: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a native frame as those of a GraphQL field."""
    types = {name: each.type for name, each in root_field(schema, operation).args.items()}
    named = {each.key: each.name for each in operation.arguments if each.key is not None}
    variables: dict[str, Any] = {}
    for key, value in native.items():
        name = named.get(key, camel(key))
        if key == "query" and key not in named:
            variables.update(query_variables(types, value))
        else:
            variables[name] = input_of(value, types.get(name)) if name in types else value
    return variables


def query_variables(types: Mapping[str, Any], query: Mapping[str, Any]) -> Iterator[Any]:
    """What a native ``query`` asks for: ``search``, ``ordering``, and else a ``filter``."""
    narrowed = {}
    for key, value in query.items():
        if key == "ordering":
            choices = bare(types["ordering"])
            yield key, [input_of(item, choices.of_type) for item in value.split(",")]
        elif key == "search":
            yield key, value
        else:
            narrowed[key] = value
    if narrowed:
        yield "filter", input_of(narrowed, types["filter"])


# -- documents -----------------------------------------------------------------------------------


def root_field(schema: GraphQLSchema, operation: Operation) -> Any:
    roots = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    root = roots[operation.kind]
    assert root is not None
    return root.fields[operation.name]


def selection(type_: Any) -> str:
    """Every field of a type and of the types in it."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType):
        return ""
    parts = (f"{name}{selection(each.type)}" for name, each in named.fields.items())
    return f" {{ {' '.join(parts)} }}"


def document(schema: GraphQLSchema, operation: Operation, variables: Mapping[str, Any]) -> str:
    """An operation with the variables that are given, asking for everything.

    An argument that the field does not have is sent as JSON: GraphQL is to refuse it.
    """
    root = root_field(schema, operation)
    types = {name: str(root.args[name].type) if name in root.args else "ID" for name in variables}
    declared = ", ".join(f"${name}: {type_}" for name, type_ in types.items())
    passed = ", ".join(f"{name}: ${name}" for name in variables)
    head = f"{operation.kind} ({declared})" if declared else operation.kind
    call = f"{operation.name}({passed})" if passed else operation.name
    return f"{head} {{ {call}{selection(root.type)} }}"


# -- refusals ------------------------------------------------------------------------------------


def native_refusal(status: int, errors: list[Any], *, anonymous: bool) -> Refusal:
    """A native refusal as the table of the design has it in GraphQL."""
    code = CODES[status]
    if status == 403 and anonymous:
        code = "UNAUTHENTICATED"
    first = errors[0] if errors else None
    fields = fields_of(first) if isinstance(first, Mapping) else None
    return Refusal(status, code, fields, tuple(texts_of(errors)))


def fields_of(errors: Any) -> Any:
    """Messages by field, under the names of GraphQL."""
    if isinstance(errors, Mapping):
        return {"id" if k == "pk" else camel(k): fields_of(v) for k, v in errors.items()}
    return [fields_of(item) for item in errors] if isinstance(errors, list) else errors


def texts_of(errors: Any) -> Iterator[str]:
    if isinstance(errors, Mapping):
        errors = list(errors.values())
    if isinstance(errors, list):
        for item in errors:
            yield from texts_of(item)
    else:
        yield str(errors)


def graphql_refusal(error: Mapping[str, Any]) -> Refusal:
    """A GraphQL error as it came."""
    facts = error.get("extensions", {})
    return Refusal(
        facts.get("status"), facts.get("code", ""), facts.get("fields"), (error["message"],)
    )


# -- events --------------------------------------------------------------------------------------


def list_update_of(type_: Any, frame: Mapping[str, Any]) -> Any:
    """The frame of a list that is followed: the reply has its rows, events are about one."""
    action, data = frame["action"], frame["data"]
    update = {"action": action.upper(), "rows": None, "id": None, "data": None}
    if action in ("subscribe_list", "snapshot"):
        return update | {"action": "SNAPSHOT", "rows": data_of(data, type_.fields["rows"].type)}
    update["id"] = str(data.get("id", data.get("pk")))
    return update | (
        {} if action == "delete" else {"data": data_of(data, type_.fields["data"].type)}
    )


def event_of(operation: Operation, schema: GraphQLSchema, frame: Mapping[str, Any]) -> Any:
    """The frame of a native event as the data of a GraphQL one."""
    type_ = bare(root_field(schema, operation).type)
    if operation.shape == "live":
        return list_update_of(type_, frame)
    if operation.shape != "event":
        return data_of(frame["data"], type_)
    data = frame["data"]
    inner = type_.fields["data"].type
    # What a deletion has left may be no more than its key.
    whole = set(map(snake, inner.fields)) <= set(data)
    return {
        "action": frame["action"].upper(),
        "id": str(data.get("id", data.get("pk"))),
        "data": data_of(data, inner) if whole else None,
    }
