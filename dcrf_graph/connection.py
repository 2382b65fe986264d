"""
What one client connection owns: its tasks, and the bound on its calls.

Every task that a connection starts is started here and ends with it, whatever
state it is in. The transport makes one of these per socket (or per HTTP
request); a consumer that is served alone makes its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any
from weakref import WeakSet

from dcrf_graph.exceptions import TooManyCalls
from dcrf_graph.settings import api_settings

logger = logging.getLogger(__name__)

open_connections: WeakSet[Connection] = WeakSet()
"""The connections of this process, for ``statistics()`` and health pages."""


class Connection:
    """The tasks and the slots of one client.

    A call waits for its turn on the consumer first and for a slot second, so
    whoever holds a slot can always finish.
    """

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self.pending = 0
        self.closed = False
        self._slots = asyncio.Semaphore(api_settings.MAX_CONCURRENT_CALLS)
        self._max_pending = api_settings.MAX_PENDING_CALLS
        open_connections.add(self)

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
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if self.closed:
            task.cancel()

    @staticmethod
    def _ended(task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A task of a connection failed", exc_info=error)

    def admit(self) -> None:
        """Count a call until it is answered.

        Raises:
            TooManyCalls: when ``MAX_PENDING_CALLS`` are unanswered already; nothing was counted.
        """
        if self.pending >= self._max_pending:
            raise TooManyCalls()
        self.pending += 1

    def release(self) -> None:
        """Uncount a call that was admitted."""
        self.pending -= 1

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for one of the ``MAX_CONCURRENT_CALLS`` slots, and hold it."""
        async with self._slots:
            yield

    async def close(self) -> None:
        """Cancel every task and wait until all have ended.

        Cancelling this wait leaves the tasks cancelled all the same.
        """
        self.closed = True
        open_connections.discard(self)
        current = asyncio.current_task()
        while tasks := {task for task in self.tasks if task is not current and not task.done()}:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
