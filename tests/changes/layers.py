"""A channel layer that keeps what it is asked, and fails or waits when a test says so."""

from __future__ import annotations

import asyncio
from typing import Any


class RecordingLayer:
    """Reaches other processes, as far as the library knows.

    ``failures`` are raised by the next calls, one each. ``gate`` holds back what
    is done to groups until it is set.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.sent: list[tuple[str, Any]] = []
        self.members: set[str] = set()
        self.failures: list[Exception] = []
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()
        self.receiving = 0

    def _ask(self, name: str, what: str) -> None:
        self.asked.append((name, what))
        if self.failures:
            raise self.failures.pop(0)

    async def new_channel(self, prefix: str = "specific") -> str:
        self._ask("new_channel", prefix)
        return f"{prefix}!channel"

    async def group_add(self, group: str, channel: str) -> None:
        self._ask("group_add", group)
        self.members.add(group)

    async def group_discard(self, group: str, channel: str) -> None:
        self._ask("group_discard", group)
        await self.gate.wait()
        self.members.discard(group)

    async def group_send(self, group: str, message: Any) -> None:
        self._ask("group_send", group)
        self.sent.append((group, message))

    async def receive(self, channel: str) -> Any:
        self._ask("receive", channel)
        self.receiving += 1
        try:
            return await self.messages.get()
        finally:
            self.receiving -= 1
