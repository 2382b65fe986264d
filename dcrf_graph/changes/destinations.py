"""
Where a publisher sends to: receivers, each with a line and a count of its own.

What waits for a receiver is sent as one message, so a burst becomes few large
ones; a receiver whose channel is full delays nobody but itself. What cannot be
sent leaves a hole in the count, which the receiver notices.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from channels.exceptions import ChannelFull

from dcrf_graph.changes.change import Event
from dcrf_graph.changes.envelope import body_of, message_of

logger = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""Commits that may wait for one receiver; the next are dropped, and told as a gap."""
MAX_EVENTS = 500
"""Events of one message, unless they are of one commit."""
FULL_DELAY = 0.05
FULL_PATIENCE = 2.0
"""Seconds between two attempts to send to a channel that is full, and of all of them together."""
KEPT_BODIES = 8
"""Bodies that are kept for the other receivers of the same events."""

Commit = Sequence[Event]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Bodies:
    """The last encoded bodies: several receivers mostly get the same events."""

    def __init__(self, *, packed: bool) -> None:
        self._packed = packed
        self._kept: OrderedDict[tuple[int, ...], tuple[Commit, str | bytes]]
        self._kept = OrderedDict()

    def of(self, events: Commit) -> str | bytes:
        """The events, encoded once.

        Raises:
            TypeError, ValueError: for an event that JSON cannot say.
        """
        key = tuple(map(id, events))
        kept = self._kept.get(key)
        if kept is None:
            # The events are kept too: an id belongs to nobody else as long as they live.
            kept = self._kept[key] = (events, body_of(events, packed=self._packed))
            if len(self._kept) > KEPT_BODIES:
                self._kept.popitem(last=False)
        return kept[1]


class Destination:
    """One receiver, as a publisher sees it: everything here runs on the publisher's loop.

    Args:
        publisher: who sends.
        numbers: gives the next number of the publisher.
        send: sends a message of the layer.
        sent: is called with the number of commits that need not be waited for any more.
    """

    def __init__(
        self,
        publisher: str,
        numbers: Iterator[int],
        send: Send,
        bodies: Bodies,
        sent: Callable[[int], None],
    ) -> None:
        self.number = 0
        self.marked = 0
        self._publisher = publisher
        self._numbers = numbers
        self._send = send
        self._bodies = bodies
        self._sent = sent
        self._line: deque[Commit] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, commit: Commit) -> None:
        """Send the events of one commit, after those that wait; ``sent`` is called then."""
        if len(self._line) >= MAX_WAITING:
            logger.error("A receiver is too slow: dropped %d events", len(commit))
            self.skip()
            self._sent(1)
            return
        self._line.append(commit)
        if self._task is None:
            self._task = asyncio.ensure_future(self._carry())

    def skip(self) -> None:
        """Leave a hole: something for this receiver is lost."""
        self.number = next(self._numbers)

    async def mark(self) -> None:
        """Send an envelope without events."""
        await self._send(message_of(self._publisher, self.number, self.number, self._bodies.of([])))

    async def _carry(self) -> None:
        while self._line:
            commits = self._next()
            after, self.number = self.number, next(self._numbers)
            try:
                body = self._bodies.of([event for commit in commits for event in commit])
                await self._deliver(message_of(self._publisher, self.number, after, body))
            except Exception:
                logger.exception("The channel layer did not take a message; its readers see a gap")
            self._sent(len(commits))
        self._task = None

    def _next(self) -> list[Commit]:
        commits = [self._line.popleft()]
        count = len(commits[0])
        while self._line and (count := count + len(self._line[0])) <= MAX_EVENTS:
            commits.append(self._line.popleft())
        return commits

    async def _deliver(self, message: dict[str, Any]) -> None:
        until = time.monotonic() + FULL_PATIENCE
        while True:
            try:
                return await self._send(message)
            except ChannelFull:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(FULL_DELAY)
