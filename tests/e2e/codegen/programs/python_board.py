"""Uses the client that ariadne-codegen wrote; prints one JSON document of what it saw."""

# The package is generated, and installed nowhere that a type checker would look.
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import os
from decimal import Decimal

import httpx
from board_client import CardInput, Client

PATIENCE = 15.0
"""Seconds until what should happen has not."""


async def subscribed(http: httpx.AsyncClient) -> None:
    """GraphQL says nothing when a subscription has begun; the board's health counts it."""
    for _ in range(300):
        if (await http.get("/health/")).json()["subscriptions"] == 1:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the subscription does not begin")


async def main() -> None:
    url, headers = os.environ["BOARD_URL"], {"cookie": os.environ["BOARD_COOKIE"]}
    async with httpx.AsyncClient(base_url=url, headers=headers) as http, asyncio.timeout(PATIENCE):
        client = Client(
            url=f"{url}/graphql/",
            http_client=http,
            ws_url=f"{url.replace('http', 'ws', 1)}/ws/",
            ws_headers=headers,
        )
        column = (await client.columns()).columns[0]
        events = client.activity(board=int(column.board))
        heard = asyncio.create_task(anext(events))
        await subscribed(http)
        data = CardInput(column=column.id, title="Dust the shelves", estimate=Decimal("2.5"))
        card = (await client.create_card(data=data)).card_create
        event = (await heard).card_activity
        await events.aclose()
        await client.execute(f"mutation {{ cardDelete(id: {card.id}) }}")
    seen = {"card": card.model_dump(mode="json"), "event": event.model_dump(mode="json")}
    print(json.dumps(seen))


asyncio.run(main())
