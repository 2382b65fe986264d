"""Clients of a router's WebSocket, one for each protocol, driven in the loop of the test.

A test waits for a frame or for the end of a task, never for time to pass; ``PATIENCE`` ends a test
that would hang.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.contrib.auth.models import AnonymousUser

from dcrf_graph.connection import open_connections
from dcrf_graph.observer.deliverer import delivering
from dcrf_graph.routers import Router

PATIENCE = 10.0
"""Seconds until a wait fails."""

GRAPHQL = "graphql-transport-ws"


class Closed(Exception):
    """The server has closed the socket: ``code`` and ``reason``."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Client:
    """The client's end of one socket."""

    def __init__(self, application: Any, **scope: Any) -> None:
        self.failure: Exception | None = None
        """What the server raises when the application sends, if anything."""
        self.reads = asyncio.Event()
        """Cleared, the server makes the application wait with what it sends."""
        self.reads.set()
        self.stuck = asyncio.Event()
        """Set when the application has been made to wait."""
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        full = {
            "type": "websocket",
            "path": "/ws/",
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
            "subprotocols": [],
            "user": AnonymousUser(),
            **scope,
        }
        self.served = asyncio.ensure_future(application(full, self._sent.get, self._take))

    async def _take(self, message: dict[str, Any]) -> None:
        if not self.reads.is_set():
            self.stuck.set()
            await self.reads.wait()
        if self.failure is not None:
            raise self.failure
        await self._received.put(message)

    async def connect(self) -> dict[str, Any]:
        """Open the socket; what the server says first, ``websocket.accept`` if it is kind."""
        await self._sent.put({"type": "websocket.connect"})
        return await self.message()

    async def send(self, frame: Any) -> None:
        """Send a frame: a text as it is, bytes as a binary frame, anything else as JSON."""
        if isinstance(frame, bytes):
            await self._sent.put({"type": "websocket.receive", "bytes": frame})
        else:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            await self._sent.put({"type": "websocket.receive", "text": text})

    async def message(self) -> dict[str, Any]:
        """The next message of the server to the socket, as ASGI has it."""
        read = asyncio.ensure_future(self._received.get())
        try:
            await asyncio.wait(
                {read, self.served}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            if not read.done():
                read.cancel()
        if read.cancelled() or not read.done():
            assert self.served.done(), "no frame came"
            self.served.result()
            raise Closed(None)
        return read.result()

    async def frame(self) -> Any:
        """The next frame.

        Raises:
            Closed: if the server closed the socket instead.
        """
        message = await self.message()
        if message["type"] == "websocket.close":
            raise Closed(message.get("code"), message.get("reason", ""))
        return json.loads(message["text"])

    async def frames(self, count: int) -> list[Any]:
        """The next frames."""
        return [await self.frame() for _ in range(count)]

    async def closing(self) -> Closed:
        """How the server closes the socket, which must come next."""
        try:
            frame = await self.frame()
        except Closed as closed:
            return closed
        raise AssertionError(f"expected the end of the socket, got {frame}")

    def unread(self) -> int:
        """How many messages of the server wait to be read."""
        return self._received.qsize()

    async def disconnect(self, code: int = 1001) -> None:
        """Go away; the server has finished with this socket when this returns."""
        if not self.served.done():
            await self._sent.put({"type": "websocket.disconnect", "code": code})
        await asyncio.wait_for(self.served, PATIENCE)


class NativeClient(Client):
    """Speaks in frames of streams."""

    async def ask(self, stream: str, action: str, request_id: Any = 1, **arguments: Any) -> None:
        """Send an action."""
        payload = {"action": action, "request_id": request_id, **arguments}
        await self.send({"stream": stream, "payload": payload})

    async def call(self, stream: str, action: str, request_id: Any = 1, **arguments: Any) -> Any:
        """Send an action; the next payload, which must be its reply."""
        await self.ask(stream, action, request_id, **arguments)
        payload = await self.payload(stream)
        assert payload["request_id"] == request_id, payload
        return payload

    async def payload(self, stream: str) -> Any:
        """What the next frame carries, which must be this stream's."""
        frame = await self.frame()
        assert frame["stream"] == stream, frame
        return frame["payload"]


class GraphQLClient(Client):
    """Speaks graphql-transport-ws."""

    def __init__(self, application: Any, **scope: Any) -> None:
        super().__init__(application, **{"subprotocols": [GRAPHQL], **scope})

    async def initialise(self, payload: Any = None) -> Any:
        """Introduce oneself; the server's answer."""
        await self.send({"type": "connection_init", "payload": payload})
        return await self.frame()

    async def start(self, id: str, query: str, /, **variables: Any) -> None:
        """Begin an operation."""
        payload = {"query": query, "variables": variables}
        await self.send({"id": id, "type": "subscribe", "payload": payload})

    async def stop(self, id: str) -> None:
        """End an operation; the server has read it when this returns."""
        await self.send({"id": id, "type": "complete"})
        await self.pong()

    async def pong(self) -> None:
        """Wait until the server has read everything, if it has nothing else to say."""
        await self.send({"type": "ping"})
        assert await self.frame() == {"type": "pong"}

    async def next(self, id: str) -> Any:
        """The next result, which must be of this operation."""
        frame = await self.frame()
        assert (frame["type"], frame["id"]) == ("next", id), frame
        return frame["payload"]

    async def complete(self, id: str) -> None:
        """The end of an operation, which must come next."""
        assert await self.frame() == {"type": "complete", "id": id}

    async def refused(self, id: str) -> Any:
        """The first error of an operation that is refused before any result."""
        frame = await self.frame()
        assert (frame["type"], frame["id"]) == ("error", id), frame
        return frame["payload"][0]

    async def result(self, query: str, /, **variables: Any) -> Any:
        """Run an operation that has one result."""
        await self.start("result", query, **variables)
        result = await self.next("result")
        await self.complete("result")
        return result

    async def data(self, query: str, /, **variables: Any) -> Any:
        """Run an operation that has one result, and succeeds."""
        result = await self.result(query, **variables)
        assert "errors" not in result, result
        return result["data"]

    async def error(self, query: str, /, **variables: Any) -> Any:
        """Run an operation that has one result; its only error."""
        [error] = (await self.result(query, **variables))["errors"]
        return error


@asynccontextmanager
async def native(router: Router, **scope: Any) -> AsyncIterator[NativeClient]:
    """A native client that has connected; everything of it is gone at the end."""
    client = NativeClient(router.as_asgi(), **scope)
    try:
        assert (await client.connect())["type"] == "websocket.accept"
        yield client
    finally:
        await client.disconnect()


@asynccontextmanager
async def graphql(router: Router, **scope: Any) -> AsyncIterator[GraphQLClient]:
    """A GraphQL client that has been acknowledged; everything of it is gone at the end."""
    client = GraphQLClient(router.as_asgi(), **scope)
    try:
        assert (await client.connect())["subprotocol"] == GRAPHQL
        assert await client.initialise() == {"type": "connection_ack"}
        yield client
    finally:
        await client.disconnect()


def tasks() -> set[asyncio.Task[Any]]:
    """What runs on the connections of this loop."""
    of_connections = {task for each in list(open_connections) for task in each.tasks}
    return of_connections | delivering()


async def quiet() -> None:
    """Wait until nothing runs on any connection."""
    while running := tasks():
        _, pending = await asyncio.wait(running, timeout=PATIENCE)
        assert not pending, f"still running: {pending}"


async def soon(event: asyncio.Event) -> None:
    """Wait for an event that must come."""
    await asyncio.wait_for(event.wait(), PATIENCE)


async def turns(count: int = 20) -> None:
    """Let the loop go round, until whatever waits for nothing has run."""
    for _ in range(count):
        await asyncio.sleep(0)
