"""
Hears the other processes: one layer channel per process and event loop.

Groups are joined when their first local subscription comes and left when the
last one goes; a consumer's channel is never in them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import Context
from typing import Any

from dcrf_graph.changes.envelope import Envelope, decode
from dcrf_graph.changes.layers import shared_layer

logger = logging.getLogger(__name__)

Heard = Callable[[Envelope], None]


class Ear:
    """The layer channel of one event loop, and the groups that it is in."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._channel: asyncio.Future[str] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._groups: dict[str, asyncio.Task[Any]] = {}
        self._leaving: set[asyncio.Task[Any]] = set()

    async def join(self, group: str) -> None:
        """Be in a group when this returns; what is sent to it afterwards is heard."""
        if group not in self._groups:
            self._groups[group] = self._task(self._add(group))
        await asyncio.shield(self._groups[group])

    def leave(self, group: str) -> None:
        """Leave a group, some time soon."""
        joined = self._groups.pop(group, None)
        if joined is not None:
            task = self._task(self._discard(group, joined))
            self._leaving.add(task)
            task.add_done_callback(self._left)

    def _task(self, work: Any) -> asyncio.Task[Any]:
        # An empty context: nobody's request may live on in a task of the process.
        return asyncio.get_running_loop().create_task(work, context=Context())

    def _left(self, task: asyncio.Task[Any]) -> None:
        self._leaving.discard(task)
        if not self._groups and not self._leaving and self._listening is not None:
            self._listening.cancel()
            self._listening = self._channel = None

    async def _own_channel(self) -> str:
        if self._channel is None:
            self._channel = asyncio.get_running_loop().create_future()
            name = await shared_layer().new_channel("dcrf_graph")
            self._channel.set_result(name)
            self._listening = self._task(self._listen(name))
        return await self._channel

    async def _add(self, group: str) -> None:
        await shared_layer().group_add(group, await self._own_channel())

    async def _discard(self, group: str, joined: asyncio.Task[Any]) -> None:
        await asyncio.wait([joined])
        if group not in self._groups:
            try:
                await shared_layer().group_discard(group, await self._own_channel())
            except Exception:
                logger.exception("The channel layer did not let a group go")

    async def _listen(self, channel: str) -> None:
        layer = shared_layer()
        while True:
            message = await layer.receive(channel)
            try:
                envelope = decode(message["envelope"])
            except (KeyError, ValueError):
                logger.exception("Heard something that is not an envelope")
                continue
            self._heard(envelope)
