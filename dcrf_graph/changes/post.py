"""
Decides who gets the events of a commit: the receivers that the registry names, or everybody.

It runs on the thread of the publisher. Where the registry cannot be asked the
events are lost, and that is owed to all receivers as a gap.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

from dcrf_graph.changes.destinations import Bodies, Commit, Destination, Send
from dcrf_graph.changes.layers import EVERYBODY, shared_layer
from dcrf_graph.changes.membership import Membership
from dcrf_graph.changes.registry import Registry

logger = logging.getLogger(__name__)

FORGET_EVERY = 1_000
"""Commits between two looks for receivers that are gone."""
MARK_EVERY = 2.0
MARK_AT_LEAST = 60.0
"""Seconds between two marks where there is no registry: after a message, and at most."""


class Post:
    """Sends each commit to whom it concerns.

    ``membership`` is None where the layer has no registry.
    """

    def __init__(self, publisher: str, sent: Callable[[int], None], *, packed: bool) -> None:
        self.membership: Membership | None = None
        self._publisher = publisher
        self._sent = sent
        self._bodies = Bodies(packed=packed)
        self._numbers = itertools.count(1)
        self._destinations: dict[str, Destination] = {}
        self._owing = self._holes = self._losing = False
        self._commits = 0

    def owe(self) -> None:
        """Something was lost, and nobody knows for whom it was; from any thread."""
        self._owing = self._holes = True

    def owes(self) -> list[str] | None:
        """The receivers that a number tells of a loss, which others are still to be told of.

        None if nothing was lost. Asked, it is paid.
        """
        self._skip()
        owing, self._owing = self._owing, False
        return list(self._destinations) if owing else None

    def _skip(self) -> None:
        """Leave a hole in what each receiver gets, before what comes next."""
        if self._holes:
            self._holes = False
            for destination in self._destinations.values():
                destination.skip()

    def numbers(self) -> dict[str, int]:
        """What was sent last to each receiver, where that is new."""
        new = {}
        for receiver, destination in self._destinations.items():
            if destination.number > destination.marked:
                new[receiver] = destination.marked = destination.number
        return new

    async def send(self, commit: Commit) -> None:
        """Put the events of a commit into the lines of their receivers."""
        self._skip()
        try:
            if self.membership is None:
                routes = [(self._everybody(), commit)]
            else:
                routes = await self._routes(self.membership, commit)
        except Exception as error:
            self.owe()
            self._skip()
            if not self._losing:
                logger.error("Events are lost until Redis answers again: %r", error)
            self._losing = True
            return
        self._losing = False
        for destination, its in routes:
            self._sent(-1)
            destination.put(its)

    async def _routes(
        self, membership: Membership, commit: Commit
    ) -> list[tuple[Destination, Commit]]:
        registry = await membership.reached()
        for event in commit:
            if not event.group:
                # The registry knows groups. What concerns all of an observer all are told.
                await registry.say({"gap": event.observer, "by": self._publisher})
        groups = list(dict.fromkeys(event.group for event in commit if event.group))
        members = dict(zip(groups, await registry.look_up(groups), strict=True))
        self._commits += 1
        if self._commits % FORGET_EVERY == 0:
            await self._forget(registry)
        routes = []
        for receiver in dict.fromkeys(each for here in members.values() for each in here):
            if membership.has(receiver):
                continue  # of this process, which has heard already
            destination = await self._destination(registry, receiver)
            if destination is not None:
                its = [event for event in commit if receiver in members.get(event.group, ())]
                routes.append((destination, commit if len(its) == len(commit) else its))
        return routes

    async def _forget(self, registry: Registry) -> None:
        for receiver in list(self._destinations):
            if await registry.channel_of(receiver) is None:
                del self._destinations[receiver]

    async def _destination(self, registry: Registry, receiver: str) -> Destination | None:
        if receiver in self._destinations:
            return self._destinations[receiver]
        channel = await registry.channel_of(receiver)
        if channel is None:
            return None

        async def send(message: dict[str, Any]) -> None:
            await shared_layer().send(channel, message)

        return self._to(receiver, send)

    def _everybody(self) -> Destination:
        async def send(message: dict[str, Any]) -> None:
            await shared_layer().group_send(EVERYBODY, message)

        return self._destinations.get(EVERYBODY) or self._to(EVERYBODY, send)

    def _to(self, name: str, send: Send) -> Destination:
        destination = self._destinations[name] = Destination(
            self._publisher, self._numbers, send, self._bodies, self._sent
        )
        return destination

    async def mark(self) -> None:
        """Say for ever, less and less often, what was sent last; where there is no registry."""
        pause, last = MARK_EVERY, 0
        while True:
            await asyncio.sleep(pause)
            everybody = self._everybody()
            pause = MARK_EVERY if everybody.number > last else min(2 * pause, MARK_AT_LEAST)
            last = everybody.number
            if last:
                try:
                    await everybody.mark()
                except Exception:
                    logger.exception("The channel layer did not take a mark")
