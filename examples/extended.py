"""
A derived schema, extended: own types, fields, operations, a directive, a loader.

    python -m pytest tests/graphql/test_extending.py

Nothing here changes a consumer. `docs/extending.md` shows this file piece by piece.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from aiodataloader import DataLoader
from ariadne import MutationType, ObjectType, QueryType, SchemaDirectiveVisitor, SubscriptionType
from django.db.models import Count
from graphql import GraphQLField, GraphQLResolveInfo, default_field_resolver

from dcrf_graph.exceptions import CallFailed
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import ListModelMixin, PatchModelMixin
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.routers import Router
from examples.board.models import Card, Label
from examples.board.serializers import LabelSerializer

# [types]
type_defs = """
directive @upper on FIELD_DEFINITION

type Viewer {
  name: String!
}

extend type Label {
  title: String! @upper
  cardCount: Int!
}

extend type Query {
  viewer: Viewer
}

extend type Mutation {
  labelSwap(one: ID!, other: ID!): [Label!]
}

extend type Subscription {
  labelNames(id: ID!): String!
}
"""
# [end]


class LabelConsumer(
    ListModelMixin, PatchModelMixin, ObserverModelInstanceMixin, GenericAsyncAPIConsumer
):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer


# [fields]
label = ObjectType("Label")


@label.field("title")
def title(row: Mapping[str, Any], info: GraphQLResolveInfo) -> str:
    return f"{row['name']} ({row['colour']})"


# [end]

# [query]
query = QueryType()


@query.field("viewer")
def viewer(root: None, info: GraphQLResolveInfo) -> dict[str, str] | None:
    user = info.context["user"]
    return {"name": user.get_username()} if user.is_authenticated else None


# [end]

# [calls]
mutation = MutationType()


async def call(info: GraphQLResolveInfo, action: str, **arguments: Any) -> Any:
    reply = await info.context["streams"].call("labels", action, arguments)
    if reply.status >= 400:
        raise CallFailed(reply.status, reply.errors)
    return reply.data


@mutation.field("labelSwap")
async def swap(root: None, info: GraphQLResolveInfo, one: str, other: str) -> list[Any]:
    """Two labels exchange their colours."""
    first = await call(info, "retrieve", pk=one)
    second = await call(info, "retrieve", pk=other)
    return [
        await call(info, "patch", pk=one, data={"colour": second["colour"]}),
        await call(info, "patch", pk=other, data={"colour": first["colour"]}),
    ]


# [end]

# [subscription]
subscription = SubscriptionType()


@subscription.source("labelNames")
async def names(root: None, info: GraphQLResolveInfo, id: str) -> AsyncGenerator[str, None]:
    # Subscribed before the row is read, so that no change is missed between the two.
    events = await info.context["streams"].events("labels", "subscribe_instance", {"pk": id})
    try:
        yield (await call(info, "retrieve", pk=id))["name"]
        async for event in events:
            if event.action == "update":
                yield event.data["name"]
    finally:
        await events.aclose()


@subscription.field("labelNames")
def name(event: str, info: GraphQLResolveInfo, id: str) -> str:
    return event


# [end]


# [directive]
class Upper(SchemaDirectiveVisitor):
    def visit_field_definition(self, field: GraphQLField, object_type: Any) -> GraphQLField:
        resolve = field.resolve or default_field_resolver

        def upper(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
            return resolve(source, info, **arguments).upper()

        field.resolve = upper
        return field


# [end]


# [loaders]
async def card_counts(labels: list[int]) -> list[int]:
    """How many cards have each of these labels, in one query."""
    through = Card.labels.through.objects.filter(label__in=labels)
    counted = through.values_list("label").annotate(Count("card"))
    found = {label: count async for label, count in counted}
    return [found.get(label, 0) for label in labels]


def context(given: Mapping[str, Any]) -> dict[str, Any]:
    """Called anew for each operation, and for each event of a subscription."""
    return {"card_counts": DataLoader(card_counts)}


@label.field("cardCount")
async def card_count(row: Mapping[str, Any], info: GraphQLResolveInfo) -> Any:
    return await info.context["card_counts"].load(row["id"])


# [end]

# [router]
router = Router(
    type_defs,
    [label, query, mutation, subscription],
    directives={"upper": Upper},
    context=context,
)
router.register("labels", LabelConsumer)
# [end]
