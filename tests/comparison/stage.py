"""
Where a scenario plays: opens sockets on a consumer, sends frames and writes down what comes back.

Speaks plain ASGI and knows neither library. Nothing here sleeps: a scenario waits for a frame it
names, and a *fence* (a frame whose reply proves that everything before it has been answered) ends
the recording of each client. A wait that is not fulfilled raises `Silent`; it is never recorded.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser

from tests.comparison.scenario import Recording

T = TypeVar("T")
PATIENCE = 5.0
"""Seconds to wait for a frame that must come; only a failing scenario ever waits this long."""

FENCE = {"action": "fence", "request_id": "fence"}


class Silent(Exception):
    """The frame that a scenario waits for did not come."""


class Client:
    """One socket on one consumer, and the frames it received, in order."""

    def __init__(self, app: Any, scope: dict[str, Any], fence: Mapping[str, Any] | None) -> None:
        self.frames: Recording = []
        self.open = False
        self._fence = fence
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task = asyncio.ensure_future(app(scope, self._sent.get, self._received.put))

    async def connect(self) -> None:
        """Open the socket; a refusal is written down as ``{"closed": code}``."""
        await self._sent.put({"type": "websocket.connect"})
        message = await self._next()
        if message is None or message["type"] != "websocket.accept":
            self.write_down(message)
            return
        self.open = True
        if message.get("subprotocol") is not None:
            self.frames.append({"subprotocol": message["subprotocol"]})

    async def send(self, frame: Any = None, *, text: str | None = None, **keys: Any) -> None:
        """Send a frame as JSON text, or `text` as it is; a closed socket swallows it."""
        content = keys if frame is None else frame
        text = json.dumps(content) if text is None else text
        await self._sent.put({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        await self._sent.put({"type": "websocket.receive", "bytes": data})

    async def call(self, action: str, request_id: Any = 1, **arguments: Any) -> Any:
        """Send an action and read until its reply, which is returned."""
        await self.send({"action": action, "request_id": request_id, **arguments})
        return await self.until(request_id=request_id)

    async def until(self, **expected: Any) -> Any:
        """Write down frames up to one that has these keys with these values, or to the close."""
        while self.open:
            frame = self.write_down(await self._next(expected))
            if frame is not None and all(frame.get(k) == v for k, v in expected.items()):
                return frame
        return None

    async def receive(self) -> dict[str, Any]:
        """Take the next message of the application, which is not written down."""
        return await self._received.get()

    async def fence(self) -> None:
        """Write down every frame that comes before the answer to a fence."""
        if self._fence is None:
            return
        await self.send(dict(self._fence))
        while self.open:
            message = await self._next(self._fence)
            if message is not None and '"fence"' in message.get("text", ""):
                return
            self.write_down(message)

    async def disconnect(self) -> None:
        """Close from the client's side and wait until the consumer has ended."""
        if not self._task.done():
            await self._sent.put({"type": "websocket.disconnect", "code": 1000})
        self.open = False
        done, _ = await asyncio.wait({self._task}, timeout=PATIENCE)
        if not done:
            self._task.cancel()
            raise Silent("the consumer did not end after its client left")
        while not self._received.empty():
            self.write_down(self._received.get_nowait())
        error = self._task.exception()
        if error is not None and {"crashed": type(error).__name__} not in self.frames:
            self.frames.append({"crashed": type(error).__name__})

    async def _next(self, expected: object = "an answer") -> dict[str, Any] | None:
        """The next message of the application; None when it has ended."""
        get = asyncio.ensure_future(self._received.get())
        done, _ = await asyncio.wait(
            {get, self._task}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        if get in done:
            return get.result()
        get.cancel()
        if self._task in done:
            return None
        raise Silent(f"no frame like {expected!r} after {self.frames!r}")

    def write_down(self, message: dict[str, Any] | None) -> Any:
        """Add a message to the frames; None is the application's end. Returns a frame's content."""
        if message is None:
            self.open = False
            error = self._task.exception()
            self.frames.append({"crashed": type(error).__name__} if error else {"ended": True})
        elif message["type"] == "websocket.close":
            self.open = False
            self.frames.append({"closed": message.get("code", 1000)})
        else:
            frame = json.loads(message["text"])
            self.frames.append(frame)
            return frame
        return None


class Stage:
    """The clients and notes of one scenario."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.notes: Recording = []

    async def connect(
        self,
        consumer: Any,
        *,
        fence: Mapping[str, Any] | None = FENCE,
        without: tuple[str, ...] = (),
        **scope: Any,
    ) -> Client:
        """
        Open a socket on a consumer class or an ASGI application.

        Args:
            fence: the frame whose reply has the request_id ``"fence"``, where the default
                cannot work; None where upstream answers it on another client's socket.
            without: keys that the scope must not have, e.g. ``("user",)``.
            scope: keys of the scope, e.g. ``user=...``.
        """
        if isinstance(consumer, type) and issubclass(consumer, AsyncConsumer):
            consumer = consumer.as_asgi()
        full: dict[str, Any] = {
            "type": "websocket",
            "path": "/socket/",
            "query_string": b"",
            "headers": [],
            "subprotocols": [],
            "user": AnonymousUser(),
            **scope,
        }
        client = Client(consumer, {k: v for k, v in full.items() if k not in without}, fence)
        self.clients.append(client)
        await client.connect()
        return client

    async def until_frames(self, count: int) -> None:
        """Write down what any client receives until together they have `count` frames."""
        while sum(len(client.frames) for client in self.clients) < count:
            gets = {
                asyncio.ensure_future(client.receive()): client
                for client in self.clients
                if client.open
            }
            done, waiting = await asyncio.wait(
                gets, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
            )
            for get in waiting:
                get.cancel()
            for get in done:
                gets[get].write_down(get.result())
            if not done:
                raise Silent(f"no {count} frames in {[client.frames for client in self.clients]!r}")

    def note(self, value: Any) -> None:
        """Write down something seen on the server, e.g. the arguments a hook was called with."""
        self.notes.append(json.loads(json.dumps(value)))

    async def run(self, work: Callable[[], T]) -> T:
        """Run synchronous work (a transaction, a signal) as a thread of the server would."""
        return await database_sync_to_async(work)()

    async def close(self) -> None:
        """End each client behind a fence, so that nothing it was sent is missed."""
        for client in self.clients:
            if client.open:
                await client.fence()
            await client.disconnect()

    @property
    def recording(self) -> Recording:
        """The first client's frames, then those of the others by number, then the notes."""
        recording = list(self.clients[0].frames) if self.clients else []
        for number, client in enumerate(self.clients[1:], start=2):
            recording.append({"client": number, "frames": client.frames})
        if self.notes:
            recording.append({"notes": self.notes})
        return recording
