"""
Hears the other processes: one layer channel per process and event loop.

Which groups it is in is said to ``membership`` where the layer has a registry;
where it has none, all processes are in one group of the layer and hear everything.
A consumer's channel is never in a group of ours.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, Protocol, TypeVar

from dcrf_graph.changes.change import Gap
from dcrf_graph.changes.envelope import Envelope, read
from dcrf_graph.changes.layers import EVERYBODY, redis_of, shared_layer
from dcrf_graph.changes.sequences import Sequences

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that who joins waits for a Redis that does not answer."""
OPEN_DELAY = 0.25
"""Seconds until that is asked for a channel again."""
RETRY_DELAY = 1.0
"""Seconds until a layer that failed to receive is asked again."""
REJOIN = 3_600.0
"""Seconds until the group of everybody is joined anew; channels_redis forgets groups in a day."""

T = TypeVar("T")


class Listener(Protocol):
    """Who gets what a receiver hears; called on the receiver's loop."""

    publisher: str

    def hear(self, envelope: Envelope) -> None:
        """Events of another process."""

    def miss(self, gap: Gap) -> None:
        """Events of other processes were lost."""


class Registrar(Protocol):
    """Who writes down which groups a receiver is in, where the layer has a registry."""

    async def join(self, receiver: Receiver, group: str, observer: str) -> bool:
        """Be in a group; False if there is no registry."""

    def leave(self, receiver: Receiver, group: str) -> None:
        """Leave a group, some time soon; all of them once the receiver is closed."""


class Receiver:
    """The layer channel of one event loop, and the groups that it is in.

    Everything here runs on that loop. Others read ``channel``, ``groups``, how many ``changes`` of
    them there were, and ``closed``: when the last group is left, and it is of no use any more.
    """

    def __init__(self, listener: Listener, registrar: Registrar) -> None:
        self.id = secrets.token_urlsafe(9)
        self.loop = asyncio.get_running_loop()
        self.channel = ""
        self.closed = False
        self.groups: set[str] = set()
        self.changes = 0
        self._listener = listener
        self._registrar = registrar
        self._sequences = Sequences()
        self._opening: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._joining: dict[str, dict[str, asyncio.Task[None]]] = {}

    async def join(self, group: str, observer: str) -> None:
        """Be in a group when this returns; what is published to it afterwards is heard.

        Raises:
            Exception: whatever the layer or its Redis raises; the next who joins asks again.

        Cancelling leaves the group joined.
        """
        if group not in self.groups:
            self.groups.add(group)
            self.changes += 1
        joining = self._joining.setdefault(group, {})
        if observer not in joining:
            joining[observer] = self._task(self._join(group, observer))
        task = joining[observer]
        try:
            await asyncio.shield(task)
        except Exception:
            if joining.get(observer) is task:
                del joining[observer]
            raise

    def leave(self, group: str) -> None:
        """Leave a group, some time soon; the last one to be left closes the channel."""
        self.groups.discard(group)
        self.changes += 1
        self._joining.pop(group, None)
        if not self.groups:
            self.closed = True
            for task in self._tasks:
                task.cancel()
        self._registrar.leave(self, group)

    def check(self, marks: dict[str, int]) -> None:
        """Compare with what publishers say that they have sent; they may say nothing new."""
        now = self.loop.time()
        for publisher, number in marks.items():
            self._sequences.mark(publisher, number, now)
        if self._sequences.lost(now):
            logger.warning("What another process has said last was lost")
            self._listener.miss(Gap())

    # -- the channel --------------------------------------------------------------------

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        # An empty context: nobody's request may live on in a task of the process.
        return self.loop.create_task(work, context=Context())

    async def _join(self, group: str, observer: str) -> None:
        if self._opening is None or (self._opening.done() and not succeeded(self._opening)):
            self._opening = self._task(self._open())
        await asyncio.shield(self._opening)
        if await self._registrar.join(self, group, observer):
            return
        if len(self._tasks) == 1:
            self._sequences = Sequences(exact=False)
            self._tasks.append(self._task(self._stay()))
        await shared_layer().group_add(EVERYBODY, self.channel)

    async def _open(self) -> None:
        # With the prefix that consumers' channels have: the core layer of channels_redis receives
        # for one prefix at a time, and would leave another unheard.
        self.channel = await self._new_channel()
        if not self.closed:
            self._tasks = [self._task(self._listen())]

    async def _new_channel(self) -> str:
        # That of the pub/sub layer is one of Redis, which may be about to come back.
        layer = shared_layer()
        patient_until = self.loop.time() + (0.0 if redis_of(layer) is None else PATIENCE)
        while True:
            try:
                return str(await layer.new_channel())
            except Exception:
                if self.closed or self.loop.time() >= patient_until:
                    raise
                await asyncio.sleep(OPEN_DELAY)

    async def _stay(self) -> None:
        while True:
            await asyncio.sleep(REJOIN)
            try:
                await shared_layer().group_add(EVERYBODY, self.channel)
            except Exception:
                logger.exception("The channel layer failed; other processes may not be heard")

    async def _listen(self) -> None:
        layer = shared_layer()
        while True:
            try:
                message = await layer.receive(self.channel)
            except Exception:
                logger.exception("The channel layer failed; other processes may not be heard")
                await asyncio.sleep(RETRY_DELAY)
                continue
            try:
                self._hear(read(message))
            except Exception:
                logger.exception("Heard something that is not an envelope")

    def _hear(self, envelope: Envelope) -> None:
        if envelope.publisher == self._listener.publisher:
            return
        lost = self._sequences.take(envelope.publisher, envelope.number, envelope.after)
        if lost is None:
            return
        if lost or envelope.events is None:
            logger.warning("What another process has said was lost")
            self._listener.miss(Gap())
        if envelope.events:
            self._listener.hear(envelope)


def succeeded(task: asyncio.Task[Any]) -> bool:
    """Whether a task has ended well."""
    return task.done() and not task.cancelled() and task.exception() is None
