"""strawberry over Channels: a group for the event, `listen_to_channel` in the subscription."""

from __future__ import annotations

import datetime
from collections.abc import AsyncGenerator
from typing import Any

import strawberry
from channels.layers import get_channel_layer
from strawberry.channels import GraphQLWSConsumer

from benchmarks.world import changes, rows


@strawberry.type
class Card:
    id: strawberry.ID
    title: str
    text: str
    board: int
    position: int
    done: bool
    due: datetime.date


@strawberry.type
class CardEvent:
    action: str
    data: Card


@strawberry.type
class Query:
    alive: bool = True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def card_activity(self, info: strawberry.Info) -> AsyncGenerator[CardEvent, None]:
        consumer = info.context["ws"]
        async with consumer.listen_to_channel("card.activity", groups=["cards"]) as messages:
            async for message in messages:
                due = datetime.date.fromisoformat(message["data"]["due"])
                yield CardEvent(action="UPDATE", data=Card(**{**message["data"], "due": due}))


async def event(position: int) -> None:
    await changes.event(position)
    data = rows.card(1, position)
    layer: Any = get_channel_layer()
    await layer.group_send("cards", {"type": "card.activity", "data": data})


schema = strawberry.Schema(query=Query, subscription=Subscription)
application: Any = GraphQLWSConsumer.as_asgi(schema=schema)
commands = {"event": event}
