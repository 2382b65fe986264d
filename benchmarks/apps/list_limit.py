"""
The least that a list of rows costs in ASGI: `values()` in one thread hop, and orjson.

On a socket each text is answered with the list; so is each HTTP request.
"""

from __future__ import annotations

from typing import Any

import orjson
from asgiref.sync import sync_to_async

from benchmarks.world import rows
from benchmarks.world.models import Card

OWNER = {f"owner__{name}": name for name in ("id", "username", "email")}


def read() -> bytes:
    """The list as JSON, the owner nested."""
    cards: list[dict[str, Any]] = list(Card.objects.order_by("pk").values(*rows.FIELDS, *OWNER))
    for card in cards:
        card["owner"] = {name: card.pop(column) for column, name in OWNER.items()}
    return orjson.dumps({"data": cards})


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await respond(send, await sync_to_async(read)())
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": (await sync_to_async(read)()).decode()})


async def respond(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


commands: dict[str, Any] = {}
