"""
Readers of events, in both protocols, who may stop reading and go on later.

A reader that nobody reads from takes its frames out of no buffer: first the kernel's here is full,
then the kernel's there, and then whoever sends waits.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PATIENCE = 30.0
"""Seconds for one frame; whoever waits longer has found a server that hangs."""
BUFFER = 16_384
"""Bytes that the kernel keeps for a reader; the kernel on the server's side keeps more."""
FIELDS = {
    "end": "endLines",
    "drop_oldest": "dropOldestLines",
    "latest": "latestLines",
    "disconnect": "disconnectLines",
}
PROTOCOLS = {"native": None, "graphql-transport-ws": "graphql-transport-ws"}


@dataclass
class Reader:
    """One client with one subscription: what it has heard and been told, in order."""

    policy: str
    protocol: str
    client: ClientConnection
    heard: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """How many events it had heard before, and how many it was told it has missed."""
    ended: int | None = None
    """The status that its subscription ended with."""
    closed: int | None = None
    """The code that its socket was closed with."""

    @property
    def name(self) -> str:
        return f"{self.policy}, {self.protocol}"

    @property
    def missed(self) -> int:
        """How many events it was told that it has missed."""
        return sum(missed for _, missed in self.gaps)

    async def subscribe(self) -> None:
        """Subscribe; natively that is confirmed, in GraphQL it is not."""
        self.ended = None
        if self.protocol == "native":
            payload = {"action": "subscribe_lines", "request_id": 1}
            await self.client.send(json.dumps({"stream": self.policy, "payload": payload}))
            await self._frame()
            return
        query = f"subscription {{ {FIELDS[self.policy]} {{ action id data {{ text }} }} }}"
        start = {"id": "1", "type": "subscribe", "payload": {"query": query}}
        await self.client.send(json.dumps(start))

    async def read(self, enough: Callable[[], bool]) -> None:
        """Read until it is enough, or the subscription or the socket has ended."""
        while not enough() and self.ended is None and self.closed is None:
            try:
                frame = await self._frame()
            except TimeoutError:
                heard = f"{len(self.heard)} events, the last {self.heard[-1:]}"
                raise AssertionError(f"{self.name}: heard {heard}, and no more") from None
            except ConnectionClosed as closed:
                self.closed = closed.rcvd.code if closed.rcvd else 1006
            else:
                self._native(frame) if self.protocol == "native" else self._graphql(frame)

    async def _frame(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.client.recv())

    def _native(self, frame: Any) -> None:
        payload = frame["payload"]
        if payload["response_status"] == 410:
            self._miss(payload["data"])
        elif payload["response_status"] >= 400:
            self.ended = payload["response_status"]
        else:
            self._hear(payload["data"]["text"])

    def _graphql(self, frame: Any) -> None:
        if frame["type"] != "next":
            assert frame["type"] in ("ping", "complete"), frame
            return
        for error in frame["payload"].get("errors", ()):
            known = error["extensions"]
            if known["code"] == "EVENTS_LOST":
                self._miss(known)
            else:
                self.ended = known["status"]
        if data := frame["payload"]["data"]:
            self._hear(data[FIELDS[self.policy]]["data"]["text"])

    def _miss(self, gap: Any) -> None:
        assert gap["reason"] == "slow", gap
        self.gaps.append((len(self.heard), gap["missed"]))

    def _hear(self, text: str) -> None:
        number, written, _ = text.split(" ", 2)
        self.heard.append(int(number))
        self.delays.append(time.monotonic() - float(written))


@asynccontextmanager
async def reader(url: str, policy: str, protocol: str) -> AsyncIterator[Reader]:
    """A reader who has subscribed."""
    parts = urlsplit(url)
    with socket.socket() as own:
        # Before it connects: the kernels agree on it then.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, (parts.hostname, parts.port))
        offered = PROTOCOLS[protocol]
        async with connect(
            f"{url.replace('http', 'ws', 1)}/readers/",
            sock=own,
            subprotocols=[Subprotocol(offered)] if offered else None,
            compression=None,
            ping_interval=None,
        ) as client:
            if offered:
                await client.send('{"type": "connection_init"}')
                await client.recv()
            found = Reader(policy, protocol, client)
            await found.subscribe()
            yield found
