"""A client of Django's ASGI application that reads an answer while it is being sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.core.asgi import get_asgi_application

PATIENCE = 10.0
"""Seconds until a wait fails."""


class Exchange:
    """One request and its answer."""

    def __init__(
        self,
        query: str,
        accept: str,
        method: str = "POST",
        variables: Any = None,
        client: tuple[str, int] | None = None,
        **headers: str,
    ) -> None:
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        sent = {} if variables is None else {"variables": variables}
        body = json.dumps({"query": query, **sent}).encode()
        given = {
            "host": "testserver",
            "accept": accept,
            "content-type": "application/json",
            "content-length": str(len(body)),
            **headers,
        }
        self.scope: Any = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": "/graphql/",
            "query_string": b"",
            "client": client,
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
        self._inbox.put_nowait({"type": "http.request", "body": body, "more_body": False})
        application: Any = get_asgi_application()
        self._reads = asyncio.Event()
        self._reads.set()
        self.blocked = asyncio.Event()
        """Set when the server waits to send more than the client reads."""
        self.served = asyncio.ensure_future(application(self.scope, self._inbox.get, self._take))
        self.text = ""

    async def _take(self, message: dict[str, Any]) -> None:
        if not self._reads.is_set():
            self.blocked.set()
            await self._reads.wait()
        await self._outbox.put(message)

    def stop_reading(self) -> None:
        """Have the server wait with whatever it sends from now on."""
        self._reads.clear()

    def go_on_reading(self) -> None:
        """Read on."""
        self._reads.set()

    async def message(self) -> dict[str, Any]:
        """What the server sends next."""
        return await asyncio.wait_for(self._outbox.get(), PATIENCE)

    async def start(self) -> tuple[int, dict[str, str]]:
        """The status and the headers."""
        message = await self.message()
        assert message["type"] == "http.response.start", message
        headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        return message["status"], headers

    async def read(self, end: str) -> str:
        """The body up to, and with, ``end``; what comes after is kept."""
        while end not in self.text:
            message = await self.message()
            assert message["type"] == "http.response.body", message
            self.text += message["body"].decode()
            if not message.get("more_body", False):
                break
        assert end in self.text, self.text
        read, _, self.text = self.text.partition(end)
        return read + end

    async def rest(self) -> str:
        """The body until its end."""
        while True:
            message = await self.message()
            self.text += message.get("body", b"").decode()
            if not message.get("more_body", False):
                return self.text

    async def until(self, end: str) -> str:
        """The body up to ``end`` and a little more, or to its own end."""
        more = True
        while more and end not in self.text:
            message = await self.message()
            self.text += message.get("body", b"").decode()
            more = message.get("more_body", False)
        text, self.text = self.text, ""
        return text

    async def leave(self) -> None:
        """Go away, as a browser does that closes its page; the server has finished then."""
        self._inbox.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(self.served, PATIENCE)


def events(text: str) -> list[tuple[str, Any]]:
    """Read server-sent events, without comments."""
    found: list[tuple[str, Any]] = []
    assert "\r" not in text
    for block in text.split("\n\n"):
        lines = dict(line.split(":", 1) for line in block.split("\n") if line[:1] not in ("", ":"))
        if lines:
            data = lines["data"].strip()
            found.append((lines["event"].strip(), json.loads(data) if data else None))
    return found


def parts(text: str) -> list[Any]:
    """Read the parts of a multipart body by the letter of RFC 2046."""
    assert text.startswith("--graphql\r\n")
    assert text.endswith("\r\n--graphql--\r\n")
    inner = text.removeprefix("--graphql").removesuffix("\r\n--graphql--\r\n")
    found = []
    for part in inner.split("\r\n--graphql"):
        head, body = part.split("\r\n\r\n")
        assert head == "\r\nContent-Type: application/json"
        found.append(json.loads(body))
    return found
