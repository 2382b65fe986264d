"""
Hears the other processes: one layer channel per process and event loop.

Groups are joined when their first local subscription comes and left when the
last one goes; a consumer's channel is never in them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from dcrf_graph.changes.envelope import Envelope, decode
from dcrf_graph.changes.layers import shared_layer

logger = logging.getLogger(__name__)

RETRY_DELAY = 1.0
"""Seconds until a layer that failed to receive is asked again."""

Heard = Callable[[Envelope], None]
T = TypeVar("T")


class Ear:
    """The layer channel of one event loop, and the groups that it is in.

    Everything here runs on that loop.
    """

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._channel: asyncio.Task[str] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._groups: dict[str, asyncio.Task[None]] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}

    async def join(self, group: str) -> None:
        """Be in a group when this returns; what is sent to it afterwards is heard.

        Raises:
            Exception: whatever the layer raises; the next who joins asks it again.

        Cancelling leaves the group joined.
        """
        joining = self._groups.get(group)
        if joining is None:
            joining = self._groups[group] = self._task(self._add(group, self._leaving.get(group)))
            joining.add_done_callback(lambda task: self._joined(group, task))
        await asyncio.shield(joining)

    def leave(self, group: str) -> None:
        """Leave a group, some time soon."""
        joining = self._groups.pop(group, None)
        if joining is not None:
            leaving = self._task(self._discard(group, joining, self._leaving.get(group)))
            self._leaving[group] = leaving
            leaving.add_done_callback(lambda task: self._left(group, task))

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        # An empty context: nobody's request may live on in a task of the process.
        return asyncio.get_running_loop().create_task(work, context=Context())

    def _joined(self, group: str, task: asyncio.Task[None]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if failed and self._groups.get(group) is task:
            del self._groups[group]
            self._rest()

    def _left(self, group: str, task: asyncio.Task[None]) -> None:
        if self._leaving.get(group) is task:
            del self._leaving[group]
        self._rest()

    def _rest(self) -> None:
        if not self._groups and not self._leaving and self._listening is not None:
            self._listening.cancel()
            self._listening = self._channel = None

    async def _own_channel(self) -> str:
        if self._channel is None or (self._channel.done() and not succeeded(self._channel)):
            self._channel = self._task(self._open())
        return await asyncio.shield(self._channel)

    async def _open(self) -> str:
        # With the prefix that consumers' channels have: the core layer of channels_redis receives
        # for one prefix at a time, and would leave another unheard.
        name: str = await shared_layer().new_channel()
        self._listening = self._task(self._listen(name))
        return name

    async def _add(self, group: str, leaving: asyncio.Task[None] | None) -> None:
        if leaving is not None:
            # Two commands on their way to the layer may overtake each other.
            await asyncio.wait([leaving])
        await shared_layer().group_add(group, await self._own_channel())

    async def _discard(
        self, group: str, joining: asyncio.Task[None], leaving: asyncio.Task[None] | None
    ) -> None:
        await asyncio.wait([joining] if leaving is None else [joining, leaving])
        if group in self._groups or not succeeded(joining):
            return
        try:
            await shared_layer().group_discard(group, await self._own_channel())
        except Exception:
            logger.exception("The channel layer did not let a group go")

    async def _listen(self, channel: str) -> None:
        layer = shared_layer()
        while True:
            try:
                message = await layer.receive(channel)
            except Exception:
                logger.exception("The channel layer failed; other processes may not be heard")
                await asyncio.sleep(RETRY_DELAY)
                continue
            try:
                self._heard(decode(message["envelope"]))
            except Exception:
                logger.exception("Heard something that is not an envelope")


def succeeded(task: asyncio.Task[Any]) -> bool:
    """Whether a task has ended well."""
    return task.done() and not task.cancelled() and task.exception() is None
