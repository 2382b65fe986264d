"""
What this process knows of the observers that are listened to in other processes.

It may say "nobody" only for as long as its lease lasts: whoever begins to listen
waits until each process that holds a lease has learned of it, or until that
lease has run out (docs/decisions/0021-nobody-is-known-by-lease.md). Without a
lease somebody is assumed to listen.

Read from any thread, changed on the loop of the publisher.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

LEASE = 3.0
"""Seconds for which "nobody listens" may be believed without asking again."""


class Interest:
    """The observers that somebody listens to elsewhere."""

    def __init__(self) -> None:
        self._observers: frozenset[str] = frozenset()
        self._until = 0.0
        self._heard: set[str] = set()
        self.version: int | None = None

    def is_assumed(self, observer: str) -> bool:
        """Whether somebody may be listening."""
        return observer in self._observers or time.monotonic() >= self._until

    def hear(self, observers: Iterable[str]) -> None:
        """Somebody begins to listen."""
        self._heard.update(observers)
        self._observers |= self._heard

    def ask(self) -> None:
        """Say that the list is going to be asked for: what is heard from now on adds to it."""
        self._heard = set()

    def learn(self, observers: Iterable[str], version: int) -> None:
        """Replace what is known by a list that was asked for."""
        self._observers = frozenset(observers) | self._heard
        self.version = version

    def trust(self, asked: float) -> None:
        """Extend the lease: ``asked`` is when the renewal was sent, by ``time.monotonic``."""
        self._until = asked + LEASE

    def forget(self) -> None:
        """The connection is lost: somebody is assumed to listen to everything."""
        self._until = 0.0
        self.version = None
