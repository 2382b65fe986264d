"""
The derived schema as a subgraph of Apollo Federation 2.

An object type that a consumer retrieves is an entity: its ``@key`` is the
argument of the retrieve, and a reference to it is resolved by that call, with
the consumer's permissions. Ariadne adds ``_service`` and ``_entities``. Knows
no serializer and no socket.

Source: https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
"""

from __future__ import annotations

import asyncio
import inspect
from collections import defaultdict
from collections.abc import Awaitable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from ariadne import SchemaBindable
from ariadne.contrib.federation.schema import make_federated_schema
from ariadne.contrib.federation.utils import resolve_entities
from ariadne.utils import type_get_extension, type_set_extension
from graphql import (
    GraphQLError,
    GraphQLNonNull,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    coerce_input_value,
)

from dcrf_graph.graphql.definitions import Definition, TypeDefinition
from dcrf_graph.graphql.errors import BAD_INPUT
from dcrf_graph.graphql.operations import Operation
from dcrf_graph.graphql.resolvers import Resolver, call
from dcrf_graph.loading.together import Together, looking_together
from dcrf_graph.settings import api_settings

SPECIFICATION = "https://specs.apollo.dev/federation/"
IMPORTED = (
    "@key",
    "@shareable",
    "@external",
    "@requires",
    "@provides",
    "@override",
    "@inaccessible",
    "@tag",
)
SHAREABLE = ("PageInfo",)
"""Derived types that are alike in every subgraph of this library."""


def entities(
    operations: Iterable[Operation], definitions: Collection[Definition]
) -> dict[str, Operation]:
    """The types that are entities, by name, each with the operation that retrieves it.

    A type that several consumers retrieve is retrieved by the one registered
    first. A key that the type does not show, or a retrieve that asks for more
    than a key, makes no entity.
    """
    fields = {
        definition.name: {field.name for field in definition.fields}
        for definition in definitions
        if isinstance(definition, TypeDefinition) and definition.keyword == "type"
    }
    found: dict[str, Operation] = {}
    for operation in operations:
        if operation.kind != "query" or operation.action != "retrieve":
            continue
        asked = [a.name for a in operation.arguments if a.type.endswith("!") and a.default is None]
        if asked == [operation.lookup] and operation.lookup in fields.get(operation.data, ()):
            found.setdefault(operation.data, operation)
    return found


def with_directives(
    definitions: Iterable[Definition], keyed: Mapping[str, Operation]
) -> Iterator[Definition]:
    """The definitions of a subgraph: entities with their keys, what is alike everywhere shared."""
    for definition in definitions:
        if isinstance(definition, TypeDefinition) and definition.name in keyed:
            key = f'@key(fields: "{keyed[definition.name].lookup}")'
            yield replace(definition, directives=(*definition.directives, key))
        elif isinstance(definition, TypeDefinition) and definition.name in SHAREABLE:
            yield replace(definition, directives=(*definition.directives, "@shareable"))
        else:
            yield definition


def link(own: Sequence[str]) -> str:
    """The link to the specification, as SDL; nothing where the user's SDL has one."""
    if any(SPECIFICATION in text for text in own):
        return ""
    imported = ", ".join(f'"{name}"' for name in IMPORTED)
    return f'extend schema @link(url: "{SPECIFICATION}v2.3", import: [{imported}])\n'


class DerivedReferences(SchemaBindable):
    """Binds what resolves references; a user's ``FederatedObjectType``, bound later, wins."""

    def __init__(self, keyed: Mapping[str, Operation]) -> None:
        self._keyed = keyed

    def bind_to_schema(self, schema: GraphQLSchema) -> None:
        for name, operation in self._keyed.items():
            bound = schema.type_map[name]
            type_set_extension(bound, "__resolve_reference__", retrieve(operation))


def retrieve(operation: Operation) -> Resolver:
    """Resolve a reference by the consumer's retrieve: the whole object, or its refusal."""
    answer = call(operation)

    async def resolve(entity: Any, info: GraphQLResolveInfo, reference: Mapping[str, Any]) -> Any:
        lookup = operation.lookup or ""
        root: Any = info.schema.query_type
        key = coerced(reference.get(lookup), root.fields[operation.name].args[lookup].type)
        return await answer(None, info, **{lookup: key})

    resolve.lookup = operation.lookup  # type: ignore[attr-defined]
    return resolve


def coerced(value: Any, bound: Any) -> Any:
    """The key of a reference, as the argument of the retrieve accepts it; never null."""
    bound = bound if isinstance(bound, GraphQLNonNull) else GraphQLNonNull(bound)
    try:
        key = coerce_input_value(value, bound)
    except GraphQLError as error:
        raise bad_reference(error.message) from error
    if key is Undefined:  # how graphql-core 3.3 says it
        raise bad_reference(f"{value!r} is no key: expected {bound}.")
    return key


def make_subgraph(
    sdl: str, *bindables: Any, directives: dict[str, Any] | None = None
) -> GraphQLSchema:
    """An executable schema with ``_service`` and, where a type has a key, ``_entities``."""
    schema = make_federated_schema(sdl, *bindables, directives=directives)
    query = schema.query_type
    if query is not None and "_entities" in query.fields:
        query.fields["_entities"].resolve = resolve_each
    return schema


async def resolve_each(root: Any, info: GraphQLResolveInfo, representations: list[Any]) -> Any:
    """Resolve references, each by a call of its own: one that is refused is null, with its error.

    The calls find their rows together (docs/decisions/0031-calls-that-find-their-rows-together.md).

    As many at once as a connection may call; no more in all than the setting
    ``GRAPHQL_MAX_ENTITIES``.
    """
    limit = api_settings.GRAPHQL_MAX_ENTITIES
    if limit is not None and len(representations) > limit:
        raise bad_reference(f"More than {limit} representations.")
    turns = asyncio.Semaphore(api_settings.MAX_CONCURRENT_CALLS)
    together = asked_together(info, representations)
    return await asyncio.gather(
        *(resolve_one(root, info, each, turns, together) for each in representations)
    )


def asked_together(info: GraphQLResolveInfo, representations: list[Any]) -> dict[str, Together]:
    """What is looked for together: the derived references of each type, by its name."""
    found: defaultdict[str, Together] = defaultdict(Together)
    for each in representations:
        name = each.get("__typename") if isinstance(each, Mapping) else None
        bound = info.schema.get_type(name) if isinstance(name, str) else None
        resolver = type_get_extension(bound, "__resolve_reference__") if bound else None
        lookup = getattr(resolver, "lookup", None)
        if lookup is not None and isinstance(name, str):
            found[name].want(each.get(lookup))
    return dict(found)


async def resolve_one(
    root: Any,
    info: GraphQLResolveInfo,
    representation: Any,
    turns: asyncio.Semaphore,
    together: Mapping[str, Together],
) -> Any:
    """The entity, None, or the error, which graphql-core raises at its place in the list."""
    if not isinstance(representation, Mapping):
        return bad_reference("A representation is an object.")
    union: Any = info.schema.get_type("_Entity")
    assert isinstance(union, GraphQLUnionType)
    name = representation.get("__typename")
    if name not in [member.name for member in union.types]:
        return bad_reference(f"{name!r} is no entity of this subgraph.")
    async with turns:
        try:
            with looking_together(together.get(str(name)) or Together()):
                (found,) = resolve_entities(root, info, representations=[dict(representation)])
                return await as_awaitable(found)
        except Exception as error:
            return error


async def as_awaitable(value: Any) -> Any:
    """A value that may be awaitable."""
    waiting: Awaitable[Any] | None = value if inspect.isawaitable(value) else None
    return value if waiting is None else await waiting


def bad_reference(message: str) -> GraphQLError:
    extensions = {"code": BAD_INPUT, "status": int(HTTPStatus.BAD_REQUEST)}
    return GraphQLError(message, extensions=extensions)
