"""
One consumer's place in one group of one observer, and what it does with events.

What is queued is handed to the observer's handler one event after the other, so a
slow handler delays nobody else; before each event whoever subscribed is asked for
permission again.

This is the path that an event takes once per subscriber. What is rare (permissions
that have to wait, handlers that do, what is held back) leaves it early; the rest is
written out where a helper would be clearer.

Source: docs/decisions/0040-a-delivery-is-one-step.md and
docs/decisions/0049-what-a-subscription-has-alone-is-little.md
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Iterable
from contextvars import Context
from copy import copy
from functools import lru_cache
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from asgiref.sync import SyncToAsync
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.exceptions import APIException, Throttled

from dcrf_graph.calls import Call, current_call
from dcrf_graph.changes.change import GAP, Event, Gap
from dcrf_graph.observer.backlog import Backlog, Policy
from dcrf_graph.observer.deletions import RowIsGone, is_deletion, told_by_key
from dcrf_graph.observer.deliverer import DONE, Driver, awaiting, deliverer, new_driver, resumed
from dcrf_graph.observer.delivery import (
    Delivery,
    Held,
    Subscriber,
    current_delivery,
    delivery_of,
    request_ids_of,
)
from dcrf_graph.observer.reading import Reading, reading_of
from dcrf_graph.protocols.effects import Close, CloseCode
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import CallContext, in_database_thread

if TYPE_CHECKING:
    from dcrf_graph.observer.base_observer import BaseObserver
    from dcrf_graph.observer.subscriptions import Subscriptions

logger = logging.getLogger(__name__)

REFUSALS = (APIException, PermissionDenied, Http404)
"""What says that a client may not hear an event; anything else is a failure."""
TOO_SLOW = "Events came faster than this client reads them; subscribe again and refetch."

Work = Coroutine[Any, Any, None]
Subscribed = list[tuple[Any, Subscriber]]
"""Subscribers, and the keys that they have here."""

# Methods of imported objects are bound anew for each call, but for those that are kept.
_call_now = current_call.get
_enter_delivery = current_delivery.set
_enter_thread = SyncToAsync.thread_sensitive_context.set


class Subscription:
    """Who subscribed one group of one observer by one consumer, and the events for them."""

    __slots__ = (
        "__weakref__",
        "_busy",
        "_by_connecting",
        "_cause",
        "_classes",
        "_delivery",
        "_everybody",
        "_next",
        "_own",
        "_questions",
        "_queue",
        "_request_ids",
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
        "row_key",
        "subscribers",
    )

    def __init__(self, owner: Subscriptions, observer: BaseObserver, group: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.owner = owner
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
        self._everybody: tuple[Subscriber, ...] | None = None
        self._request_ids: tuple[Any, ...] = ()
        # The permission classes, and how many attributes the consumer had, when it was found out
        # what they ask: one more attribute may be another way to ask.
        self._classes: Any = None
        self._own = 0
        self._questions: Any = None
        self._busy = False
        self._waited: Event | None = None
        self._row: Any = None
        # What `following` has found out about the row that is followed.
        self.row_key: Any = None
        self._delivery: Delivery | None = None
        self._by_connecting = False

    @property
    def observer_id(self) -> str:
        """The observer's name, the same in every process."""
        return self.observer.stable_id

    @property
    def pending(self) -> int:
        """How many events wait for the handler."""
        return (self._next is not None) + len(self._queue or ()) + len(self.held or ())

    def add(self, key: Any, subscriber: Subscriber) -> None:
        """Let one more request hear."""
        self.subscribers[key] = subscriber
        self._everybody = self.row_key = None
        # What was subscribed without an action is asked for in another way.
        self._by_connecting = self._by_connecting or subscriber.action is None

    def remove(self, subscriber: Subscriber) -> int:
        """Let a subscriber out, under every key that it has; returns how many those were.

        From now on nothing is sent to it, unless it is its handler that lets it out: what that
        has to say, and has said before, goes out.
        """
        keys = [key for key, other in self.subscribers.items() if other is subscriber]
        for key in keys:
            del self.subscribers[key]
        if keys:
            self._everybody = self.row_key = None
            by = current_delivery.get()
            if by is None or by.line is not self:
                for delivery in self._under_way():
                    delivery.leave(subscriber)
        return len(keys)

    def _under_way(self) -> set[Delivery]:
        """The deliveries that may still send something: the one at work, those that were held."""
        found = {each.delivery for each in self.held or ()}
        if self._delivery is not None:
            found.add(self._delivery)
        return found

    # -- queueing ----------------------------------------------------------------------

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

    # -- delivering: what the deliverer asks for ---------------------------------------

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

    def step(self) -> Work | None:
        """Deliver what comes first, in the running context, which is to be a new one.

        Returns what of it has to wait, to be run in the same context; None when it is over.
        """
        if self._next is None or self.held:
            aside = self._step_aside()
            if aside is not None or self._next is None:
                return aside
        event, cause = self._next, self._cause
        observer = self.observer
        waits = observer.waits
        if waits is not None and self._waited is not event and self._waits(event):
            return None
        self._next = self._cause = None
        consumer, connection = self.consumer, self.connection
        try:
            classes, own = consumer.permission_classes, len(consumer.__dict__)
            if classes != self._classes or own != self._own:
                self._questions, self._classes = consumer.questions(), unshared(classes)
                self._own = own
            questions = self._questions
        except Exception:  # asked at length, it is told
            questions = None
        if (
            questions is None
            or self._by_connecting
            or not connection.sure
            or (connection.sure_until is not None and not connection.certainly)
            or (questions and not consumer.agrees(questions))
        ):
            return self._ask_and_deliver(event, cause)
        everybody = self._everybody
        if everybody is None:
            everybody = self._everybody = tuple(self.subscribers.values())
            self._request_ids = request_ids_of(everybody)
        if not everybody:
            self._row = self._waited = None
            self._go_on()
            return None
        # `delivery_of`, written out.
        delivery = self._delivery = Delivery()
        delivery.event = event
        delivery.subscribers = everybody
        delivery.request_ids = self._request_ids
        delivery.line = self
        delivery.cause = cause
        delivery.row = row = self._row
        delivery.gone = ()
        _enter_thread(delivery)
        _enter_delivery(delivery)
        driver = self.deliverer.driver
        try:
            work = None
            if row is not None and observer.tells is not None:
                work = observer.tells(consumer, delivery)
            if work is None:
                reading = event.memo.get(Reading) or reading_of(event)
                work = observer.handling(reading, consumer, delivery)
            if type(work) is not CoroutineType:
                work = awaiting(work)
            wanted = driver.send(work)
        except BaseException as error:
            self.deliverer.driver = new_driver()
            failure = failure_of(error)
            if failure is None:
                delivery.ended = True
                self._go_on()
                raise
            return self._fail(delivery, failure)
        if wanted is not DONE:
            # This driver has work for a while.
            self.deliverer.driver = new_driver()
            return self._rest(driver, wanted, delivery)
        # A handler that never had to wait has not been on a thread.
        delivery.ended = True
        if waits is not None:
            self._row = self._waited = None
        if self._queue or self.held or self._next is not None:
            self._go_on()
        else:
            self._delivery = None
            self._busy = False
        return None

    def _step_aside(self) -> Work | None:
        """Say what was held or is missing, where that comes first; else an event is the next."""
        if self.held and self._may_send_held():
            return self._send_held(self.held.popleft())
        queue = self._waiting()
        if not queue:
            self._go_on()
            return None
        item, cause = queue.popleft()
        if isinstance(item, Gap):
            return self._tell(item)
        self._next, self._cause = item, cause
        return None

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

    async def _rest(self, driver: Driver, wanted: Any, delivery: Delivery) -> None:
        """What remains of a handler that has to wait."""
        try:
            try:
                await resumed(driver, wanted)
            except BaseException as error:
                if (failure := failure_of(error)) is None:
                    raise
                await self._tell_failure(delivery, failure)
        finally:
            await self._end(delivery)

    async def _fail(self, delivery: Delivery, error: Exception) -> None:
        try:
            await self._tell_failure(delivery, error)
        finally:
            await self._end(delivery)

    async def _tell_failure(self, delivery: Delivery, error: Exception) -> None:
        current_delivery.set(None)
        for subscriber in delivery.subscribers:
            if subscriber.reply_id not in delivery.gone:
                await self.consumer.fail_event(subscriber, delivery.event.action, error)

    async def _end(self, thread: CallContext) -> None:
        self._row = self._waited = None
        try:
            await thread.end()
        finally:
            self._go_on()

    async def _ask_and_deliver(self, event: Event, cause: Call | None) -> None:
        """Deliver an event to those who may hear it, which has to be asked at length."""
        thread = CallContext()
        thread.enter()
        try:
            allowed, by_key = await self._asked(event)
            await self._handle(event, allowed, cause)
            if by_key:
                keyed = await in_database_thread(told_by_key)(event, self.observer)
                await self._handle(keyed, by_key, cause)
        finally:
            await self._end(thread)

    async def _handle(self, event: Event, allowed: Subscribed, cause: Call | None) -> None:
        """Give an event to the handler, for those of these who have not unsubscribed meanwhile."""
        hearing = tuple(each for key, each in allowed if key in self.subscribers)
        if not hearing:
            return
        delivery = self._delivery = delivery_of(event, hearing, self)
        delivery.cause, delivery.row = cause, self._row
        current_delivery.set(delivery)
        try:
            await self.observer.handling(reading_of(event), self.consumer, delivery)
        except BaseException as error:
            if (failure := failure_of(error)) is None:
                raise
            await self._tell_failure(delivery, failure)

    async def _asked(self, event: Event) -> tuple[Subscribed, Subscribed]:
        """Those who may hear an event, and those who may hear no more of it than its key.

        The others are told so, and their subscription ends.
        """
        consumer = self.consumer
        may_hear: Subscribed = []
        by_key: Subscribed = []
        for key, subscriber in list(self.subscribers.items()):
            try:
                await consumer.check_event(subscriber, event)
            except RowIsGone:
                if is_deletion(event):
                    by_key.append((key, subscriber))
            except REFUSALS as refusal:
                if self.owner.drop(subscriber):
                    await consumer.end_subscription(subscriber, event.action, refusal)
            except BaseException as error:
                if (failure := failure_of(error)) is None:
                    raise
                await consumer.fail_event(subscriber, event.action, failure)
            else:
                may_hear.append((key, subscriber))
        return may_hear, by_key

    async def _send_held(self, held: Held) -> None:
        delivery = held.delivery
        try:
            following = self.held[0].delivery.cause if self.held else None
            if following is not None and following is not delivery.cause:
                following.followers.append(self._start)
            if not delivery.over and held.request_id not in delivery.gone:
                current_delivery.set(delivery)
                await held.send(held.message)
        finally:
            self._go_on()

    async def _tell(self, gap: Gap) -> None:
        try:
            for subscriber in list(self.subscribers.values()):
                try:
                    await self.consumer.tell_gap(subscriber, gap)
                except REFUSALS as refusal:
                    if self.owner.drop(subscriber):
                        await self.consumer.end_subscription(subscriber, GAP, refusal)
                except BaseException as error:
                    if (failure := failure_of(error)) is None:
                        raise
                    await self.consumer.fail_event(subscriber, GAP, failure)
        finally:
            self._go_on()


def unshared(classes: Any) -> Any:
    """Permission classes as they are now, whoever changes the list; one object for all of them."""
    if type(classes) is list:
        return as_list(tuple(classes))
    return copy(classes)


@lru_cache(maxsize=1024)
def as_list(items: tuple[Any, ...]) -> list[Any]:
    """A list of these, which nobody may change."""
    return list(items)


class WaitCancelled(Exception):
    """A handler, or a permission, has waited for something that was cancelled, not by itself."""


def failure_of(error: BaseException) -> Exception | None:
    """What to tell of an error; None for one that ends the task, which is nobody's failure."""
    if isinstance(error, Exception):
        return error
    task = asyncio.current_task()
    if not isinstance(error, asyncio.CancelledError) or task is None or task.cancelling():
        return None
    failure = WaitCancelled("What was waited for has been cancelled")
    failure.__cause__ = error
    return failure
