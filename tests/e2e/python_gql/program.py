"""
The client library gql on the board: `python program.py TRANSPORT` prints what it saw, as JSON.

It runs in an environment of its own, beside one native client; BOARD_URL and COOKIE say where the
board is and who asks.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from typing import Any

import websockets
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

URL = os.environ["BOARD_URL"]
SOCKET = URL.replace("http", "ws", 1) + "/ws/"
HEADERS = {"Cookie": os.environ["COOKIE"]}
CARD = gql("query Card($id: ID!) { card(id: $id) { id title } }")
RENAME = gql(
    "mutation Rename($id: ID!, $title: String!) "
    "{ cardPatch(id: $id, data: { title: $title }) { id title } }"
)
CARDS = gql(
    "subscription Cards($board: Int!) { cardActivity(board: $board) { action id data { title } } }"
)


async def native(stream: str, action: str, **more: Any) -> Any:
    """One action of the native neighbour."""
    async with websockets.connect(SOCKET, additional_headers=HEADERS) as socket:
        payload = {"action": action, "request_id": 1, **more}
        await socket.send(json.dumps({"stream": stream, "payload": payload}))
        answer = json.loads(await socket.recv())["payload"]
    assert answer["response_status"] < 300, answer
    return answer["data"]


def subscriptions() -> int:
    with urllib.request.urlopen(f"{URL}/health/") as answer:
        return int(json.load(answer)["subscriptions"])


async def subscribed(count: int) -> None:
    while await asyncio.to_thread(subscriptions) != count:  # noqa: ASYNC110  (asked over HTTP)
        await asyncio.sleep(0.05)


async def refusal(session: Any, document: Any, variables: dict[str, Any]) -> Any:
    request = document
    request.variable_values = variables
    try:
        return await session.execute(request)
    except TransportQueryError as error:
        return [each["extensions"]["code"] for each in error.errors or []]


async def over_socket(subprotocol: str) -> dict[str, Any]:
    board = next(row["id"] for row in await native("boards", "list") if row["public"])
    hidden = next(row["id"] for row in await native("boards", "list") if not row["public"])
    columns = await native("columns", "list", query={"board": board})
    card = await native(
        "cards", "create", data={"column": columns[0]["id"], "title": "Rake leaves"}
    )
    transport = WebsocketsTransport(SOCKET, headers=HEADERS, subprotocols=[subprotocol])
    seen: dict[str, Any] = {"id": str(card["id"])}
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        seen["subprotocol"] = subprotocol
        CARD.variable_values = {"id": card["id"]}
        seen["query"] = await session.execute(CARD)
        CARDS.variable_values = {"board": board}
        events = session.subscribe(CARDS)
        first = asyncio.ensure_future(anext(events))
        await subscribed(1)
        RENAME.variable_values = {"id": card["id"], "title": "Rake the lawn"}
        seen["mutation"] = await session.execute(RENAME)
        seen["own"] = await first
        await native("cards", "patch", pk=card["id"], data={"title": "Rake the path"})
        seen["native"] = await anext(events)
        await events.aclose()
        await subscribed(0)
        seen["missing"] = await refusal(session, CARD, {"id": "123456"})
        CARDS.variable_values = {"board": hidden + 1000}
        try:
            seen["refused"] = await anext(session.subscribe(CARDS))
        except TransportQueryError as error:
            seen["refused"] = [each["extensions"]["code"] for each in error.errors or []]
    await native("cards", "delete", pk=card["id"])
    return seen


async def over_http() -> dict[str, Any]:
    board = next(row["id"] for row in await native("boards", "list") if row["public"])
    columns = await native("columns", "list", query={"board": board})
    card = await native(
        "cards", "create", data={"column": columns[0]["id"], "title": "Rake leaves"}
    )
    transport = HTTPXAsyncTransport(f"{URL}/graphql/", headers=HEADERS)
    seen: dict[str, Any] = {"id": str(card["id"])}
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        CARD.variable_values = {"id": card["id"]}
        seen["query"] = await session.execute(CARD)
        RENAME.variable_values = {"id": card["id"], "title": "Rake the lawn"}
        seen["mutation"] = await session.execute(RENAME)
        seen["missing"] = await refusal(session, CARD, {"id": "123456"})
    await native("cards", "delete", pk=card["id"])
    return seen


async def main(transport: str) -> None:
    async with asyncio.timeout(60):
        seen = await (over_http() if transport == "http" else over_socket(transport))
    print(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
