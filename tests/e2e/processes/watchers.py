"""
A client that keeps the items of one place, as an application would, in either protocol.

It subscribes, reads the list, applies events; told of a gap it reads the list again, and when its
server is gone it goes to the next one. Whatever it hears is written down.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

LOST = "lost"
"""In what was heard: here something may be missing."""
RETRY = 0.2
"""Seconds between two attempts to come back."""
SUBSCRIPTION = (
    "subscription ($place: Int!) { itemActivity(place: $place) { action id data { number } } }"
)
LIST = "{ items { id place number } }"


class Refused(Exception):
    """A server did not want to, now."""


class Watcher:
    """The items of a place, by key: the number of their last change."""

    subprotocols: Sequence[str] = ()

    def __init__(self, urls: Sequence[str], place: int) -> None:
        self.place = place
        self.items: dict[int, int] = {}
        self.heard: list[int | str] = []
        self.gaps = self.connections = 0
        self.fetched = asyncio.Event()
        self._urls = itertools.cycle(urls)
        self._since: list[tuple[str, int, int]] = []
        self._ids = itertools.count(1)

    async def run(self) -> None:
        """Watch until cancelled."""
        for url in self._urls:
            try:
                subprotocols: Any = self.subprotocols or None
                async with connect(url, subprotocols=subprotocols, ping_interval=None) as socket:
                    self.connections += 1
                    await self.begin(socket)
                    await self.fetch(socket)
                    async for text in socket:
                        await self.read(socket, json.loads(text))
            except (OSError, WebSocketException, Refused):
                pass
            self.heard.append(LOST)
            self.fetched.clear()
            await asyncio.sleep(RETRY)

    async def begin(self, socket: ClientConnection) -> None:
        """Subscribe."""
        raise NotImplementedError

    async def ask(self, socket: ClientConnection, id: str) -> None:
        """Ask for the list."""
        raise NotImplementedError

    async def read(self, socket: ClientConnection, frame: Any) -> None:
        """Read a frame."""
        raise NotImplementedError

    async def fetch(self, socket: ClientConnection) -> None:
        """Read the list; what is heard from now on may be newer than it."""
        self._since.clear()
        self.fetched.clear()
        self._asked = f"list {next(self._ids)}"
        await self.ask(socket, self._asked)

    def listed(self, id: Any, items: Any) -> None:
        """The list has come; another than the last one that was asked for is of no use."""
        if id == self._asked:
            here = [item for item in items if item["place"] == self.place]
            self.items = {int(item["id"]): item["number"] for item in here}
            for event in self._since:
                self.apply(*event)
            self.fetched.set()

    def event(self, action: str, key: int, number: int) -> None:
        """An item has changed. The number of a delete is the item's last one."""
        self._since.append((action, key, number))
        self.apply(action, key, number)
        self.heard.append(number if action != "delete" else f"delete {key}")

    def apply(self, action: str, key: int, number: int) -> None:
        if action == "delete":
            self.items.pop(key, None)
        else:
            self.items[key] = number

    async def gap(self, socket: ClientConnection) -> None:
        """Something was lost."""
        self.gaps += 1
        self.heard.append(LOST)
        await self.fetch(socket)


class Native(Watcher):
    """Frames of native streams."""

    async def begin(self, socket: ClientConnection) -> None:
        call = {"action": "subscribe_activity", "request_id": "live", "place": self.place}
        await socket.send(json.dumps({"stream": "items", "payload": call}))
        answer = json.loads(await socket.recv())["payload"]
        if answer["errors"]:
            raise Refused(answer)

    async def ask(self, socket: ClientConnection, id: str) -> None:
        call = {"action": "list", "request_id": id}
        await socket.send(json.dumps({"stream": "items", "payload": call}))

    async def read(self, socket: ClientConnection, frame: Any) -> None:
        payload = frame["payload"]
        if payload["action"] == "gap":
            return await self.gap(socket)
        if payload["errors"]:
            raise Refused(payload)
        data = payload["data"]
        if payload["request_id"] != "live":
            return self.listed(payload["request_id"], data)
        # Of a row that has left, its key alone.
        self.event(payload["action"], data.get("id", data.get("pk")), data.get("number", 0))


class GraphQL(Watcher):
    """graphql-transport-ws."""

    subprotocols = ("graphql-transport-ws",)

    async def begin(self, socket: ClientConnection) -> None:
        await socket.send('{"type": "connection_init"}')
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        await self.operate(socket, "live", SUBSCRIPTION, place=self.place)
        # Nothing says that a subscription stands; what is asked after it on one stream is later.

    async def ask(self, socket: ClientConnection, id: str) -> None:
        await self.operate(socket, id, LIST)

    async def operate(self, socket: ClientConnection, id: str, query: str, **given: Any) -> None:
        payload = {"query": query, "variables": given}
        await socket.send(json.dumps({"type": "subscribe", "id": id, "payload": payload}))

    async def read(self, socket: ClientConnection, frame: Any) -> None:
        match frame:
            case {"type": "ping"}:
                await socket.send('{"type": "pong"}')
            case {"type": "error"}:
                raise Refused(frame)
            case {"type": "next", "payload": {"errors": [error, *_]}}:
                if error["extensions"]["code"] != "EVENTS_LOST":
                    raise Refused(frame)
                await self.gap(socket)
            case {"type": "next", "id": "live", "payload": {"data": {"itemActivity": event}}}:
                number = (event["data"] or {"number": 0})["number"]
                self.event(event["action"].lower(), int(event["id"]), number)
            case {"type": "next", "id": id, "payload": {"data": {"items": items}}}:
                self.listed(id, items)
