"""
Brings events to the subscriptions: directly in this process, by the layer to others.

Nothing here waits for a reader: an event is put into the queue of each
subscription on that subscription's own loop, whichever thread it comes from.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from multiprocessing.util import Finalize, register_after_fork
from typing import Protocol

from dcrf_graph.changes.change import GAP, Event, Gap
from dcrf_graph.changes.envelope import Envelope
from dcrf_graph.changes.layers import shared_layer
from dcrf_graph.changes.publisher import Publisher
from dcrf_graph.changes.receiver import Receiver
from dcrf_graph.changes.settling import Settling

Loop = asyncio.AbstractEventLoop


class Member(Protocol):
    """A subscription, as the hub sees it."""

    loop: Loop

    @property
    def observer_id(self) -> str:
        """Which observer it listens to."""

    @property
    def pending(self) -> int:
        """How many events wait in its queue."""

    def push(self, event: Event) -> None:
        """Queue an event; called on ``loop``."""

    def gap(self, gap: Gap) -> None:
        """Queue, in order with the events, that some are missing; called on ``loop``."""


Members = dict[Member, bool]
"""Who is in a group: True from when joining has returned."""
Batch = list[tuple[Event, tuple[Member, ...], Members]]


class Hub:
    """The groups of this process and who is in them."""

    def __init__(self) -> None:
        self.read_again: Callable[[Event], Event] = lambda event: event
        """Makes an event anew of its row as it is now; whoever makes events knows how."""
        self.begin()

    def begin(self) -> None:
        """Be a publisher of one's own, with no members; again after a fork.

        The loops and threads that a process was forked from are not its own.
        """
        self.publisher = secrets.token_urlsafe(9)
        self._lock = threading.Lock()
        self._publishing = threading.Lock()
        self._groups: dict[str, dict[Loop, Members]] = {}
        self._interest: Counter[str] = Counter()
        self._receivers: dict[Loop, Receiver] = {}
        self._sender = Publisher(self.publisher, self)
        self._settling = Settling(lambda event: self.read_again(event), self._deliver, self._tell)

    def close(self) -> None:
        """Send what waits for the other processes, and close the connections that it took.

        Publishing again opens them again.
        """
        self._sender.close()

    # -- who listens -------------------------------------------------------------

    async def join(self, group: str, member: Member) -> None:
        """Hear a group. What is committed after this returns is heard, from every process.

        Raises:
            Exception: whatever the channel layer, or its Redis, raises.

        Then, and when cancelled, the member hears nothing, and is still to ``leave``. Nothing is
        delivered before this returns.
        """
        with self._lock:
            members = self._groups.setdefault(group, {}).setdefault(member.loop, {})
            if member not in members:
                members[member] = False
                self._interest[member.observer_id] += 1
        if shared_layer() is not None:
            await self._receiver(member.loop).join(group, member.observer_id)
        if member in members:
            members[member] = True

    def leave(self, group: str, member: Member) -> None:
        """Hear a group no more. Nothing is delivered to the member after this returns."""
        with self._lock:
            loops = self._groups.get(group, {})
            members = loops.get(member.loop, {})
            if member not in members:
                return
            del members[member]
            self._interest[member.observer_id] -= 1
            if not self._interest[member.observer_id]:
                del self._interest[member.observer_id]
            if members:
                return
            del loops[member.loop]
            if not loops:
                del self._groups[group]
        receiver = self._receivers.get(member.loop)
        if receiver is not None and not member.loop.is_closed():
            receiver.leave(group)

    def wants(self, observer: str, group: str | None = None) -> bool:
        """
        Whether somebody may be listening to an observer: here, or in another process.

        Args:
            group: asks for this group of it alone. Of other processes it is known
                which observers they want, and not which groups.
        """
        here = observer in self._interest if group is None else group in self._groups
        return here or (shared_layer() is not None and self._sender.interest.is_assumed(observer))

    @property
    def idle(self) -> bool:
        """Whether it is known that nobody listens to anything: with one process it always is."""
        return not self._interest and shared_layer() is None

    def count(self) -> int:
        """How many subscriptions of this process are in groups, each counted per group."""
        return sum(len(members) for members in self._subscriptions())

    def statistics(self) -> dict[str, int]:
        """What this process listens to: subscriptions, their groups, events that wait for them."""
        groups = self._subscriptions()
        return {
            "subscriptions": sum(len(members) for members in groups),
            "groups": len(groups),
            "events": sum(member.pending for members in groups for member in members),
        }

    def _subscriptions(self) -> list[list[Member]]:
        """The subscriptions of each group; some members are none, and say so."""
        with self._lock:
            groups = [
                [each for m in loops.values() for each in m if getattr(each, "counts", True)]
                for loops in self._groups.values()
            ]
        return [members for members in groups if members]

    def _receiver(self, loop: Loop) -> Receiver:
        with self._lock:
            receiver = self._receivers.get(loop)
            if receiver is None or receiver.closed:
                self._receivers = {
                    each: r for each, r in self._receivers.items() if not each.is_closed()
                }
                receiver = self._receivers[loop] = Receiver(self, self._sender)
            return receiver

    # -- what is said --------------------------------------------------------------

    def publish(self, events: Sequence[Event]) -> None:
        """Deliver the events of one commit, in order; from any thread, returns at once."""
        if not events:
            return
        # One commit after the other, so that the numbers go up on the way, too.
        with self._publishing:
            events = self._settling.published(events)
            self._deliver(events)
            if shared_layer() is not None:
                self._sender.send(events)

    def drain(self, timeout: float) -> bool:
        """Wait until the other processes have been sent everything; False after ``timeout``."""
        return self._sender.drain(timeout)

    def _deliver(self, events: Iterable[Event], only: Loop | None = None) -> None:
        batches: dict[Loop, Batch] = {}
        everywhere = []
        with self._lock:
            for event in events:
                if not event.group:
                    everywhere.append(event.observer)
                    continue
                for loop, members in self._groups.get(event.group, {}).items():
                    if only is None or loop is only:
                        batches.setdefault(loop, []).append((event, tuple(members), members))
        first = next(iter(batches), None)
        for loop, batch in batches.items():
            if loop is not first:
                # What readers share is awaited, too, which those of another loop cannot do.
                batch = [(replace(event, memo={}), its, still) for event, its, still in batch]
            try:
                loop.call_soon_threadsafe(push, batch)
            except RuntimeError:
                # The loop ended without a disconnect: its readers are gone.
                for event, gone, _ in batch:
                    for member in gone:
                        self.leave(event.group, member)
        for observer in everywhere:
            self._tell(Gap(), only, observer)

    # -- what other processes say --------------------------------------------------------

    def hear(self, envelope: Envelope) -> None:
        """Deliver what another process said, to the subscriptions of the running loop."""
        loop = asyncio.get_running_loop()
        self._settling.heard(envelope.events or (), envelope.publisher, loop)

    def miss(self, gap: Gap) -> None:
        """Tell the subscriptions of the running loop that others' events were lost."""
        self._settling.doubt()
        self._tell(gap, asyncio.get_running_loop())

    def missed(self, observer: str | None = None) -> None:
        """Tell every subscription that other processes' events may be lost; from any thread.

        Args:
            observer: what is lost is of this one alone, and was told to nobody.
        """
        if observer is None:
            self._settling.doubt()
        self._tell(Gap(), observer=observer)

    def wanted(self) -> frozenset[str]:
        """The observers that are listened to here."""
        self._forget_ended_loops()
        with self._lock:
            return frozenset(self._interest)

    def _forget_ended_loops(self) -> None:
        """Let those leave whose loop has ended without a disconnect: nobody else will."""
        if not any(loop.is_closed() for loop in tuple(self._receivers)):
            return
        with self._lock:
            self._receivers = {
                loop: receiver for loop, receiver in self._receivers.items() if not loop.is_closed()
            }
            gone = [
                (group, member)
                for group, loops in self._groups.items()
                for loop, members in loops.items()
                if loop.is_closed()
                for member in members
            ]
        for group, member in gone:
            self.leave(group, member)

    def tell(self, gap: Gap) -> None:
        """Tell every subscription, of every process, that it may have missed events."""
        self._tell(gap)
        if shared_layer() is not None:
            self._sender.lose()

    def _tell(self, gap: Gap, only: Loop | None = None, observer: str | None = None) -> None:
        told: dict[Loop, Members] = {}
        with self._lock:
            for loops in self._groups.values():
                for loop, members in loops.items():
                    if only is None or loop is only:
                        joined = {
                            member: True
                            for member, joined in members.items()
                            if joined and observer in (None, member.observer_id)
                        }
                        told.setdefault(loop, {}).update(joined)
        for loop, members in told.items():
            try:
                loop.call_soon_threadsafe(tell, gap, members)
            except RuntimeError:
                continue  # the loop ended without a disconnect


def push(batch: Batch) -> None:
    """Push events to who was in their groups when they were published, and still is."""
    for event, members, still in batch:
        if event.action == GAP:
            tell(Gap(), {member: True for member in members if still.get(member)})
            continue
        for member in members:
            if still.get(member):
                member.push(event)


def tell(gap: Gap, members: Members) -> None:
    """Tell members of a gap."""
    for member in members:
        member.gap(gap)


hub = Hub()
"""The hub of this process."""


def close_at_the_end(hub: Hub) -> None:
    """Send what waits before this process ends: a worker of multiprocessing runs no ``atexit``."""
    Finalize(None, hub.close, exitpriority=0)


os.register_at_fork(after_in_child=hub.begin)
atexit.register(hub.close)
close_at_the_end(hub)
register_after_fork(hub, close_at_the_end)
