"""
Clients that connect, subscribe, hear of a change, and are killed at any moment on the way.

Each protocol is the list of steps of a life. A client lives so many of its steps, waits for what
they are answered with or does not, and then its connection is cut: reset, closed without a word, or
as it should be. It knows the board's addresses and nothing of the server's inside.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

PATIENCE = 30.0
"""Seconds for one step; whoever waits longer has found a server that hangs."""
GONE = (ConnectionClosed, InvalidHandshake, ConnectionError, EOFError)
"""What the client meets when its connection is no more."""

ACTIVITY = "subscription($board: Int!) { cardActivity(board: $board) { action id data { title } } }"
LIST = "{ cards(limit: 50) { results { id title labels { name } } } }"
UPGRADE = (
    "GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@dataclass
class World:
    """The server and what is on it; ``change`` makes a card change."""

    url: str
    board: int
    change: Callable[[], Awaitable[None]]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    @property
    def socket(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/ws/"


def reset(transport: Any) -> None:
    """Cut a connection so that the other side gets a reset, whatever it still sends."""
    raw: socket.socket | None = transport.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


@asynccontextmanager
async def doomed(world: World, subprotocol: str | None, how: str) -> AsyncIterator[Any]:
    """A WebSocket that ends like this."""
    offered = [Subprotocol(subprotocol)] if subprotocol else None
    client = await connect(
        world.socket, subprotocols=offered, ping_interval=None, compression=None, close_timeout=5
    )
    try:
        yield client
    finally:
        if how == "reset":
            reset(client.transport)
        elif how == "cut":
            client.transport.close()
        await client.close()


async def hear(client: ClientConnection, last: Callable[[Any], bool]) -> None:
    """Read until a frame that fits."""
    async with asyncio.timeout(PATIENCE):
        while not last(json.loads(await client.recv())):
            pass


async def graphql(world: World, steps: int, how: str, subprotocol: str) -> None:
    """Introduce oneself, subscribe, wait for the event of a change, ask for a list, unsubscribe."""
    new = subprotocol == "graphql-transport-ws"
    start, stop, result = ("subscribe", "complete", "next") if new else ("start", "stop", "data")
    subscribe = {"query": ACTIVITY, "variables": {"board": world.board}}
    async with doomed(world, subprotocol, how) as client:
        if steps > 0:
            await client.send('{"type": "connection_init"}')
        if steps > 1:
            await hear(client, lambda frame: frame["type"] == "connection_ack")
        if steps > 2:
            await client.send(json.dumps({"id": "1", "type": start, "payload": subscribe}))
        if steps > 3:
            await client.send(json.dumps({"id": "2", "type": start, "payload": {"query": LIST}}))
        if steps > 4:
            # The subscription was asked for first.
            await hear(client, lambda frame: frame["type"] == "complete")
        if steps > 5:
            await world.change()
        if steps > 6:
            await hear(client, lambda frame: (frame["type"], frame["id"]) == (result, "1"))
        if steps > 7:
            await client.send(json.dumps({"id": "1", "type": stop}))


async def native(world: World, steps: int, how: str) -> None:
    """Subscribe twice, wait for the event of a change, ask for a list, unsubscribe."""

    def frame(action: str, request_id: int, **more: Any) -> str:
        payload = {"action": action, "request_id": request_id, **more}
        return json.dumps({"stream": "cards", "payload": payload})

    def replied(request_id: int) -> Callable[[Any], bool]:
        return lambda answer: bool(answer["payload"]["request_id"] == request_id)

    async with doomed(world, None, how) as client:
        if steps > 0:
            await client.send(frame("subscribe_card_activity", 1, board=world.board))
        if steps > 1:
            await hear(client, replied(1))
        if steps > 2:
            await client.send(frame("list", 2))
        if steps > 3:
            await hear(client, replied(2))
        if steps > 4:
            await client.send(frame("subscribe_card_activity", 3, board=world.board))
            await world.change()
        if steps > 5:
            await hear(client, lambda answer: answer["payload"]["action"] == "update")
        if steps > 6:
            await client.send(frame("unsubscribe_card_activity", 1, board=world.board))
        if steps > 7:
            await client.send(frame("list", 4))


async def events(world: World, steps: int, how: str) -> None:
    """Send half of a request, or all of it; read the head, the events of changes, and go."""
    body = json.dumps({"query": ACTIVITY, "variables": {"board": world.board}})
    head = (
        "POST /graphql/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Accept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(*world.address)
    try:
        writer.write(head[: 40 if steps == 0 else None].encode())
        if steps > 1:
            writer.write(body[: 20 if steps == 2 else None].encode())
        await writer.drain()
        async with asyncio.timeout(PATIENCE):
            if steps > 3:
                await reader.readuntil(b"\r\n\r\n")
            if steps > 4:
                # A subscription that is not there yet may miss the first changes.
                heard = asyncio.ensure_future(reader.readuntil(b"event: next"))
                while not heard.done():
                    await world.change()
                    await asyncio.wait({heard}, timeout=0.05)
                await heard
            if steps > 5:
                await world.change()
    finally:
        reset(writer.transport) if how == "reset" else writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def handshake(world: World, steps: int, how: str) -> None:
    """Begin to open a WebSocket, and go."""
    _, writer = await asyncio.open_connection(*world.address)
    try:
        writer.write(UPGRADE[: 30 * (steps + 1)].encode())
        await writer.drain()
    finally:
        reset(writer.transport) if how == "reset" else writer.close()
        with suppress(OSError):
            await writer.wait_closed()


Life = Callable[[World, int, str], Awaitable[None]]
LIVES: dict[str, Life] = {
    "native": native,
    "graphql-transport-ws": lambda world, steps, how: graphql(
        world, steps, how, "graphql-transport-ws"
    ),
    "graphql-ws": lambda world, steps, how: graphql(world, steps, how, "graphql-ws"),
    "server-sent events": events,
    "half a handshake": handshake,
}
ENDS = ["reset", "reset", "cut", "polite"]


async def cycle(world: World, dice: random.Random) -> str:
    """One life of a client; what it was."""
    name = dice.choice(list(LIVES))
    with suppress(*GONE):
        await LIVES[name](world, dice.randrange(9), dice.choice(ENDS))
    return name
