"""A client that reads the list again and again, and checks every row of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson

from benchmarks.asks import Ask
from benchmarks.servers import Server
from benchmarks.sockets import HOST, Socket

PATIENCE = 20.0
"""Seconds to wait for a list."""


class WrongList(Exception):
    """What came is not the list."""


class Reader:
    """
    One connection to a server; `open` it first.

    Args:
        cards, owners: how many rows there are.
    """

    def __init__(self, ask: Ask, server: Server, cards: int, owners: int) -> None:
        self.ask = ask
        self.server = server
        self.expected = ask.expected(cards, owners)
        self.number = 0
        self._client: httpx.AsyncClient | None = None
        self._socket: Socket | None = None
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()

    async def open(self) -> None:
        """Connect."""
        ask = self.ask
        if ask.transport == "http":
            self._client = httpx.AsyncClient(base_url=f"http://{HOST}:{self.server.port}")
            return
        socket = await Socket.connect(self.server.port, ask.path, "", ask.subprotocol)
        socket.on_text = self._inbox.put_nowait
        if opening := ask.opening():
            socket.send(opening)
            await self._receive()
        self._socket = socket

    async def read(self) -> None:
        """Ask for the list, and check it.

        Raises:
            WrongList: when it is another.
        """
        self.number += 1
        listed = await (self._read_http() if self._client else self._read_socket())
        if listed != self.expected:
            raise WrongList(f"got {str(listed)[:500]}, expected {str(self.expected)[:500]}")

    async def close(self) -> None:
        """Disconnect."""
        if self._client:
            await self._client.aclose()
        if self._socket:
            await self._socket.close()

    async def _read_socket(self) -> Any:
        assert self._socket is not None
        self._socket.send(self.ask.request(self.number))
        while (listed := self.ask.cards(await self._receive())) is None:
            pass
        return listed

    async def _read_http(self) -> Any:
        assert self._client is not None
        if body := self.ask.request(self.number):
            headers = {"content-type": "application/json"}
            response = await self._client.post(self.ask.path, content=body, headers=headers)
        else:
            response = await self._client.get(self.ask.path)
        return self.ask.cards(orjson.loads(response.raise_for_status().content))

    async def _receive(self) -> Any:
        return orjson.loads(await asyncio.wait_for(self._inbox.get(), PATIENCE))
