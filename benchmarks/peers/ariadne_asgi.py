"""
Ariadne's ASGI application: the fan-out and the list.

Ariadne has no publisher of its own; here each subscription has a queue of this process, the
cheapest that there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from ariadne import QueryType, SubscriptionType, make_executable_schema
from ariadne.asgi import GraphQL
from ariadne.asgi.handlers import GraphQLTransportWSHandler
from asgiref.sync import sync_to_async

from benchmarks.world import changes, models, rows

SDL = """
type Query { cards: [Card!]! }
type Subscription { cardActivity: CardEvent! }
type CardEvent { action: String! data: Card! }
type Card {
  id: ID! title: String! text: String! board: Int! position: Int! done: Boolean! due: String!
  owner: Owner!
}
type Owner { id: ID! username: String! email: String! }
"""
query = QueryType()
subscription = SubscriptionType()
queues: set[asyncio.Queue[Any]] = set()


@query.field("cards")
async def cards(*_: Any) -> list[models.Card]:
    queryset = models.Card.objects.select_related("owner").order_by("pk")
    return await sync_to_async(lambda: list(queryset))()


@subscription.source("cardActivity")
async def events(*_: Any) -> AsyncGenerator[Any, None]:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            yield await queue.get()
    finally:
        queues.discard(queue)


@subscription.field("cardActivity")
def card_event(event: Any, *_: Any) -> Any:
    return event


async def event(position: int) -> None:
    await changes.event(position)
    for queue in queues:
        queue.put_nowait({"action": "UPDATE", "data": rows.card(1, position)})


schema = make_executable_schema(SDL, query, subscription)
application = GraphQL(schema, websocket_handler=GraphQLTransportWSHandler())
commands = {"event": event}
