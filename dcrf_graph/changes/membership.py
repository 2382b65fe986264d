"""
Keeps the registry true for this process: its lease, its observers, its receivers' groups.

It runs on the loop of the publisher. What is wanted is compared with what has been
written, so whatever comes in whichever order ends as it was wanted last. When the
connection is lost everything is written anew and all subscriptions of the process
are told of a gap: what was published meanwhile did not find them
(docs/decisions/0022-publishers-send-to-receivers.md).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from dcrf_graph.changes.interest import Interest
from dcrf_graph.changes.layers import Redis
from dcrf_graph.changes.receiver import PATIENCE, Receiver
from dcrf_graph.changes.registry import GROUP_EXPIRY, Registry

logger = logging.getLogger(__name__)

HEARTBEAT = 1.0
"""Seconds between two renewals of what would expire."""
REJOIN = GROUP_EXPIRY / 4
"""Seconds between two times that groups are joined anew."""
RETRY_DELAY = 0.5
"""Seconds until a Redis that does not answer is asked again."""


class Process(Protocol):
    """What the rest of this process has to say, and wants to be told."""

    def wanted(self) -> frozenset[str]:
        """The observers that are listened to here."""

    def missed(self, observer: str | None = None) -> None:
        """What other processes have said, maybe of one observer, is lost; from any thread."""


class Accounts(Protocol):
    """What has been sent from here."""

    def numbers(self) -> dict[str, int]:
        """What was sent last to each receiver, where that is new."""

    def owes(self) -> list[str] | None:
        """The receivers that a number tells of a loss, which others are still to be told of.

        None if nothing was lost. Asked, it is paid.
        """


class SessionLost(ConnectionError):
    """Redis has forgotten this process."""


class Membership:
    """This process in the registry."""

    def __init__(
        self, at: Redis, name: str, interest: Interest, process: Process, accounts: Accounts
    ) -> None:
        self.registry: Registry | None = None
        self._at = at
        self._name = name
        self._interest = interest
        self._process = process
        self._accounts = accounts
        self._tried = asyncio.Event()
        self._receivers: dict[str, Receiver] = {}
        self._written: dict[str, tuple[int, frozenset[str]]] = {}
        self._announced: dict[str, asyncio.Future[None]] = {}
        self._acknowledged: dict[str, set[str]] = {}
        self._waits: set[asyncio.Future[None]] = set()
        self._heard = asyncio.Event()
        self._ready = asyncio.Event()
        self._writing = asyncio.Lock()
        self._dead: set[str] = set()
        self._rejoined = time.monotonic()

    def has(self, receiver: str) -> bool:
        """Whether a receiver is of this process."""
        return receiver in self._receivers

    async def reached(self) -> Registry:
        """The registry; waits for the first attempt to connect, and for no other.

        Raises:
            ConnectionError: if Redis does not answer.
        """
        if not self._tried.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), PATIENCE)
        if self.registry is None:
            raise ConnectionError("the Redis of the channel layer does not answer")
        return self.registry

    # -- joining and leaving -----------------------------------------------------------

    async def join(self, receiver: Receiver, group: str, observer: str) -> None:
        """Be in a group, and have everybody know that the observer is listened to.

        Raises:
            ConnectionError: if Redis does not answer.
        """
        try:
            await asyncio.wait_for(self._ready.wait(), PATIENCE)
        except TimeoutError:
            raise ConnectionError("the Redis of the channel layer does not answer") from None
        self._receivers[receiver.id] = receiver
        await self._write()
        if self._written.get(receiver.id) is None or observer not in self._announced:
            raise ConnectionError("the Redis of the channel layer was lost")
        await asyncio.shield(self._announced[observer])

    async def leave(self, receiver: Receiver) -> None:
        """Be out of the groups that the receiver has left."""
        with suppress(Exception):  # then the session is lost, and everything written anew
            await self._write()

    async def _write(self) -> None:
        """Write what is wanted, as far as it is not written yet."""
        async with self._writing:
            registry = self.registry
            if registry is None:
                return
            for receiver in list(self._receivers.values()):
                await self._write_receiver(registry, receiver)
            wanted = self._process.wanted()
            if new := wanted - self._announced.keys():
                await self._announce(registry, new)
            if gone := self._announced.keys() - wanted:
                for observer in gone:
                    del self._announced[observer]
                await registry.withdraw(gone)

    async def _write_receiver(self, registry: Registry, receiver: Receiver) -> None:
        seen, written = self._written.get(receiver.id, (-1, frozenset()))
        if receiver.closed or receiver.loop.is_closed():
            del self._receivers[receiver.id]
            self._written.pop(receiver.id, None)
            await registry.remove(receiver.id, written)
            return
        if receiver.changes == seen:
            return
        changes, groups = receiver.changes, frozenset(receiver.groups)
        await registry.put(
            receiver.id, receiver.channel, list(groups - written), list(written - groups)
        )
        self._written[receiver.id] = changes, groups

    async def _announce(self, registry: Registry, observers: Iterable[str]) -> None:
        token = secrets.token_urlsafe(6)
        new = list(observers)
        self._acknowledged[token] = set()
        leases = await registry.announce(new, token)
        leases.pop(self._name, None)
        waiting = asyncio.ensure_future(self._wait_for(leases, token))
        self._waits.add(waiting)  # a loop does not keep its tasks alive
        waiting.add_done_callback(self._waits.discard)
        for observer in new:
            self._announced[observer] = waiting

    async def _wait_for(self, leases: dict[str, float], token: str) -> None:
        """Wait until each process knows, or may not say "nobody" any more."""
        until = time.monotonic() + max(leases.values(), default=0.0)
        acknowledged = self._acknowledged[token]
        try:
            while not leases.keys() <= acknowledged and (left := until - time.monotonic()) > 0:
                self._heard.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._heard.wait(), left)
        finally:
            del self._acknowledged[token]

    # -- the session ---------------------------------------------------------------------

    async def keep(self) -> None:
        """Keep a session, and begin another when it is lost; until it is cancelled."""
        again = failing = False
        while True:
            registry = Registry(self._at, self._name)
            try:
                await self._session(registry, again)
            except Exception as error:
                if self.registry is not None or not failing:
                    logger.warning("The Redis of the channel layer does not answer: %r", error)
                again, failing = again or self.registry is not None, True
            finally:
                self._tried.set()
                self._interest.forget()
                self.registry = None
                self._ready.clear()
                self._written, self._announced = {}, {}
                with suppress(asyncio.CancelledError):
                    await asyncio.shield(registry.close())
            await asyncio.sleep(RETRY_DELAY)

    async def _session(self, registry: Registry, again: bool) -> None:
        await registry.open()
        # From here on what others begin to listen to is heard; then the lease, then the list.
        listening = asyncio.ensure_future(self._listen(registry))
        try:
            await self._renew(registry)
            self.registry = registry
            await self._write()
            if again:
                self._process.missed()
            self._ready.set()
            self._tried.set()
            while True:
                await asyncio.wait([listening], timeout=HEARTBEAT)
                if listening.done():
                    listening.result()
                await self._beat(registry)
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def _listen(self, registry: Registry) -> None:
        while True:
            message = await registry.next_message()
            match message:
                case {"wanted": observers, "by": process, "token": token}:
                    self._interest.hear(observers)
                    if process != self._name:
                        await registry.say({"knows": token, "by": self._name}, process)
                case {"knows": token, "by": process} if token in self._acknowledged:
                    self._acknowledged[token].add(process)
                    self._heard.set()
                case {"lost": process, "but": known} if process != self._name:
                    if not self._receivers.keys() <= set(known):
                        self._process.missed()
                case {"gap": observer, "by": process} if process != self._name:
                    self._process.missed(observer)

    async def _renew(self, registry: Registry) -> None:
        asked = time.monotonic()
        version, dead = await registry.renew()
        new, self._dead = set(dead) - self._dead, set(dead)
        if new or version != self._interest.version:
            self._interest.ask()
            version, observers = await registry.wanted()
            self._interest.learn(observers, version)
        self._interest.trust(asked)
        if new and self._ready.is_set():
            logger.warning("Processes have ended without a word: %s", ", ".join(new))
            self._process.missed()

    async def _beat(self, registry: Registry) -> None:
        await self._renew(registry)
        if time.monotonic() - self._rejoined > REJOIN:
            self._rejoined, self._written = time.monotonic(), {}
        await self._write()
        await self._pay(registry)
        if numbers := self._accounts.numbers():
            await registry.mark(numbers)
        for receiver in list(self._receivers.values()):
            marks = await registry.renew_receiver(receiver.id)
            if marks is None:
                raise SessionLost("Redis has forgotten a receiver")
            with suppress(RuntimeError):  # its loop has ended
                receiver.loop.call_soon_threadsafe(receiver.check, marks)

    async def _pay(self, registry: Registry) -> None:
        """Tell of what was lost on its way out those whom no number tells of it."""
        if (known := self._accounts.owes()) is not None:
            await registry.say({"lost": self._name, "but": known})

    async def end(self) -> None:
        """Say that this process ends, and has said everything."""
        registry = self.registry
        if registry is None:
            return
        with suppress(Exception):
            await self._pay(registry)
            if numbers := self._accounts.numbers():
                await registry.mark(numbers)
            await registry.end(self._receivers)
