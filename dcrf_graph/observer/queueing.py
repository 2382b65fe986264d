"""
What waits to be delivered to one subscription, in which order, and how much of it.

Source: docs/decisions/0040-a-delivery-is-one-step.md
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import Throttled

from dcrf_graph.calls import Call, current_call
from dcrf_graph.changes.change import Event, Gap
from dcrf_graph.observer.backlog import Backlog, Policy
from dcrf_graph.observer.deliverer import Rest, deliverer
from dcrf_graph.observer.delivery import Delivery, Held, Subscriber
from dcrf_graph.protocols.effects import Close, CloseCode
from dcrf_graph.settings import api_settings

if TYPE_CHECKING:
    from dcrf_graph.observer.base_observer import BaseObserver
    from dcrf_graph.observer.subscriptions import Subscriptions

logger = logging.getLogger(__name__)

TOO_SLOW = "Events came faster than this client reads them; subscribe again and refetch."

# Methods of imported objects are bound anew for each call, but for those that are kept.
_call_now = current_call.get


class Queueing:
    """The events that wait for the handler of one subscription, and the messages held back.

    It is in the deliverer's line while it is ``_busy``, and only once.
    """

    __slots__ = (
        "_busy",
        "_cause",
        "_delivery",
        "_next",
        "_queue",
        "_row",
        "_waited",
        "connection",
        "consumer",
        "deliverer",
        "group",
        "held",
        "loop",
        "observer",
        "owner",
        "subscribers",
    )

    def __init__(self, owner: Subscriptions, observer: BaseObserver, group: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.owner: Any = owner
        self.consumer = owner.consumer
        self.connection = owner.connection
        self.observer = observer
        self.group = group
        self.subscribers: dict[Any, Subscriber] = {}
        self.deliverer = deliverer()
        self.held: deque[Held] | None = None
        # The first event that waits, where it is the only one: no queue is needed for that.
        self._next: Event | None = None
        self._cause: Call | None = None
        self._queue: Backlog | None = None
        self._busy = False
        # What is waited for beside an event, e.g. the row that is followed, and for which event.
        self._waited: Event | None = None
        self._row: Any = None
        self._delivery: Delivery | None = None

    @property
    def observer_id(self) -> str:
        """The observer's name, the same in every process."""
        return self.observer.stable_id

    @property
    def pending(self) -> int:
        """How many events wait for the handler."""
        return (self._next is not None) + len(self._queue or ()) + len(self.held or ())

    def push(self, event: Event) -> None:
        """Queue an event for the handler; if too many wait, the observer's policy decides."""
        # A callback runs in the context of whoever scheduled it: the publisher.
        cause = _call_now()
        if cause is not None and cause.consumer is not self.consumer:
            cause = None
        if not self._busy:
            self._busy = True
            self._next, self._cause = event, cause
            if self.observer.waits is None or not self._waits(event):
                # `Deliverer.add`, written out.
                deliverer = self.deliverer
                deliverer.ready.append(self)
                if deliverer.walker is None:
                    deliverer.start()
            return
        queue = self._waiting()
        if queue and (self._crowded(queue, event, cause) or not self.subscribers):
            return
        queue.append((event, cause))
        self._start()

    def gap(self, gap: Gap) -> None:
        """Queue that events are missing; what is queued next to another gap is one with it."""
        queue = self._waiting()
        if queue and isinstance(last := queue[-1][0], Gap):
            queue[-1] = (last.and_(gap), None)
            return
        queue.append((gap, None))
        self._start()

    def _waiting(self) -> Backlog:
        """All that waits, in one queue."""
        queue = self._queue
        if queue is None:
            queue = self._queue = Backlog()
        if self._next is not None:
            queue.appendleft((self._next, self._cause))
            self._next = self._cause = None
        return queue

    def _crowded(self, queue: Backlog, event: Event, cause: Call | None) -> bool:
        """Whether an event that others wait before is not to be queued behind them."""
        policy = self.policy
        if policy == "latest" and queue.latest(event, cause):
            return True
        limit = api_settings.MAX_PENDING_EVENTS - (len(self.held) if self.held else 0)
        if len(queue) < limit:
            return False
        if policy in ("latest", "drop_oldest") and limit > 1:
            queue.make_room(limit)
            return False
        queue.clear()
        ended = list(self.subscribers.values())
        for subscriber in ended:
            self.owner.discard(self, subscriber)
        if policy != "disconnect" or not self.connection.cut(
            Close(CloseCode.TRY_AGAIN_LATER, TOO_SLOW)
        ):
            self.connection.start(self._overflow(event, ended), context=Context())
        return True

    @property
    def policy(self) -> Policy:
        """What happens when events come faster than they are read."""
        chosen: Policy = self.observer.policy or api_settings.SLOW_READERS
        return chosen

    async def _overflow(self, event: Event, ended: Iterable[Subscriber]) -> None:
        for subscriber in ended:
            refusal = Throttled(detail=TOO_SLOW)
            await self.consumer.end_subscription(subscriber, event.action, refusal)

    def hold(self, held: Held) -> None:
        """Send a message later, when the cause of its event, and of those before, is answered."""
        if self.held is None:
            self.held = deque()
        if not self.held and held.delivery.cause is not None:
            held.delivery.cause.followers.append(self._start)
        self.held.append(held)

    # -- in line, and out of it -----------------------------------------------------------------

    def _start(self) -> None:
        if not self._busy:
            self._busy = True
            self.deliverer.add(self)

    def _go_on(self) -> None:
        """After one delivery: come again for the next, or rest."""
        self._delivery = None
        if self._next is not None or self._queue or (self.held and self._may_send_held()):
            self.deliverer.add(self)
        else:
            self._busy = False

    def _may_send_held(self) -> bool:
        if not self.held:
            return False
        cause = self.held[0].delivery.cause
        return cause is None or cause.finished.is_set()

    def _waits(self, event: Event) -> bool:
        """Whether something has to be there before an event can be delivered; asked once.

        No task waits, but this line: it comes again when what it wants is there.
        """
        if self._waited is event:
            return False
        assert self.observer.waits is not None
        self._waited = event
        try:
            self._row, waiting = self.observer.waits(self, event)
        except Exception as error:
            # Each of them finds out alone, and is told so.
            logger.debug("Nobody could say what an event waits for", exc_info=error)
            self._row = waiting = None
        if waiting is None:
            return False
        waiting.append(self)
        return True

    @abstractmethod
    def step(self) -> Rest | None:
        """Deliver what comes first."""
