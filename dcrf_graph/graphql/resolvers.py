"""
The resolvers of the derived schema: root fields call, everything below looks up.

A root resolver asks ``info.context["streams"]`` for the native call of its
operation and gives back the data of the reply, or raises its refusal. Below,
the data is native JSON and one synchronous lookup per field finds it under its
native key: no coroutine per leaf (graphql-core takes 4 to 7 times longer for
those).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Any, TypeAlias

from ariadne import EnumType, SchemaBindable
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
)

from dcrf_graph.graphql import sharing
from dcrf_graph.graphql.definitions import Definition, EnumDefinition, TypeDefinition
from dcrf_graph.graphql.errors import events_lost, refusal, user_in
from dcrf_graph.graphql.operations import Operation, Shape
from dcrf_graph.graphql.polymorphic import one_given
from dcrf_graph.graphql.relay import connection, wrong_arguments
from dcrf_graph.graphql.selection import selection_of
from dcrf_graph.loading.representation import Selection
from dcrf_graph.observer.reading import reading_of

Resolver: TypeAlias = Callable[..., Any]
Names: TypeAlias = Mapping[str, list[str]]
"""The fields of a type by the fields of the model that they come from."""

CHANGES = frozenset({"create", "update", "delete"})
ROWS: Mapping[Shape, tuple[str, ...]] = {
    "object": (),
    "list": (),
    "page": ("results",),
    "pages": ("results",),
    "connection": ("edges", "node"),
}
"""Where the rows are in what operations of a shape answer."""


# -- below the roots: lookups -----------------------------------------------------------------


class Lookup(Enum):
    """What a resolver does that does nothing but look up: a plan may do it instead."""

    VALUE = auto()
    CHOICE = auto()  # a blank one is null


def look_up(key: str) -> Resolver:
    """Find a field's value in native data, or on an object that a user's resolver returned."""

    def resolve(source: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        if isinstance(source, Mapping):
            return source.get(key)
        return getattr(source, key, None)

    resolve.lookup = Lookup.VALUE  # type: ignore[attr-defined]
    return reading(resolve, key)


def reading(resolve: Resolver, key: str) -> Resolver:
    """Mark a resolver that reads this key of native data and nothing else."""
    resolve.reads = key  # type: ignore[attr-defined]
    marked: Resolver = sharing.marked(resolve)
    return marked


def look_up_choice(key: str) -> Resolver:
    """The same for a choice that may be blank: GraphQL's null is DRF's ``""``."""
    value_of = look_up(key)

    def resolve(source: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        value = value_of(source, info)
        return None if value == "" else value

    resolve.lookup = Lookup.CHOICE  # type: ignore[attr-defined]
    return reading(resolve, key)


def blanks_for_nulls(keys: frozenset[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Writes ``""`` for a null where that is how DRF says "none"."""

    def convert(value: dict[str, Any]) -> dict[str, Any]:
        return {key: "" if item is None and key in keys else item for key, item in value.items()}

    return convert


class DerivedTypes(SchemaBindable):
    """Binds the derived types: native keys, raw choices."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._definitions = tuple(definitions)

    def bind_to_schema(self, schema: GraphQLSchema) -> None:
        for definition in self._definitions:
            if isinstance(definition, EnumDefinition):
                values = {value.name: value.value for value in definition.values}
                EnumType(definition.name, values).bind_to_schema(schema)
            elif isinstance(definition, TypeDefinition):
                bind_type(definition, schema.type_map[definition.name])


def bind_type(definition: TypeDefinition, bound: Any) -> None:
    if isinstance(bound, GraphQLObjectType):
        for field in definition.fields:
            look = look_up_choice if field.blank else look_up
            bound.fields[field.name].resolve = look(field.key)
    elif isinstance(bound, GraphQLInputObjectType):
        for field in definition.fields:
            bound.fields[field.name].out_name = field.key
        if definition.one_of is not None:
            convert = one_given(definition.one_of.key, dict(definition.one_of.tags))
            bound.out_type = convert  # type: ignore[assignment, method-assign]
        blanks = frozenset(field.key for field in definition.fields if field.blank)
        if blanks:
            bound.out_type = blanks_for_nulls(blanks)  # type: ignore[assignment, method-assign]


# -- the roots: calls -------------------------------------------------------------------------


ANSWERS = "dcrf_graph.answers"
"""Where a context has the answers of root fields that have been called already, by their keys."""


def call(operation: Operation) -> Resolver:
    """Resolve a query or mutation by its native call."""

    async def resolve(root: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        answers = info.context.get(ANSWERS)
        if answers is None:
            return await answer(operation, info.context, arguments, selected(operation, info))
        known = answers[info.path.key]
        if isinstance(known, Exception):
            raise known
        return known

    # With itself: what is put around it by functools.wraps has a copy of its attributes.
    resolve.calls = (resolve, operation)  # type: ignore[attr-defined]
    return resolve


def operation_of(resolve: Any) -> Operation | None:
    """The operation that a resolver calls and does nothing else; None for any other resolver."""
    itself, operation = getattr(resolve, "calls", (None, None))
    return operation if itself is resolve and resolve is not None else None


async def answer(
    operation: Operation,
    context: Mapping[str, Any],
    arguments: Mapping[str, Any],
    selection: Selection | None,
) -> Any:
    """
    The value of a root field: what its native call answers.

    Raises:
        GraphQLError: the refusal.
    """
    if operation.shape == "connection" and (wrong := wrong_arguments(arguments)):
        raise refusal(400, [wrong], user_in(context))
    native = operation.native_arguments(arguments)
    reply = await context["streams"].call(operation.stream, operation.action, native, selection)
    if reply.status >= 400:
        raise refusal(reply.status, reply.errors or in_data(reply.data), user_in(context))
    if operation.shape == "key":
        return arguments.get(operation.lookup or "")
    if operation.shape == "connection":
        return connection(reply.data, reply.cursors, arguments)
    return page(reply.data) if operation.shape == "page" else reply.data


def selected(operation: Operation, info: GraphQLResolveInfo) -> Selection | None:
    """What an operation selects of each row; None where it is no rows that it answers."""
    return selection_of(info, ROWS[operation.shape]) if operation.shape in ROWS else None


def in_data(data: Any) -> list[Any]:
    """The errors of a reply that has none: a view that refuses says why in its data."""
    if isinstance(data, Mapping):
        return [data]
    return data if isinstance(data, list) else []


def page(data: Any) -> Any:
    """A page; a paginator without a limit gives the whole list, which is one page too."""
    if isinstance(data, list):
        return {"count": len(data), "results": data, "limit": None, "offset": 0}
    return data


def subscribe(operation: Operation) -> Resolver:
    """Subscribe by the native subscribing action; closing the source unsubscribes."""

    async def open_source(root: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        streams = info.context["streams"]
        native = operation.native_arguments(arguments)
        if operation.shape in ("pages", "replies"):
            return streams.pages(
                operation.stream, operation.action, native, selected(operation, info)
            )
        more = {"answers": True} if operation.shape == "live" else {}
        return await streams.events(operation.stream, operation.action, native, **more)

    return open_source


def event(operation: Operation, keys: frozenset[str], names: Names | None = None) -> Resolver:
    """One event of a subscription, which is the root value.

    The result depends on nothing but the event and the selection, so that
    subscribers of one event may share it.

    Args:
        keys: the native keys without which the data of a deletion is no object.
        names: the fields of the data's type by the fields of its model; none where that is not
            known, and None for JSON.
    """

    def value_of(source: Any) -> Any:
        match operation.shape:
            case "event":
                return change(source, keys, names)
            case "live":
                return list_update(source, keys, names)
            case "pages":
                return page(source.data)
            case _:
                return source.data

    def resolve(source: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        if source.status >= 400:
            if (gap := getattr(source, "gap", None)) is not None:  # a page has none
                raise events_lost(source.status, list(source.errors), gap)
            raise refusal(source.status, list(source.errors), user_in(info.context))
        return value_of(source)

    resolve.value_of = value_of  # type: ignore[attr-defined]
    marked: Resolver = sharing.marked(resolve)
    return marked


def change(source: Any, keys: frozenset[str], names: Names | None) -> dict[str, Any]:
    """A change as its event type has it.

    What an action sends for its subscription outside of any delivery says
    itself which object it is about, and is an update.
    """
    data = source.data
    key = source.pk
    if key is None and isinstance(data, Mapping):
        key = data.get("id", data.get("pk"))
    action = source.action if source.action in CHANGES else "update"
    return {
        "action": action,
        "id": key,
        "data": None if is_gone(source, keys) else data,
        "changed_fields": changed_fields(source, names) if action == "update" else None,
    }


def list_update(source: Any, keys: frozenset[str], names: Names | None) -> dict[str, Any]:
    """A live list as its type has it: all its rows, or a change of one."""
    if source.action in CHANGES:
        return {**change(source, keys, names), "rows": None}
    none = {"id": None, "data": None, "changed_fields": None}
    return {"action": "snapshot", "rows": source.data, **none}


def changed_fields(source: Any, names: Names | None) -> list[str] | None:
    """
    The fields of an event's data that an update wrote; None where that is not known.

    What the data does not have is not named: that it has changed is part of what it is.
    """
    delivery = source.delivery
    if delivery is None or "changed_fields" not in delivery.event.message:
        return None
    changed = reading_of(delivery.event).changed
    if changed is None:
        return None
    if names is not None:
        return [name for column in changed for name in names.get(column, ())] if names else None
    data = source.data
    return [name for name in changed if name in data] if isinstance(data, Mapping) else None


def is_gone(source: Any, keys: frozenset[str]) -> bool:
    """Whether an event is a deletion that carries no whole object."""
    if source.action != "delete" or not keys:
        return False
    return not isinstance(source.data, Mapping) or not keys <= source.data.keys()


class DerivedRoots(SchemaBindable):
    """Binds the root fields."""

    def __init__(
        self,
        operations: Iterable[Operation],
        keys: Mapping[str, frozenset[str]],
        names: Mapping[str, Names],
    ) -> None:
        self._operations = tuple(operations)
        self._keys = keys
        self._names = names

    def bind_to_schema(self, schema: GraphQLSchema) -> None:
        for operation in self._operations:
            root: Any = schema.type_map[operation.kind.capitalize()]
            field = root.fields[operation.name]
            if operation.kind == "subscription":
                field.subscribe = subscribe(operation)
                keys = self._keys.get(operation.data, frozenset())
                names = self._names.get(operation.data, None if operation.data == "JSON" else {})
                field.resolve = event(operation, keys, names)
            else:
                field.resolve = call(operation)
