"""
Where a user's consumers meet both protocols.

    router = Router()
    router.register("cards", CardConsumer)

    path("ws/", router.as_asgi())            # native streams and GraphQL on one URL
    path("graphql/", router.graphql_view())  # GraphQL over HTTP
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

from graphql import GraphQLSchema, OperationType

from dcrf_graph import hypermedia
from dcrf_graph.api_consumer import AsyncAPIConsumer
from dcrf_graph.authentication import Authenticator, Identity, authenticate
from dcrf_graph.changes.hub import hub
from dcrf_graph.connection import Connection, open_connections
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.execution import (
    Answered,
    Contribute,
    Executor,
    Outcome,
    Prepared,
    Rejected,
    Subscribed,
)
from dcrf_graph.graphql.operations import Operation
from dcrf_graph.graphql.persisted import allowed_documents
from dcrf_graph.graphql.schema import Derived, derive
from dcrf_graph.graphql.subscriptions import Results
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.settings import api_settings
from dcrf_graph.stream import Outlet
from dcrf_graph.streams import Streams
from dcrf_graph.transports.http import graphql_view
from dcrf_graph.transports.websocket import WebSocketTransport

PREFIX = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True)
class Registration:
    """One consumer of a router: the stream's name, the class, the noun of one row."""

    prefix: str
    consumer: Any
    singular: str
    application: Any
    node: bool = False


class Router:
    """
    A set of consumers that one URL serves by name.

    Args:
        type_defs: SDL of your own, appended to the derived one.
        bindables: Ariadne's, for it.
        authenticate: who is asking: a callable; see ``dcrf_graph.authentication``.
        authentication_classes: who is asking: DRF's classes, or such callables, in their order,
            instead of the setting ``AUTHENTICATION_CLASSES``.
        directives: Ariadne's ``SchemaDirectiveVisitor`` classes, by the name of the directive.
        context: what resolvers find in ``info.context`` besides ``user``, ``scope``, ``request``
            and ``streams``: a function, asynchronous or not, of these, to a dict. It is called
            for each operation and for each event of a subscription; what it makes, DataLoaders
            above all, is never shared between two.
        federation: serve the schema as a subgraph of Apollo Federation 2.
        node: give what consumers ``retrieve`` ids that are unique in the schema, and the query
            ``node(id:)``, as Relay expects; ``register(node=)`` decides for one consumer.
    """

    def __init__(
        self,
        type_defs: str | Sequence[str] = (),
        bindables: Sequence[Any] = (),
        authenticate: Authenticator | None = None,
        *,
        authentication_classes: Sequence[Any] | None = None,
        directives: Mapping[str, Any] | None = None,
        context: Contribute | None = None,
        federation: bool = False,
        node: bool = False,
    ) -> None:
        self.registry: dict[str, Registration] = {}
        self.type_defs = type_defs
        self.bindables = bindables
        self.authenticators = authenticate or authentication_classes
        self.directives = directives
        self.context = context
        self.federation = federation
        self.node = node
        known_routers[id(self)] = self
        hypermedia.routers.add(self)

    def register(
        self,
        prefix: str,
        consumer: Any,
        *,
        singular: str | None = None,
        node: bool | None = None,
    ) -> None:
        """
        Serve a consumer as the stream ``prefix``; in GraphQL it is the plural of its noun.

        Args:
            prefix: e.g. ``"cards"``, or ``"team_members"``.
            consumer: the class, or what ``as_asgi()`` or ``view_as_consumer()`` returned.
            singular: the noun of one row; by default the name of the queryset's model.
            node: whether its rows are Relay's nodes; by default what the router says.

        Raises:
            ConfigurationError: for a name that is taken, or is none; for what is no consumer.
        """
        if not PREFIX.match(prefix):
            raise ConfigurationError(
                f"The prefix {prefix!r} is no name: expected lower case letters, digits and "
                "underscores, beginning with a letter."
            )
        if prefix in self.registry:
            raise ConfigurationError(
                f"The prefix {prefix!r} is already registered, for "
                f"{self.registry[prefix].consumer.__name__}."
            )
        application = application_of(consumer)
        consumer_class = application.consumer_class
        self.registry[prefix] = Registration(
            prefix=prefix,
            consumer=consumer_class,
            singular=singular or noun_of(consumer_class, prefix),
            application=application,
            node=self.node if node is None else node,
        )
        for derived in ("derived", "executor", "served"):
            self.__dict__.pop(derived, None)

    # -- what is derived -----------------------------------------------------------

    @cached_property
    def derived(self) -> Derived:
        """The schema with everything that it was derived from; made on first use."""
        return derive(
            self.registry.values(),
            self.type_defs,
            self.bindables,
            self.directives,
            self.federation,
        )

    @cached_property
    def served(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """What serves each stream, by its prefix; and what the scope of each says of all."""
        applications = {name: each.application for name, each in self.registry.items()}
        return applications, {hypermedia.SERVED: hypermedia.consumers(self)}

    @cached_property
    def executor(self) -> Executor:
        """What runs GraphQL operations."""
        return Executor(self.derived, self.context)

    @property
    def schema(self) -> GraphQLSchema:
        """The executable schema."""
        return self.derived.schema

    @property
    def sdl(self) -> str:
        """The schema as text."""
        return self.derived.sdl

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every derived root field, and the native action that it calls."""
        return self.derived.operations

    # -- what is served --------------------------------------------------------------

    def as_asgi(self) -> Any:
        """
        Serve every stream on one WebSocket URL.

        The client's subprotocol chooses: none is native streams,
        ``graphql-transport-ws`` or the older ``graphql-ws`` is GraphQL. Pages
        of other sites may not connect: the Origin, where there is one, must be
        in ``ALLOWED_ORIGINS``, by default ``ALLOWED_HOSTS``.
        """
        api_settings.validate()  # what is wrong with a setting is told now
        allowed_documents()
        return WebSocketTransport(self)

    def graphql_view(self) -> Callable[..., Any]:
        """GraphQL over HTTP, as an asynchronous Django view."""
        api_settings.validate()
        allowed_documents()
        return graphql_view(HTTPHost(self))

    def statistics(self) -> dict[str, int]:
        """
        How much of this process is in use, by all of its routers and consumers.

        ``connections``: WebSockets, and HTTP requests that are being answered. ``tasks``: what runs
        for them. ``subscriptions``: those of observers, each counted per group; ``groups``: the
        groups that they are in; ``events``: those that wait for their subscribers. A process whose
        clients have left is at 0 in all of them.
        """
        connections = list(open_connections)
        return {
            "connections": len(connections),
            "tasks": sum(len(connection.tasks) for connection in connections),
            **hub.statistics(),
        }

    # -- the host of the transports ----------------------------------------------------

    def stream_names(self) -> Collection[str]:
        """The registered prefixes."""
        return self.registry.keys()

    def streams(
        self,
        scope: Mapping[str, Any],
        connection: Connection | None = None,
        outlet: Outlet | None = None,
    ) -> Streams:
        """The consumers of one connection, none of them connected yet."""
        applications, more = self.served
        return Streams(applications, scope, connection or Connection(), outlet, more)

    async def authenticate(
        self, scope: Mapping[str, Any], payload: Mapping[str, Any] | None
    ) -> Identity:
        """Who is asking."""
        return await authenticate(self.authenticators, scope, payload)

    async def operate(
        self, request: OperationRequest, context: Mapping[str, Any]
    ) -> list[dict[str, Any]] | dict[str, Any] | Results:
        """Run an operation of any kind."""
        match await self.executor.execute(request, context, frozenset(OperationType)):
            case Rejected(errors=errors):
                return errors
            case Answered(result=result):
                return result
            case Subscribed(results=results):
                assert isinstance(results, Results)
                return results


known_routers: WeakValueDictionary[int, Router] = WeakValueDictionary()
"""Every router that is in use, the oldest first: for the system checks."""


class HTTPHost:
    """A router as the HTTP view sees it."""

    def __init__(self, router: Router) -> None:
        self.router = router

    async def authenticate(
        self, scope: Mapping[str, Any], payload: Mapping[str, Any] | None
    ) -> Identity:
        """Who is asking."""
        return await self.router.authenticate(scope, payload)

    def streams(self, scope: dict[str, Any]) -> Streams:
        """The consumers of one request."""
        return self.router.streams(scope)

    async def prepare(self, request: OperationRequest) -> Prepared | Rejected:
        """The operation that a request asks for."""
        return await self.router.executor.prepare(request)

    async def execute(
        self, prepared: Prepared, context: dict[str, Any], *, allowed: Collection[OperationType]
    ) -> Outcome:
        """Run an operation of an allowed kind."""
        return await self.router.executor.execute(prepared, context, allowed)


def application_of(consumer: Any) -> Any:
    """What ``as_asgi()`` returns, given that or the class.

    Raises:
        ConfigurationError: if it is neither.
    """
    if isinstance(consumer, type) and issubclass(consumer, AsyncAPIConsumer):
        return consumer.as_asgi()
    consumer_class = getattr(consumer, "consumer_class", None)
    if isinstance(consumer_class, type) and issubclass(consumer_class, AsyncAPIConsumer):
        return consumer
    raise ConfigurationError(
        f"{consumer!r} is no consumer of dcrf_graph: expected a class made of AsyncAPIConsumer, or "
        "what its as_asgi() or view_as_consumer() returned. Middleware goes around the router."
    )


def noun_of(consumer_class: Any, prefix: str) -> str:
    """The noun of one row: its model's name, else, where there is no model, the prefix."""
    view_class = getattr(getattr(consumer_class, "view", None), "cls", None)
    for owner in (consumer_class, view_class):
        model = getattr(getattr(owner, "queryset", None), "model", None)
        if model is not None:
            break
    else:
        return prefix
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model.__name__).lower()
