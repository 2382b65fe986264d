"""A native client of one consumer: sends frames, reads frames, and knows when all is quiet.

It drives the consumer as an ASGI server would, in the loop of the test, so a test waits for what
happens and never for time to pass. ``PATIENCE`` ends a test that would hang.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser, User

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.observer.deliverer import delivering

T = TypeVar("T")
PATIENCE = 10.0
"""Seconds until a wait fails."""

SOMEBODY = User(pk=1, username="somebody")
SOMEBODY_ELSE = User(pk=2, username="somebody else")


class Closed(Exception):
    """The consumer has closed the socket, with this code."""


class Client:
    """One socket on one consumer instance, which a test may look at."""

    def __init__(self, consumer: Any, scope: dict[str, Any]) -> None:
        self.consumer = consumer
        self.subprotocol: str | None = None
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._handed_over = 0
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.send_to_client: Callable[[dict[str, Any]], Awaitable[None]] = self._received.put
        self.served = asyncio.ensure_future(consumer(scope, self._receive, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        await self.send_to_client(message)

    async def _receive(self) -> dict[str, Any]:
        # Channels asks for the next message when the one before has been dispatched.
        if self._handed_over:
            self._handed_over -= 1
            self._sent.task_done()
        message = await self._sent.get()
        self._handed_over += 1
        return message

    async def connect(self) -> bool:
        """Open the socket; False where the consumer refuses."""
        await self._sent.put({"type": "websocket.connect"})
        message = await self._next()
        self.subprotocol = message.get("subprotocol")
        return bool(message["type"] == "websocket.accept")

    async def send(self, action: str | None = None, /, request_id: Any = None, **keys: Any) -> None:
        """Send a frame; ``action`` and ``request_id`` only where they are given."""
        named = {"action": action, "request_id": request_id}
        frame = {name: value for name, value in named.items() if value is not None}
        await self.send_text(json.dumps({**frame, **keys}))

    async def send_text(self, text: str) -> None:
        """Send a frame as it is."""
        await self._sent.put({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        await self._sent.put({"type": "websocket.receive", "bytes": data})

    async def frame(self) -> Any:
        """The next frame.

        Raises:
            Closed: if the consumer closed the socket instead.
        """
        message = await self._next()
        if message["type"] == "websocket.close":
            raise Closed(message.get("code"))
        return json.loads(message["text"])

    async def frames(self, count: int) -> list[Any]:
        """The next frames."""
        return [await self.frame() for _ in range(count)]

    async def call(self, action: str, /, request_id: Any = 1, **arguments: Any) -> Any:
        """Send an action; the next frame, which must be its reply."""
        await self.send(action, request_id, **arguments)
        frame = await self.frame()
        assert frame["request_id"] == request_id, frame
        return frame

    async def rest(self) -> list[Any]:
        """Wait until nothing is going on; the frames that were not read before."""
        await asyncio.wait_for(self._sent.join(), PATIENCE)
        while tasks := self.consumer.connection.tasks | delivering():
            _, pending = await asyncio.wait(tasks, timeout=PATIENCE)
            assert not pending, f"still running: {pending}"
        unread = []
        while not self._received.empty():
            unread.append(await self.frame())
        return unread

    async def silent(self) -> bool:
        """Whether nothing more comes, when everything that was going on has ended."""
        return await self.rest() == []

    async def disconnect(self) -> None:
        """Close the socket from the client's side; the consumer has ended when this returns."""
        if not self.served.done():
            await self._sent.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.served, PATIENCE)

    async def _next(self) -> dict[str, Any]:
        read = asyncio.ensure_future(self._received.get())
        await asyncio.wait(
            {read, self.served}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        if not read.done():
            read.cancel()
            assert self.served.done(), "no frame came"
            self.served.result()
            raise Closed(None)
        return read.result()


def scope_of(**keys: Any) -> dict[str, Any]:
    """The scope of a socket that an anonymous client opens on testserver."""
    return {
        "type": "websocket",
        "path": "/socket/",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "subprotocols": [],
        "user": AnonymousUser(),
        **keys,
    }


@asynccontextmanager
async def connected(
    consumer_class: type[AsyncAPIConsumer], *, without: tuple[str, ...] = (), **scope: Any
) -> AsyncIterator[Client]:
    """A client that has connected; ``scope`` are keys of the scope, ``without`` what it lacks."""
    full = {name: value for name, value in scope_of(**scope).items() if name not in without}
    client = Client(consumer_class(), full)
    try:
        assert await client.connect(), "the consumer refused the connection"
        yield client
    finally:
        await client.disconnect()


async def may_connect(consumer_class: type[AsyncAPIConsumer], **scope: Any) -> bool:
    """Whether a consumer lets a client in."""
    client = Client(consumer_class(), scope_of(**scope))
    try:
        return await client.connect()
    finally:
        await client.disconnect()


async def in_thread(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run ORM code as another part of the server would; what it committed has been published."""
    return await database_sync_to_async(work)(*args, **kwargs)


async def soon(event: asyncio.Event) -> None:
    """Wait for an event that must come."""
    await asyncio.wait_for(event.wait(), PATIENCE)
