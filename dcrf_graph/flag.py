"""
An event of asyncio that weighs next to nothing while nobody waits for it.

A connection has several of them, and thousands of connections are idle;
``asyncio.Event`` makes a queue of its waiters (0.6 KiB) before there are any.
"""

from __future__ import annotations

import asyncio


class Flag:
    """Like ``asyncio.Event``: whoever waits goes on when it is set."""

    __slots__ = ("_set", "_waiting")

    def __init__(self, is_set: bool = False) -> None:
        self._set = is_set
        self._waiting: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._set

    def set(self) -> None:
        """Let those who wait go on, and those who come not wait."""
        self._set = True
        waiting, self._waiting = self._waiting, None
        for future in waiting or ():
            if not future.done():
                future.set_result(None)

    def clear(self) -> None:
        """Let those who come wait."""
        self._set = False

    async def wait(self) -> None:
        """Wait until it is set; cancelling gives the wait up."""
        if self._set:
            return
        future = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(future)
        try:
            await future
        finally:
            self._forget(future)

    def _forget(self, future: asyncio.Future[None]) -> None:
        if self._waiting is not None and future in self._waiting:
            self._waiting.remove(future)
