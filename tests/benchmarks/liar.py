"""A server that tells the truth until it is asked to lie: `/stale` or `/twice`."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.world import rows

sockets: dict[Any, str] = {}
lying = False


async def application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    sockets[send] = scope["path"]
    while (await receive())["type"] != "websocket.disconnect":
        pass
    del sockets[send]


async def event(position: int) -> None:
    for send, path in list(sockets.items()):
        if lying and path == "/stale":
            position -= 1
        text = json.dumps({"data": rows.card(1, position)})
        for _ in range(2 if lying and path == "/twice" else 1):
            await send({"type": "websocket.send", "text": text})


async def lie() -> None:
    global lying
    lying = True


commands = {"event": event, "lie": lie}
