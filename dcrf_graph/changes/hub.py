"""
Brings events to the subscriptions: directly in this process, by the layer to others.

Nothing here waits for a reader: an event is put into the queue of each
subscription on that subscription's own loop, whichever thread it comes from.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import uuid
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from dcrf_graph.changes.change import Event, Gap
from dcrf_graph.changes.courier import Courier
from dcrf_graph.changes.ear import Ear
from dcrf_graph.changes.envelope import Envelope, encode
from dcrf_graph.changes.layers import shared_layer

logger = logging.getLogger(__name__)

MAX_SEQUENCES = 65_536
"""Groups whose sequence a publisher keeps counting; the one unused longest starts again at 1."""


class Member(Protocol):
    """A subscription, as the hub sees it."""

    loop: asyncio.AbstractEventLoop

    @property
    def observer_id(self) -> str:
        """Which observer it listens to."""

    def push(self, event: Event) -> None:
        """Queue an event; called on ``loop``."""

    def gap(self, gap: Gap) -> None:
        """Queue, in order with the events, that some are missing; called on ``loop``."""


class Hub:
    """The groups of this process and who is in them."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Be a publisher of one's own, with no members; again after a fork.

        The loops and threads that a process was forked from are not its own.
        """
        self.publisher = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._publishing = threading.Lock()
        self._groups: dict[str, dict[Member, None]] = {}
        self._interest: Counter[str] = Counter()
        self._ears: dict[asyncio.AbstractEventLoop, Ear] = {}
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._courier = Courier()

    def close(self) -> None:
        """Send what waits for the other processes, and close the connections that it took.

        Publishing again opens them again.
        """
        self._courier.close()

    # -- who listens -------------------------------------------------------------

    async def join(self, group: str, member: Member) -> None:
        """Hear a group. What is committed after this returns is heard, from every process.

        Raises:
            Exception: whatever the channel layer raises.

        Then, and when cancelled, the member is in the group of this process: ``leave`` it.
        """
        with self._lock:
            members = self._groups.setdefault(group, {})
            if member not in members:
                members[member] = None
                self._interest[member.observer_id] += 1
        if shared_layer() is not None:
            await self._ear(member.loop).join(group)

    def leave(self, group: str, member: Member) -> None:
        """Hear a group no more. Nothing is delivered to the member after this returns."""
        with self._lock:
            members = self._groups.get(group, {})
            if member not in members:
                return
            del members[member]
            self._interest[member.observer_id] -= 1
            if not self._interest[member.observer_id]:
                del self._interest[member.observer_id]
            if not members:
                del self._groups[group]
            last = not any(other.loop is member.loop for other in members)
        ear = self._ears.get(member.loop)
        if last and ear is not None and not member.loop.is_closed():
            ear.leave(group)

    def wants(self, observer: str) -> bool:
        """Whether somebody may be listening to an observer: known in one process, else assumed."""
        return observer in self._interest or shared_layer() is not None

    def count(self) -> int:
        """How many subscriptions of this process are in groups, each counted per group."""
        with self._lock:
            return sum(len(members) for members in self._groups.values())

    def _ear(self, loop: asyncio.AbstractEventLoop) -> Ear:
        with self._lock:
            if loop not in self._ears:
                self._ears = {each: e for each, e in self._ears.items() if not each.is_closed()}
                self._ears[loop] = Ear(self.hear)
            return self._ears[loop]

    # -- what is said --------------------------------------------------------------

    def publish(self, events: Sequence[Event]) -> None:
        """Deliver the events of one commit, in order; from any thread, returns at once."""
        if not events:
            return
        # One commit after the other, so that the numbers go up on the way, too.
        with self._publishing:
            self._deliver(events)
            if shared_layer() is not None:
                self._courier.send(self._envelopes(events))

    def tell(self, gap: Gap) -> None:
        """Tell every subscription of this process that it may have missed events."""
        with self._lock:
            members = {member: None for members in self._groups.values() for member in members}
        for member in members:
            with suppress(RuntimeError):  # its loop has ended without a disconnect
                member.loop.call_soon_threadsafe(member.gap, gap)

    def _envelopes(self, events: Sequence[Event]) -> list[tuple[str, str]]:
        groups: dict[str, list[Event]] = {}
        for event in events:
            groups.setdefault(event.group, []).append(event)
        envelopes = []
        for group, said in groups.items():
            number = self._next(group)
            try:
                envelopes.append((group, encode(self.publisher, number, group, said)))
            except (TypeError, ValueError):
                logger.exception("A change does not fit into an envelope; readers see a gap")
        return envelopes

    def hear(self, envelope: Envelope) -> None:
        """Deliver what another process said, to the subscriptions of the running loop."""
        if envelope.publisher != self.publisher:
            self._deliver(envelope.events, asyncio.get_running_loop())

    def drain(self, timeout: float) -> bool:
        """Wait until the other processes have been sent everything; False after ``timeout``."""
        return self._courier.drain(timeout)

    def _next(self, group: str) -> int:
        with self._lock:
            number = self._sequences.pop(group, 0) + 1
            self._sequences[group] = number
            if len(self._sequences) > MAX_SEQUENCES:
                self._sequences.popitem(last=False)
        return number

    def _deliver(
        self, events: Iterable[Event], only: asyncio.AbstractEventLoop | None = None
    ) -> None:
        batches: defaultdict[asyncio.AbstractEventLoop, list[tuple[Member, Event]]]
        batches = defaultdict(list)
        with self._lock:
            for event in events:
                for member in self._groups.get(event.group, ()):
                    if only is None or member.loop is only:
                        batches[member.loop].append((member, event))
        for loop, batch in batches.items():
            try:
                loop.call_soon_threadsafe(self._push, batch)
            except RuntimeError:
                # The loop ended without a disconnect: its readers are gone.
                for member, event in batch:
                    self.leave(event.group, member)

    def _push(self, batch: Sequence[tuple[Member, Event]]) -> None:
        for member, event in batch:
            if member in self._groups.get(event.group, ()):
                member.push(event)


hub = Hub()
"""The hub of this process."""

os.register_at_fork(after_in_child=hub.begin)
atexit.register(hub.close)
