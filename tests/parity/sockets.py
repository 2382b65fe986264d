"""
An ASGI application's WebSocket, in process: no server, no port, no second event loop.

What the application sends is handed to `hear` while it is being sent, so that nothing waits
unread. It knows no protocol but ASGI's.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html#websocket
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

PATIENCE = 30.0
"""Seconds after which a test that waits for something has failed."""


async def arrival(queue: asyncio.Queue[Any]) -> Any:
    """What comes next; an error, and no test that hangs, if nothing does."""
    async with asyncio.timeout(PATIENCE):
        return await queue.get()


class Socket:
    """A client's side of one WebSocket."""

    def __init__(self, hear: Callable[[dict[str, Any]], None]) -> None:
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.handshake: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.hear = hear

    async def sent(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            self.hear(json.loads(message["text"]))
        else:
            self.handshake.put_nowait(message)

    def send(self, frame: Any) -> None:
        """Send a value as JSON."""
        self.frames.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})


@asynccontextmanager
async def open_socket(
    application: Any, user: Any, subprotocols: Sequence[str], hear: Callable[[Any], None]
) -> AsyncIterator[Socket]:
    """Connect as this user; disconnects, and waits until the application has noticed."""
    socket = Socket(hear)
    scope = {
        "type": "websocket",
        "path": "/ws/",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 50000),
        "server": ("testserver", 80),
        "subprotocols": list(subprotocols),
        "user": user,
    }
    running = asyncio.create_task(application(scope, socket.frames.get, socket.sent))
    socket.frames.put_nowait({"type": "websocket.connect"})
    answer = await arrival(socket.handshake)
    assert answer["type"] == "websocket.accept", answer
    try:
        yield socket
    finally:
        socket.frames.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(PATIENCE):
            await running
