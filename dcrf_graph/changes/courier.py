"""
Carries envelopes to the other processes, from any thread, with or without a loop.

One daemon thread with one event loop serves the whole process: it keeps the
channel layer's connections, so publishing from plain synchronous code costs
neither a loop nor a connection, and it sends one envelope after the other, so
the order of the commits is kept.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections.abc import Sequence

from dcrf_graph.changes.layers import shared_layer

logger = logging.getLogger(__name__)

MESSAGE_TYPE = "dcrf.graph.changes"
MAX_WAITING = 10_000
"""Envelopes that may wait for a layer that is slow or gone; the next are dropped, with an error.

A reader finds out by the gap in the sequence.
"""
DRAIN_TIMEOUT = 5.0
"""Seconds that a process which ends waits for its last envelopes to leave."""


class Courier:
    """The thread that sends, and the line before it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._line: asyncio.Queue[Sequence[tuple[str, str]]] | None = None
        self._waiting = 0
        self._idle = threading.Event()
        self._idle.set()

    def send(self, envelopes: Sequence[tuple[str, str]]) -> None:
        """Hand over ``(group, text)`` pairs of one commit; returns at once, raises nothing."""
        with self._lock:
            if self._waiting >= MAX_WAITING:
                logger.error("The channel layer is too slow: dropped %d envelopes", len(envelopes))
                return
            self._waiting += 1
            self._idle.clear()
            if self._loop is None:
                self._start()
            loop, line = self._loop, self._line
        assert loop is not None
        assert line is not None
        loop.call_soon_threadsafe(line.put_nowait, envelopes)

    def drain(self, timeout: float = DRAIN_TIMEOUT) -> bool:
        """Wait until everything handed over has been sent; False after ``timeout`` s."""
        return self._idle.wait(timeout)

    def _start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._line = asyncio.Queue()
        threading.Thread(target=self._run, name="dcrf_graph courier", daemon=True).start()
        atexit.register(self.drain)

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._carry())

    async def _carry(self) -> None:
        assert self._line is not None
        while True:
            for group, text in await self._line.get():
                layer = shared_layer()
                try:
                    await layer.group_send(group, {"type": MESSAGE_TYPE, "envelope": text})
                except Exception:
                    logger.exception("The channel layer did not take an envelope")
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._idle.set()
