"""
Carries envelopes to the other processes, from any thread, with or without a loop.

One daemon thread with one event loop serves the whole process: it keeps the
channel layer's connections, so publishing from plain synchronous code costs
neither a loop nor a connection, and it sends one envelope after the other, so
the order of the commits is kept.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Sequence
from typing import Any

from dcrf_graph.changes.layers import shared_layer

logger = logging.getLogger(__name__)

MESSAGE_TYPE = "dcrf.graph.changes"
MAX_WAITING = 10_000
"""Commits that may wait for a layer that is slow or gone; the next are dropped, with an error.

A reader finds out by the gap in the sequence.
"""
DRAIN_TIMEOUT = 5.0
"""Seconds that a process which ends waits for its last envelopes to leave."""

Envelopes = Sequence[tuple[str, str]]


class ThreadlessLoop(asyncio.SelectorEventLoop):
    """A loop that needs no other thread to look a host up.

    A process that ends starts no threads any more, while its last envelopes
    still have to find their way.
    """

    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        return socket.getaddrinfo(host, port, family, type, proto, flags)


class Courier:
    """The thread that sends, and the line before it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._line: asyncio.Queue[Envelopes | None] = asyncio.Queue()
        self._thread: threading.Thread | None = None
        self._waiting = 0
        self._idle = threading.Event()
        self._idle.set()

    def send(self, envelopes: Envelopes) -> None:
        """Hand over ``(group, text)`` pairs of one commit; returns at once, raises nothing."""
        with self._lock:
            if self._waiting >= MAX_WAITING:
                logger.error("The channel layer is too slow: dropped %d envelopes", len(envelopes))
                return
            try:
                loop = self._loop or self._start()
            except RuntimeError:
                logger.exception("The process ends: dropped %d envelopes", len(envelopes))
                return
            self._waiting += 1
            self._idle.clear()
            loop.call_soon_threadsafe(self._line.put_nowait, envelopes)

    def drain(self, timeout: float = DRAIN_TIMEOUT) -> bool:
        """Wait until everything handed over has been sent; False after ``timeout`` s."""
        return self._idle.wait(timeout)

    def close(self, timeout: float = DRAIN_TIMEOUT) -> None:
        """Send what waits, for at most ``timeout`` s, then end the thread and its connections.

        Handing over again starts another one.
        """
        if not self.drain(timeout):
            logger.error("The channel layer is too slow: the last envelopes were not sent")
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
            if loop is not None:
                loop.call_soon_threadsafe(self._line.put_nowait, None)
        if thread is not None:
            thread.join(timeout)

    def _start(self) -> asyncio.AbstractEventLoop:
        loop, line = ThreadlessLoop(), asyncio.Queue[Envelopes | None]()
        thread = threading.Thread(
            target=self._run, args=(loop, line), name="dcrf_graph courier", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            loop.close()
            raise
        self._loop, self._line, self._thread = loop, line, thread
        return loop

    def _run(self, loop: asyncio.AbstractEventLoop, line: asyncio.Queue[Envelopes | None]) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._carry(line))
        finally:
            loop.close()

    async def _carry(self, line: asyncio.Queue[Envelopes | None]) -> None:
        while (envelopes := await line.get()) is not None:
            for group, text in envelopes:
                try:
                    message = {"type": MESSAGE_TYPE, "envelope": text}
                    await shared_layer().group_send(group, message)
                except Exception:
                    logger.exception("The channel layer did not take an envelope")
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._idle.set()
