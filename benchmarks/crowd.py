"""Many clients of one server that all have to see each event, whole and once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson

from benchmarks.servers import Server
from benchmarks.sockets import Socket
from benchmarks.wires import Wire

PATIENCE = 20.0
"""Seconds to wait for an event."""
TRIES = 5
"""Events that may be lost before everybody's subscription stands."""


class WrongDelivery(Exception):
    """A client saw something else than the event, or saw it twice, or did not see it."""


class Crowd:
    """The clients of one wire; verifies every frame that any of them gets."""

    def __init__(self, wire: Wire, server: Server) -> None:
        self.wire = wire
        self.server = server
        self.sockets: list[Socket] = []
        self.position = 0
        self._expected: Any = None
        self._seen: set[int] = set()
        self._settled = False
        self._done: asyncio.Future[None] | None = None

    async def grow(self, size: int) -> None:
        """Connect and subscribe until there are so many, and see that all of them hear."""
        self._settled = False
        while len(self.sockets) < size:
            clients = range(len(self.sockets), min(size, len(self.sockets) + 20))
            self.sockets += await asyncio.gather(*map(self._join, clients))
        for number in range(TRIES):
            await self.server.quiet()
            try:
                await self._event(patience=min(PATIENCE, 3.0 * 2**number))
            except WrongDelivery:
                if number + 1 == TRIES:
                    raise
            else:
                self._settled = True
                return

    async def events(self, count: int, budget: float) -> int:
        """
        So many events, each when all clients have seen the one before.

        Args:
            budget: seconds after which no further one begins.

        Returns:
            How many there were.

        Raises:
            WrongDelivery: when one is missing, wrong or there twice.
        """
        end, done = time.monotonic() + budget, 0
        while done < count and (done == 0 or time.monotonic() < end):
            await self._event(PATIENCE)
            done += 1
        await self.server.answers()
        return done

    async def close(self) -> None:
        """Let all clients leave, and wait for the server to have noticed."""
        await asyncio.wait_for(asyncio.gather(*(each.close() for each in self.sockets)), PATIENCE)
        self.sockets.clear()
        await self.server.call("emptied")

    async def _event(self, patience: float) -> None:
        self.position += 1
        self._expected = self.wire.expected(self.position)
        self._seen = set()
        self._done = asyncio.get_running_loop().create_future()
        self.server.fire("event", self.position)
        try:
            await asyncio.wait_for(self._done, patience)
        except TimeoutError:
            count = len(self._seen)
            raise WrongDelivery(f"{count} of {len(self.sockets)} clients saw the event") from None

    async def _join(self, client: int) -> Socket:
        wire, port = self.wire, self.server.port
        socket = await Socket.connect(port, wire.path, wire.query(client), wire.subprotocol)
        inbox: asyncio.Queue[bytes] = asyncio.Queue()
        socket.on_text = inbox.put_nowait
        socket.on_end = self._fail
        talk = wire.subscribe(client)
        frame = None
        while True:
            try:
                text = talk.send(frame)
            except StopIteration:
                break
            frame = None
            if text is None:
                frame = orjson.loads(await asyncio.wait_for(inbox.get(), PATIENCE))
            else:
                socket.send(text)
        socket.on_text = lambda text: self._hear(client, text)
        return socket

    def _hear(self, client: int, text: bytes) -> None:
        try:
            row = self.wire.row(orjson.loads(text), client)
        except (ValueError, KeyError, TypeError) as error:
            self._fail(f"client {client} got {text[:500]!r}: {error!r}")
            return
        if row is None:
            return
        if row != self._expected:
            # Before everybody's subscription stands, an event may come late.
            if self._settled:
                self._fail(f"client {client} got {row}, expected {self._expected}")
        elif client in self._seen:
            self._fail(f"client {client} got event {self.position} twice")
        else:
            self._seen.add(client)
            if len(self._seen) == len(self.sockets) and self._done and not self._done.done():
                self._done.set_result(None)

    def _fail(self, reason: str) -> None:
        if self._done is None:
            raise WrongDelivery(reason)
        if not self._done.done():
            self._done.set_exception(WrongDelivery(reason))
