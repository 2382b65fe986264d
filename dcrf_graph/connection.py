"""
What one client connection owns: its tasks, and the bounds on its calls and frames.

Every task that a connection starts is started here and ends with it, whatever
state it is in. The transport makes one of these per socket (or per HTTP
request); a consumer that is served alone makes its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Set
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

from django.utils import timezone

from dcrf_graph.exceptions import TooManyCalls
from dcrf_graph.flag import Flag
from dcrf_graph.protocols.effects import Close
from dcrf_graph.settings import api_settings

if TYPE_CHECKING:
    from dcrf_graph.calls import Call
    from dcrf_graph.presence import Presence

logger = logging.getLogger(__name__)

open_connections: WeakSet[Connection] = WeakSet()
"""The connections of this process, for ``statistics()`` and health pages."""


class Bucket:
    """How many frames a client may send: so many at once, and so many each second.

    Args:
        rate: frames per second; None is any number.
        burst: frames at once, by a client that has been quiet.
    """

    __slots__ = ("_at", "_left", "burst", "rate")

    def __init__(self, rate: float | None, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self._left = float(burst)
        self._at = monotonic()

    def take(self) -> bool:
        """Count a frame; False if it is one too many, which is not counted."""
        if self.rate is None:
            return True
        now = monotonic()
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Closes(Protocol):
    """What can close a socket."""

    async def close(self, close: Close) -> None:
        """Close it, once."""


class Connection:
    """The tasks and the slots of one client.

    ``socket`` closes the socket, where there is one. ``subscribed`` counts what
    all of its consumers have subscribed, ``frames`` what it sends. ``over`` is set
    when it has nothing more to say. ``sure`` says that nothing is in doubt about its
    user, and that it goes on; it holds until ``sure_until``, where there is such a time.

    A call waits for its turn on the consumer first and for a slot second, so
    whoever holds a slot can always finish.

    Most connections are idle, and there are many: what only a busy one needs is
    there while it is busy.
    """

    __slots__ = (
        "__weakref__",
        "_cut",
        "_holders",
        "_idle",
        "_over",
        "_slots",
        "_tasks",
        "closed",
        "frames",
        "pending",
        "presence",
        "socket",
        "subscribed",
        "sure",
        "sure_until",
    )

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] | None = None
        self.pending = 0
        self.subscribed = 0
        self.frames = Bucket(api_settings.MAX_FRAME_RATE, api_settings.MAX_FRAME_BURST)
        self.closed = False
        self.sure = True
        self.sure_until: datetime | None = None
        self.presence: Presence | None = None
        self.socket: Closes | None = None
        self._cut = False
        self._over: Flag | None = None
        self._idle: Flag | None = None
        self._slots: asyncio.Semaphore | None = None
        self._holders = 0
        open_connections.add(self)

    @property
    def tasks(self) -> Set[asyncio.Task[Any]]:
        """What runs for this client."""
        return frozenset() if self._tasks is None else self._tasks

    @property
    def over(self) -> Flag:
        """Set when it has nothing more to say."""
        if self._over is None:
            self._over = Flag()
        return self._over

    def start(
        self, work: Coroutine[Any, Any, Any], *, context: Context | None = None
    ) -> asyncio.Task[Any]:
        """Run a task that ends with this connection; what it raises is logged."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        task.add_done_callback(self._ended)
        self.own(task)
        return task

    def own(self, task: asyncio.Task[Any]) -> None:
        """End a task with this connection; whoever started it looks at what it raises."""
        if self._tasks is None:
            self._tasks = set()
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        if self.closed:
            task.cancel()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        if self._tasks is not None:
            self._tasks.discard(task)
            if not self._tasks:
                self._tasks = None

    @staticmethod
    def _ended(task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A task of a connection failed", exc_info=error)

    def admit(self, call: Call | None = None, *, ends: bool = False) -> None:
        """Count a call until it is answered; once, when several of its tasks ask.

        Args:
            ends: it ends a subscription, and what only ends is let in over the limit: as many
                as there are subscriptions.

        Raises:
            TooManyCalls: when ``MAX_PENDING_CALLS`` are unanswered already; nothing was counted.
        """
        if call is not None and call.tasks:
            call.tasks += 1
            return
        limit = api_settings.MAX_PENDING_CALLS + (self.subscribed if ends else 0)
        if self.pending >= limit:
            raise TooManyCalls()
        self.pending += 1
        if call is not None:
            call.tasks = 1

    def release(self, call: Call | None = None) -> None:
        """Uncount a call that was admitted, when the last of its tasks that asked has ended."""
        if call is not None:
            call.tasks -= 1
            if call.tasks:
                return
        self.pending -= 1
        if not self.pending and self._idle is not None:
            self._idle.set()
            self._idle = None

    async def idle(self) -> None:
        """Wait until every call that was admitted has been answered."""
        if self.pending:
            if self._idle is None:
                self._idle = Flag()
            await self._idle.wait()

    @property
    def certainly(self) -> bool:
        """Whether ``certain`` would not wait, nor raise."""
        return self.sure and (self.sure_until is None or timezone.now() < self.sure_until)

    async def certain(self) -> None:
        """
        Wait until it is known that the user is still who it was.

        Raises:
            NotAuthenticated: it is not, or its credentials have expired; the connection ends.
        """
        if self.presence is not None:
            await self.presence.certain()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for one of the ``MAX_CONCURRENT_CALLS`` slots, and hold it."""
        if self._slots is None:
            self._slots = asyncio.Semaphore(api_settings.MAX_CONCURRENT_CALLS)
        self._holders += 1
        try:
            async with self._slots:
                yield
        finally:
            self._holders -= 1
            if not self._holders:
                self._slots = None

    def cut(self, close: Close) -> bool:
        """
        End everything now and close the socket, once; False where there is no socket.

        A client that does not read finds the close where it goes on reading.
        """
        if self._cut or self.socket is None:
            return self._cut
        self._cut = True
        for task in self.tasks:
            task.cancel()
        self.start(self.socket.close(close), context=Context())
        return True

    async def close(self) -> None:
        """Cancel every task and wait until all have ended.

        Cancelling this wait leaves the tasks cancelled all the same.
        """
        self.closed = True
        self.sure = False
        open_connections.discard(self)
        if self.presence is not None:
            self.presence.close()
        current = asyncio.current_task()
        while tasks := {task for task in self.tasks if task is not current and not task.done()}:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        self.over.set()
