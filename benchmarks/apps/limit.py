"""
The least that any ASGI application does for an event: a save, ready text, N sockets.

No framework, no subscriptions, no frames to read. The text is encoded once and the same for all.
"""

from __future__ import annotations

import json
from typing import Any

from asgiref.sync import sync_to_async

from benchmarks.world import rows
from benchmarks.world.changes import save

sockets: set[Any] = set()


async def application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    sockets.add(send)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    sockets.discard(send)


def text_of(position: int) -> str:
    """What everybody is sent."""
    return json.dumps({"data": rows.card(1, position), "action": "update", "request_id": 1})


async def tell(text: str) -> None:
    """Send it to all."""
    for send in list(sockets):
        await send({"type": "websocket.send", "text": text})


async def event(position: int) -> None:
    await sync_to_async(save)(position)
    await tell(text_of(position))


commands = {"event": event}
