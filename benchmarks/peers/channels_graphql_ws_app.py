"""django-channels-graphql-ws: graphene's types, its own subscriptions and consumer."""

from __future__ import annotations

from typing import Any

import channels_graphql_ws
import graphene

from benchmarks.world import changes, rows


class Card(graphene.ObjectType):
    id = graphene.ID()
    title = graphene.String()
    text = graphene.String()
    board = graphene.Int()
    position = graphene.Int()
    done = graphene.Boolean()
    due = graphene.String()


class CardActivity(channels_graphql_ws.Subscription):
    action = graphene.String()
    data = graphene.Field(Card)

    @staticmethod
    def subscribe(root: Any, info: Any) -> list[str]:
        return ["cards"]

    @staticmethod
    def publish(payload: Any, info: Any) -> CardActivity:
        return CardActivity(action="UPDATE", data=payload)


class Query(graphene.ObjectType):
    alive = graphene.Boolean()


class Subscription(graphene.ObjectType):
    card_activity = CardActivity.Field()


class Consumer(channels_graphql_ws.GraphqlWsConsumer):
    schema = graphene.Schema(query=Query, subscription=Subscription)


async def event(position: int) -> None:
    await changes.event(position)
    await CardActivity.broadcast_async(group="cards", payload=rows.card(1, position))


application: Any = Consumer.as_asgi()
commands = {"event": event}
