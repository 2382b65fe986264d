"""
Links in GraphQL: the related object, retrieved through its consumer.

In native JSON a link is a call that the client may make. Here its field has the
type of what that call answers, and is resolved by making it, with that
consumer's permissions: a refused link is null, with the error at its place.
Links to one object share a call within an operation; within a mutation, below
one root field, because the next one may have changed the object.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ariadne import SchemaBindable
from django.core.serializers.json import DjangoJSONEncoder
from graphql import GraphQLResolveInfo, GraphQLSchema, OperationType

from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.definitions import Definition, TypeDefinition
from dcrf_graph.graphql.derivation import answer_of
from dcrf_graph.graphql.errors import refusal, user_in
from dcrf_graph.graphql.fields import Site, register_field
from dcrf_graph.graphql.registered import RegisteredConsumer
from dcrf_graph.graphql.resolvers import Resolver, look_up, reading
from dcrf_graph.hypermedia import (
    HyperChannelsApiManyRelationField,
    HyperChannelsApiRelationField,
)
from dcrf_graph.loading.together import Together, looking_together
from dcrf_graph.settings import api_settings

CALLS = "dcrf_graph.links"
"""Where the context of an operation has its calls."""


@dataclass(frozen=True)
class Link:
    """The native call that a field's links stand for, and the type of what it answers."""

    stream: str
    action: str
    type: str


# -- in the schema ---------------------------------------------------------------------------------


def linked(field: HyperChannelsApiRelationField, site: Site) -> str:
    """The type that the link leads to; written, a key."""
    if site.direction != "output":
        return "ID"
    link = link_of(field, site)
    if isinstance(link, str):
        site.types.problems.report(
            "W013",
            site.breadcrumb,
            link,
            "GraphQL has the link itself, as JSON.",
            "Register a consumer that retrieves the object, or say which one: stream_name=, "
            "action_name=.",
        )
        return "JSON"
    site.types.links[site.owner, site.name] = link
    return link.type


def linked_list(field: HyperChannelsApiManyRelationField, site: Site) -> str:
    """A list, in which refused links are null."""
    child: Any = field.child_relation
    text = linked(child, site)
    return f"[{text}!]" if site.direction != "output" else f"[{text}]"


def link_of(field: HyperChannelsApiRelationField, site: Site) -> Link | str:
    """Where a field's links lead; a sentence where GraphQL cannot go."""
    served = {each.prefix: each for each in site.types.registrations}
    try:
        stream = field.stream_among({name: each.consumer for name, each in served.items()})
    except ConfigurationError as error:
        return str(error)
    if stream is None:
        return f"no stream has the action {field.action_name!r} for what it links to."
    if stream not in served or field.action_name not in served[stream].consumer.available_actions:
        return f"there is no action {field.action_name!r} of a stream {stream!r}."
    registered = RegisteredConsumer(served[stream], site.types)
    if not reads(registered, field.action_name):
        return f"{field.action_name!r} of the stream {stream!r} is no query of GraphQL's."
    text, shape, _ = answer_of(registered, field.action_name)
    if shape not in ("object", "list"):
        return f"{field.action_name!r} of the stream {stream!r} answers neither objects nor a list."
    return Link(stream, field.action_name, text)


def reads(registered: RegisteredConsumer, action: str) -> bool:
    """Whether an action is a query: following a link must not change anything."""
    if registered.option(action, "graphql") is False:
        return False
    kind = registered.option(action, "kind")
    return kind == "query" or (kind is None and action in ("list", "retrieve"))


register_field(HyperChannelsApiRelationField, linked)
register_field(HyperChannelsApiManyRelationField, linked_list)


# -- in an operation -------------------------------------------------------------------------------


class LinkCalls:
    """The calls that the links of one operation make: one for each object."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(api_settings.MAX_CONCURRENT_CALLS)
        self._calls: dict[str, asyncio.Task[Any]] = {}
        self._waiting: dict[str, int] = {}
        self._together: defaultdict[tuple[str, str, str], Together] = defaultdict(Together)
        self._followed = 0

    def count(self, links: int, user: Any) -> None:
        """Admit so many links.

        Raises:
            GraphQLError: beyond the setting ``GRAPHQL_MAX_LINKS``.
        """
        limit = api_settings.GRAPHQL_MAX_LINKS
        if limit is not None and self._followed + links > limit:
            message = f"The operation follows more than {limit} links."
            raise refusal(HTTPStatus.BAD_REQUEST, [message], user)
        self._followed += links

    async def reply(self, streams: Any, link: Link, arguments: Mapping[str, Any], part: str) -> Any:
        """The reply of a link's call, which is made once.

        Cancelling it cancels the call when nobody else waits for it.

        Args:
            part: the part of the operation within which a call is made once.
        """
        named = [link.stream, link.action, sorted(arguments.items()), part]
        key = json.dumps(named, cls=DjangoJSONEncoder)
        if key not in self._calls:
            together = self._together[link.stream, link.action, part]
            if len(arguments) == 1:
                together.want(*arguments.values())
            self._calls[key] = asyncio.create_task(self._call(streams, link, arguments, together))
        call = self._calls[key]
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            return await asyncio.shield(call)
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key] and not call.done():
                call.cancel()
                del self._calls[key]

    async def _call(
        self, streams: Any, link: Link, arguments: Mapping[str, Any], together: Together
    ) -> Any:
        async with self._turns:
            with looking_together(together):
                return await streams.call(link.stream, link.action, arguments)


def follow(link: Link, key: str) -> Resolver:
    """Resolve a field by calling what its link, or each of its links, says."""
    value_of = look_up(key)

    def resolve(source: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        value = value_of(source, info)
        found = value if isinstance(value, list) else [value]
        calls: LinkCalls = info.context.setdefault(CALLS, LinkCalls())
        calls.count(sum(map(is_link, found)), user_in(info.context))
        if isinstance(value, list):
            return [target(link, each, calls, info) for each in value]
        return target(link, value, calls, info)

    return reading(resolve, key)


def is_link(value: Any) -> bool:
    """Whether a value is a link; a user's resolver may have given the object itself."""
    return isinstance(value, Mapping) and value.keys() == {"stream", "payload"}


def target(link: Link, value: Any, calls: LinkCalls, info: GraphQLResolveInfo) -> Any:
    return retrieved(link, value["payload"], calls, info) if is_link(value) else value


async def retrieved(
    link: Link, payload: Mapping[str, Any], calls: LinkCalls, info: GraphQLResolveInfo
) -> Any:
    arguments = {name: value for name, value in payload.items() if name != "action"}
    reply = await calls.reply(info.context["streams"], link, arguments, part_of(info))
    if reply.status >= 400:
        raise refusal(reply.status, reply.errors, user_in(info.context))
    return reply.data


def part_of(info: GraphQLResolveInfo) -> str:
    """The root field of a mutation; of anything else the whole operation."""
    if info.operation.operation is not OperationType.MUTATION:
        return ""
    path = info.path
    while path.prev is not None:
        path = path.prev
    return str(path.key)


class DerivedLinks(SchemaBindable):
    """Binds the fields that are links."""

    def __init__(
        self, definitions: Iterable[Definition], links: Mapping[tuple[str, str], Link]
    ) -> None:
        self._definitions = tuple(definitions)
        self._links = dict(links)

    def bind_to_schema(self, schema: GraphQLSchema) -> None:
        for definition in self._definitions:
            if not isinstance(definition, TypeDefinition) or definition.keyword != "type":
                continue
            bound: Any = schema.type_map[definition.name]
            for field in definition.fields:
                link = self._links.get((definition.name, field.key))
                if link is not None:
                    bound.fields[field.name].resolve = follow(link, field.key)
