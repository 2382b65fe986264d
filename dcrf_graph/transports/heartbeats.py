"""
Signs of life of many connections, by few timers.

A timer of its own would weigh half a KiB, on each connection. So those that begin within the
same sixteenth of the interval share one: the first sign of each comes up to that much early, all
others after exactly the interval. It must not know what a sign is.

Source: docs/decisions/0041-few-objects-for-an-idle-connection.md
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import Protocol
from weakref import WeakKeyDictionary

SHARES = 16
"""Timers for one interval, at most."""


class Beating(Protocol):
    """A connection that gives signs of life."""

    def beat(self) -> None:
        """Give one."""


class Heart:
    """Those who give their signs together."""

    __slots__ = ("_due", "_interval", "_members", "_place", "_timer")

    def __init__(self, interval: float, place: tuple[float, int], due: float) -> None:
        self._interval = interval
        self._place = place
        self._due = due
        self._members: set[Beating] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._start(asyncio.get_running_loop())

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        # An empty context: it outlives whoever came first.
        self._timer = loop.call_at(self._due, self._beat, context=Context())

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = max(self._due + self._interval, loop.time())
        self._start(loop)
        for member in tuple(self._members):
            member.beat()

    def join(self, member: Beating) -> None:
        """Have a connection give signs, too."""
        self._members.add(member)

    def leave(self, member: Beating) -> None:
        """Have it give none any more; harmless when repeated."""
        self._members.discard(member)
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            del _hearts[asyncio.get_running_loop()][self._place]


_hearts: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[float, int], Heart]]
_hearts = WeakKeyDictionary()


def heart(interval: float) -> Heart:
    """The heart of the running loop for those who begin now; somebody is to join it.

    Args:
        interval: seconds between two signs of life.
    """
    loop = asyncio.get_running_loop()
    share = interval / SHARES
    number = int(loop.time() / share) if share else 0
    place = interval, number % SHARES
    hearts = _hearts.setdefault(loop, {})
    if place not in hearts:
        hearts[place] = Heart(interval, place, (number + SHARES) * share)
    return hearts[place]
