"""
Sends what this process publishes to the other ones, from any thread, with or without a loop.

One daemon thread with one event loop serves the whole process: it keeps the
connections of the channel layer and of the registry, so publishing from plain
synchronous code costs neither a loop nor a connection, and it sends one commit
after the other, so their order is kept.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeVar

from dcrf_graph.changes.destinations import Commit
from dcrf_graph.changes.interest import Interest
from dcrf_graph.changes.layers import redis_of, shared_layer
from dcrf_graph.changes.membership import Membership, Process
from dcrf_graph.changes.post import Post
from dcrf_graph.changes.receiver import Receiver

logger = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""Commits that may wait to be sent; the next are dropped, with an error, and told as a gap."""
DRAIN_TIMEOUT = 5.0
"""Seconds that a process which ends waits for its last events to leave."""

T = TypeVar("T")


class ThreadlessLoop(asyncio.SelectorEventLoop):
    """A loop that needs no other thread to look a host up.

    A process that ends starts no threads any more, while its last events
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


class Publisher:
    """The thread that sends, and the line before it.

    Args:
        name: of this process, in the registry and on what it sends.
        process: what the membership asks and tells.
    """

    def __init__(self, name: str, process: Process) -> None:
        self.interest = Interest()
        self._name = name
        self._process = process
        self._lock = threading.Lock()
        self._running: Running | None = None

    # -- from any thread ------------------------------------------------------------

    def send(self, commit: Commit) -> None:
        """Hand over the events of one commit; returns at once, raises nothing."""
        with self._lock:
            try:
                self._run().hand_over(commit)
            except RuntimeError:
                logger.exception("The process ends: dropped %d events", len(commit))

    def lose(self) -> None:
        """Owe the other processes that they have missed something; returns at once."""
        with self._lock:
            try:
                self._run().post.owe()
            except RuntimeError:
                logger.exception("The process ends: a loss is not told")

    async def join(self, receiver: Receiver, group: str, observer: str) -> bool:
        """Write a receiver into a group of the registry; False if the layer has none.

        Raises:
            Exception: if Redis does not answer, or whatever it raises.
        """
        with self._lock:
            running = self._run()
        membership = running.membership
        if membership is None:
            return False
        await asyncio.wrap_future(running.ask(membership.join(receiver, group, observer)))
        return True

    def leave(self, receiver: Receiver, group: str) -> None:
        """Take a receiver out of the groups that it has left, some time soon."""
        running = self._running
        if running is not None and running.membership is not None:
            running.leave(receiver)

    def drain(self, timeout: float = DRAIN_TIMEOUT) -> bool:
        """Wait until everything handed over has been sent; False after ``timeout`` s."""
        running = self._running
        return running is None or running.idle.wait(timeout)

    def close(self, timeout: float = DRAIN_TIMEOUT) -> None:
        """Send what waits, for at most ``timeout`` s, then end the thread and its connections.

        Handing over again starts another one.
        """
        if not self.drain(timeout):
            logger.error("The channel layer is too slow: the last events were not sent")
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.stop(timeout)

    def _run(self) -> Running:
        if self._running is None:
            running = Running(self._name, self.interest, self._process)
            running.start()
            self._running = running
        return self._running


class Running:
    """One life of the thread."""

    def __init__(self, name: str, interest: Interest, process: Process) -> None:
        self.idle = threading.Event()
        self.idle.set()
        at = redis_of(shared_layer())
        self.post = Post(name, self._sent, packed=at is not None and at.binary)
        self.membership: Membership | None = None
        if at is not None:
            self.membership = Membership(at, name, interest, process, self.post)
        self.post.membership = self.membership
        self._loop = ThreadlessLoop()
        self._line: asyncio.Queue[Commit | None] = asyncio.Queue()
        self._count = threading.Lock()
        self._waiting = 0
        self._in_line = 0
        self._leaving: set[Receiver] = set()
        self._thread = threading.Thread(target=self._main, name="dcrf_graph publisher", daemon=True)

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: when the process ends.
        """
        try:
            self._thread.start()
        except RuntimeError:
            self._loop.close()
            raise

    def hand_over(self, commit: Commit) -> None:
        """Put a commit into the line."""
        if self._in_line >= MAX_WAITING:
            logger.error("The channel layer is too slow: dropped %d events", len(commit))
            self.post.owe()
            return
        with self._count:
            self._in_line += 1
        self._sent(-1)
        self._loop.call_soon_threadsafe(self._line.put_nowait, commit)

    def ask(self, work: Coroutine[Any, Any, T]) -> Any:
        """Run something on the thread, in an empty context."""
        return Context().run(asyncio.run_coroutine_threadsafe, work, self._loop)

    def leave(self, receiver: Receiver) -> None:
        """Let the membership look at a receiver; many at once are one look."""
        with self._count:
            if receiver in self._leaving:
                return
            self._leaving.add(receiver)
        with suppress(RuntimeError):
            self.ask(self._leave(receiver))

    async def _leave(self, receiver: Receiver) -> None:
        with self._count:
            self._leaving.discard(receiver)
        assert self.membership is not None
        await self.membership.leave(receiver)

    def stop(self, timeout: float) -> None:
        """End the thread once the line is empty."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._line.put_nowait, None)
        self._thread.join(timeout)

    def _sent(self, commits: int) -> None:
        with self._count:
            self._waiting -= commits
            (self.idle.clear if self._waiting else self.idle.set)()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        upkeep = self.post.mark() if self.membership is None else self.membership.keep()
        keeping = asyncio.ensure_future(upkeep)
        try:
            while (commit := await self._line.get()) is not None:
                with self._count:
                    self._in_line -= 1
                await self.post.send(commit)
                self._sent(1)
        finally:
            if self.membership is not None:
                await self.membership.end()
            keeping.cancel()
            await asyncio.wait([keeping])
