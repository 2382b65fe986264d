"""
Has rows read again that two publishers have changed, so that the last event is current.

In this process the second to publish reads before it does, in its own thread.
What other processes say is delivered as it comes; when they are silent about a
contested row, it is read and told once more, if that is not what was told.

Source: docs/decisions/0022-publishers-send-to-receivers.md
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextvars import Context

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from dcrf_graph.changes.change import Event, Gap, lost
from dcrf_graph.changes.contests import WINDOW, Contests, Row, row_of

logger = logging.getLogger(__name__)

SETTLE = 0.2
"""Seconds after which a row that two processes have changed is read."""
MAX_SETTLING = 256
"""Rows that are read again at a time; for more of them a gap is told instead."""

Loop = asyncio.AbstractEventLoop


class Settling:
    """
    The contested rows of a process.

    Args:
        read_again: makes an event anew of its row as it is now; it may use the database.
        deliver: delivers events to the subscriptions of one loop.
        tell: tells the subscriptions of one loop of a gap.
    """

    def __init__(
        self,
        read_again: Callable[[Event], Event],
        deliver: Callable[[Iterable[Event], Loop], None],
        tell: Callable[[Gap, Loop], None],
    ) -> None:
        self._read_again = read_again
        self._deliver = deliver
        self._tell = tell
        self._contests = Contests()
        self._spoken_of: dict[tuple[Loop, Row], bool] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # a loop does not keep its tasks alive
        self._full: set[Loop] = set()

    def doubt(self) -> None:
        """Something was lost: what comes next may be older than what was told."""
        self._contests.doubt(time.monotonic())

    def published(self, events: Sequence[Event]) -> Sequence[Event]:
        """What this thread publishes, with contested rows as they are now.

        What it has committed may be older than what was published since then.
        """
        contested = self._contests.note(events, threading.get_ident(), time.monotonic())
        if contested:
            events = self._as_now(events, contested)
            self._contests.amend(events)
        return events

    def heard(self, events: Iterable[Event], publisher: str, loop: Loop) -> None:
        """Deliver what another process says, and look after rows that are contested."""
        news = self._contests.news(events)
        self._deliver(news, loop)
        for row in self._contests.note(news, publisher, time.monotonic()):
            if (loop, row) in self._spoken_of:
                self._spoken_of[loop, row] = True
            elif len(self._spoken_of) < MAX_SETTLING:
                self._spoken_of[loop, row] = True
                # An empty context: nobody's request may live on in a task of the process.
                task = loop.create_task(self._settle(loop, row), context=Context())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            elif loop not in self._full:
                self._full.add(loop)
                loop.call_later(WINDOW, self._give_up, loop)

    def _give_up(self, loop: Loop) -> None:
        self._full.discard(loop)
        self._tell(Gap(), loop)

    async def _settle(self, loop: Loop, row: Row) -> None:
        read = sync_to_async(self._read, thread_sensitive=False)
        try:
            while self._spoken_of[loop, row]:
                self._spoken_of[loop, row] = False
                await asyncio.sleep(SETTLE)
                told = self._contests.told_of(row)
                now = await read(told, row)
                if not self._spoken_of[loop, row]:
                    corrected = [new for new, old in zip(now, told, strict=True) if new is not old]
                    self._contests.amend(corrected)
                    self._deliver(corrected, loop)
        finally:
            del self._spoken_of[loop, row]

    def _read(self, events: Iterable[Event], row: Row) -> list[Event]:
        close_old_connections()
        try:
            return self._as_now(events, {row})
        finally:
            close_old_connections()

    def _as_now(self, events: Iterable[Event], contested: Collection[Row]) -> list[Event]:
        found = []
        for event in events:
            try:
                found.append(self._read_again(event) if row_of(event) in contested else event)
            except Exception:
                logger.exception("A row that two have changed could not be read again")
                found.append(lost(event.observer, event.group))
        return found
