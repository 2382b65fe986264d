"""
Relay's ``Node``: ids that are unique in the whole schema, and ``node(id:)``.

For consumers that are registered so. The type that their ``retrieve`` answers
is a ``Node``, whose ``id`` holds the type and the native key; ``node`` finds the
consumer by it and calls its ``retrieve``, permissions and all. Where an
argument, or an input's relation, takes the key of such a type, it takes the
global id too. Keys of relations (``author: ID``) stay native.

Source: https://relay.dev/graphql/objectidentification.htm and
docs/decisions/0009-global-ids-only-where-asked-for.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ariadne import SchemaBindable
from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema
from rest_framework import relations

from dcrf_graph.graphql.definitions import (
    ArgumentDefinition,
    Definition,
    FieldDefinition,
    TypeDefinition,
)
from dcrf_graph.graphql.errors import refusal, user_in
from dcrf_graph.graphql.operations import Operation, Registered
from dcrf_graph.graphql.problems import refuse
from dcrf_graph.graphql.registered import RegisteredConsumer
from dcrf_graph.graphql.resolvers import Resolver, call, reading
from dcrf_graph.graphql.types import RENAME, Types

TYPENAME = "__typename"
NO_ID = "This is not the id of any node."
NODE = TypeDefinition(
    "interface",
    "Node",
    (FieldDefinition("id", "ID!", "id", "Unique among all nodes."),),
    "An object that can be asked for by its id alone.",
)
FIELD = FieldDefinition(
    "node",
    "Node",
    "node",
    "Any node by its id.",
    (ArgumentDefinition("id", "ID!"),),
)


def global_id(type_name: str, key: Any) -> str:
    """``Card`` and 7 as one id."""
    return base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def parts_of(value: Any) -> tuple[str, str] | None:
    """The type and the native key of a global id; None where it is none."""
    try:
        text = base64.urlsafe_b64decode(f"{value}{'=' * (-len(str(value)) % 4)}").decode()
    except (binascii.Error, ValueError):
        return None
    name, colon, key = text.partition(":")
    return (name, key) if colon and global_id(name, key) == value else None


def key_for(names: Collection[str]) -> Callable[[Any], Any]:
    """What turns global ids of these types into native keys, alone or in lists; else nothing."""

    def convert(value: Any) -> Any:
        if isinstance(value, list):
            return [convert(item) for item in value]
        parts = parts_of(value) if isinstance(value, str) else None
        return parts[1] if parts is not None and parts[0] in names else value

    return convert


# -- in the schema ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Nodes:
    """The types that are nodes, by name, each with the operation that retrieves it.

    ``relations`` says which types an input's field takes keys of, by input and native key.
    """

    retrieves: Mapping[str, Operation]
    relations: Mapping[tuple[str, str], frozenset[str]]


def nodes_of(
    registrations: Iterable[Registered], operations: Iterable[Operation], types: Types
) -> Nodes:
    """What is a node: the types of consumers registered with ``node=True`` that are found by id."""
    registered = [each for each in registrations if getattr(each, "node", False)]
    streams = {each.prefix for each in registered}
    retrieves: dict[str, Operation] = {}
    models: dict[Any, set[str]] = {}
    for operation in operations:
        retrieved = operation.action == "retrieve" and operation.kind == "query"
        if not retrieved or operation.stream not in streams or operation.lookup != "id":
            continue
        found = types.definitions.get(operation.data)
        if isinstance(found, TypeDefinition) and has_id(found):
            retrieves.setdefault(operation.data, operation)
            model = getattr(getattr(operation.consumer, "queryset", None), "model", None)
            models.setdefault(model, set()).add(operation.data)
    inputs = {} if not retrieves else dict(related(registrations, operations, types, models))
    return Nodes(retrieves, inputs)


def has_id(definition: TypeDefinition) -> bool:
    return definition.keyword == "type" and any(
        field.name == "id" and field.type == "ID!" for field in definition.fields
    )


def related(
    registrations: Iterable[Registered],
    operations: Iterable[Operation],
    types: Types,
    models: Mapping[Any, Collection[str]],
) -> Iterator[tuple[tuple[str, str], frozenset[str]]]:
    """The fields of inputs that take keys of nodes, and of which types."""
    known = {each.prefix: RegisteredConsumer(each, types) for each in registrations}
    for operation in operations:
        data = next((a.type.strip("[]!") for a in operation.arguments if a.key == "data"), None)
        serializer = known[operation.stream].serializer(operation.action) if data else None
        if data is None or serializer is None:
            continue
        for key, field in types.serializer(serializer, operation.stream).fields.items():
            one = getattr(field, "child_relation", field)
            model = getattr(getattr(one, "queryset", None), "model", None)
            if isinstance(one, relations.PrimaryKeyRelatedField) and model in models:
                yield (data, key), frozenset(models[model])


def claim_node(types: Types, *, federation: bool) -> None:
    """Reserve the name ``Node``.

    Raises:
        DerivationError: if a type has it already; in a subgraph, whose keys are native.
    """
    if federation:
        cause = "a subgraph's entities have native keys, and its nodes would have others."
        raise refuse("E005", "Router", cause, "Leave out node=True, or federation=True.")
    described = "this library's own Node"
    if types.definitions.reserve(NODE.name, NODE.name, described, RENAME):
        types.definitions.add(NODE)


def with_nodes(definitions: Iterable[Definition], nodes: Nodes) -> Iterator[Definition]:
    """The definitions, with ``Node``, the types that are nodes, and the field of the query."""
    for definition in definitions:
        if isinstance(definition, TypeDefinition) and definition.name in nodes.retrieves:
            yield replace(definition, interfaces=(*definition.interfaces, NODE.name))
        elif (
            nodes.retrieves
            and isinstance(definition, TypeDefinition)
            and definition.name == "Query"
        ):
            yield replace(definition, fields=(FIELD, *definition.fields))
        else:
            yield definition


# -- bound -----------------------------------------------------------------------------------


class DerivedNodes(SchemaBindable):
    """Binds ids of nodes, over the derived resolvers, which know native keys only."""

    def __init__(
        self, nodes: Nodes, operations: Iterable[Operation], definitions: Iterable[Definition]
    ) -> None:
        self._nodes = nodes
        self._operations = tuple(operations)
        self._inputs = {
            each.name: each.fields
            for each in definitions
            if isinstance(each, TypeDefinition) and each.keyword == "input"
        }

    def bind_to_schema(self, schema: GraphQLSchema) -> None:
        known: Any = schema.type_map
        for name in self._nodes.retrieves:
            tell(known[name].fields["id"], name)
        for operation in self._operations:
            root = known[operation.kind.capitalize()].fields[operation.name]
            self.bind_operation(root, operation)
            if operation.shape == "event" and operation.data in self._nodes.retrieves:
                event = known[operation.result.strip("!")].fields["id"]
                if not getattr(event.resolve, "tells", False):
                    tell(event, operation.data)
        for name in self._inputs:
            self.bind_input(known[name])
        known[NODE.name].resolve_type = lambda value, *rest: value[TYPENAME]
        known["Query"].fields[FIELD.name].resolve = self.node

    def bind_operation(self, root: Any, operation: Operation) -> None:
        """Let a root field take global ids where it takes keys."""
        every = key_for(self._nodes.retrieves)
        own = key_for([operation.data])
        convert = {
            a.name: own if a.name == operation.lookup else every
            for a in operation.arguments
            if a.type.strip("[]!") == "ID"
        }
        if operation.shape == "key":
            # A deletion answers the id that was given.
            named = self.deleted(operation)
            convert[operation.lookup or ""] = key_for([] if named is None else [named])
            root.resolve = answering(converting(root.resolve, convert), named)
        elif convert and operation.kind == "subscription":
            root.subscribe = converting(root.subscribe, convert)
        elif convert:
            root.resolve = converting(root.resolve, convert)

    def deleted(self, operation: Operation) -> str | None:
        """The type of what an operation deletes, if that is a node."""
        found = (n for n, o in self._nodes.retrieves.items() if o.stream == operation.stream)
        return next(found, None)

    def bind_input(self, bound: Any) -> None:
        """Let an input take global ids for the keys of nodes."""
        any_node = key_for(self._nodes.retrieves)
        convert: dict[str, Any] = {}
        for field in self._inputs[bound.name]:
            names = self._nodes.relations.get((bound.name, field.key))
            if names is not None:
                convert[field.key] = key_for(names)
            elif bound.name.endswith("Filter") and field.type.strip("[]!") == "ID":
                convert[field.key] = any_node
        if convert:
            before = bound.out_type
            bound.out_type = lambda value: {
                key: convert[key](item) if key in convert else item
                for key, item in before(value).items()
            }

    async def node(self, root: Any, info: GraphQLResolveInfo, /, id: str) -> Any:
        """The object of a global id, as its consumer retrieves it for this client."""
        parts = parts_of(id)
        operation = None if parts is None else self._nodes.retrieves.get(parts[0])
        if parts is None or operation is None:
            raise refused(info)
        found = await call(operation)(root, info, **{str(operation.lookup): parts[1]})
        return {**found, TYPENAME: parts[0]}


def refused(info: GraphQLResolveInfo) -> GraphQLError:
    return refusal(400, [{"id": [NO_ID]}], user_in(info.context))


def tell(field: Any, name: str) -> None:
    """Let a field tell the global id of the key that it found."""
    found = field.resolve

    def resolve(source: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        key = found(source, info, **arguments)
        return None if key is None else global_id(name, key)

    field.resolve = reading(resolve, getattr(found, "reads", "id"))
    field.resolve.tells = True


def converting(resolve: Resolver, convert: Mapping[str, Callable[[Any], Any]]) -> Resolver:
    """The same resolver, given native keys."""

    def converted(root: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        native = {
            name: convert[name](value) if name in convert else value
            for name, value in arguments.items()
        }
        return resolve(root, info, **native)

    return converted


def answering(resolve: Resolver, name: str | None) -> Resolver:
    """The same resolver, whose answer is a key of a type."""
    if name is None:
        return resolve

    async def answered(root: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        return global_id(name, await resolve(root, info, **arguments))

    return answered
