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

from contextvars import Context
from copy import copy
from functools import lru_cache
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from asgiref.sync import SyncToAsync

from dcrf_graph.calls import Call
from dcrf_graph.changes.change import Event
from dcrf_graph.observer.deliberate import Deliberate, failure_of
from dcrf_graph.observer.deliverer import (
    ANEW,
    DONE,
    Driver,
    Rest,
    awaiting,
    new_driver,
    resumed,
)
from dcrf_graph.observer.delivery import (
    Delivery,
    Subscriber,
    delivery_now,
    delivery_of,
    request_ids_of,
)
from dcrf_graph.observer.reading import reading_of
from dcrf_graph.threads import own_thread

if TYPE_CHECKING:
    from dcrf_graph.observer.base_observer import BaseObserver
    from dcrf_graph.observer.subscriptions import Subscriptions

# Methods of imported objects are bound anew for each call, but for those that are kept.
_enter_thread = SyncToAsync.thread_sensitive_context.set
SET = 1
"""How many variables a delivery sets in the walker's context: that one."""


class Subscription(Deliberate):
    """Who subscribed one group of one observer by one consumer, and the events for them."""

    __slots__ = (
        "__weakref__",
        "_agrees",
        "_by_connecting",
        "_classes",
        "_everybody",
        "_plainly",
        "_request_ids",
        "_tail",
        "row_key",
    )

    def __init__(self, owner: Subscriptions, observer: BaseObserver, group: str) -> None:
        super().__init__(owner, observer, group)
        self._everybody: tuple[Subscriber, ...] | None = None
        self._request_ids: tuple[Any, ...] = ()
        # How a frame ends that our own code tells the one who hears; None where a handler runs.
        self._tail: str | None = None
        self._plainly = False
        # The permission classes when it was found out what they ask.
        self._classes: Any = None
        self._agrees: Any = None
        self._by_connecting = False
        # What `following` has found out about the row that is followed.
        self.row_key: Any = None

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
            by = delivery_now()
            if by is None or by.line is not self:
                for delivery in self._under_way():
                    delivery.leave(subscriber)
        return len(keys)

    def _hears(self, subscriber: Subscriber) -> bool:
        return any(each is subscriber for each in self.subscribers.values())

    def _under_way(self) -> set[Delivery]:
        """The deliveries that may still send something: the one at work, those that were held."""
        found = {each.delivery for each in self.held or ()}
        if self._delivery is not None:
            found.add(self._delivery)
        return found

    # -- delivering: what the deliverer asks for ---------------------------------------

    def step(self) -> Rest | None:
        """Deliver what comes first; returns what of it has to wait, None when it is over."""
        if self._next is None or self.held:
            aside = self._step_aside()
            if aside is not None:
                return aside, Context()
            if self._next is None:
                return None
        event, cause = self._next, self._cause
        observer = self.observer
        waits = observer.waits
        if waits is not None and self._waited is not event and self._waits(event):
            return None
        deliverer, row = self.deliverer, self._row
        if row is not None and deliverer.variables:
            return ANEW  # what is told at once is told where nobody has set anything
        self._next = self._cause = None
        consumer, connection = self.consumer, self.connection
        try:
            classes, own = consumer.permission_classes, consumer.__dict__
            if (
                classes != self._classes
                # `access.ASKING`, written out: what a consumer may ask in a way of its own.
                or "check_event" in own
                or "check_object_permissions" in own
                or "check_permissions" in own
                or "get_permissions" in own
                or "object_of" in own
                or "subscribing_call" in own
            ):
                self._agrees, self._classes = consumer.question(), unshared(classes)
            agrees = self._agrees
            surely = (
                agrees is not None
                and not self._by_connecting
                and connection.sure
                and (connection.sure_until is None or connection.certainly)
                and (agrees is True or agrees(consumer.scope))
            )
            everybody = self._everybody
            if everybody is None:
                everybody = self._look_who_hears()
        except Exception:  # asked at length, it is told
            surely, everybody = False, ()
        if not surely:
            return self._ask_and_deliver(event, cause), Context()
        if not everybody:
            self._row = self._waited = None
            self._go_on()
            return None
        if row is not None:
            return self._tell_at_once(row, event, cause, everybody)
        # `delivery_of`, written out.
        delivery = self._delivery = Delivery()
        delivery.event = event
        delivery.subscribers = everybody
        delivery.request_ids = self._request_ids
        delivery.line = self
        delivery.cause = cause
        delivery.free = cause is None and self._plainly
        delivery.row = None
        delivery.gone = ()
        deliverer.variables = SET
        _enter_thread(delivery)
        driver = deliverer.driver
        try:
            work = observer.handling(event.reading or reading_of(event), consumer, delivery)
            if type(work) is not CoroutineType:
                work = awaiting(work)
            wanted = driver.send(work)
        except BaseException as error:
            deliverer.driver = new_driver()
            failure = failure_of(error)
            if failure is None:
                delivery.ended = True
                self._go_on()
                raise
            return self._fail(delivery, failure), None
        if wanted is not DONE:
            # This driver has work for a while.
            deliverer.driver = new_driver()
            return self._rest(driver, wanted, delivery), None
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

    def _look_who_hears(self) -> tuple[Subscriber, ...]:
        """Note for whom the events are from now on."""
        everybody = tuple(self.subscribers.values())
        request_ids = self._request_ids = request_ids_of(everybody)
        tells = self.observer.tells
        alone = len(everybody) == len(request_ids) == 1
        self._tail = tells(self, request_ids[0]) if alone and tells else None
        self._plainly = self.consumer.sends_plainly()
        self._everybody = everybody
        return everybody

    def _tell_at_once(
        self, row: Any, event: Event, cause: Call | None, everybody: tuple[Subscriber, ...]
    ) -> Rest | None:
        """Send what our own code tells of a row, for which there has to be no delivery.

        Where there has to be, or the handler runs, it does so in a context of its own.
        """
        tail = self._tail
        if tail is None or row.opening is None or cause is not None or self.held:
            return self._deliver_apart(event, cause), Context()
        deliverer = self.deliverer
        driver = deliverer.driver
        try:
            telling = self.consumer.tell(row, event, self._request_ids[0], tail)
            if telling is None:
                return self._deliver_apart(event, cause), Context()
            if type(telling) is not CoroutineType:
                telling = awaiting(telling)
            wanted = driver.send(telling)
        except BaseException as error:
            deliverer.driver = new_driver()
            return self._end_telling(event, everybody, error), Context()
        if wanted is not DONE:
            deliverer.driver = new_driver()
            return self._rest_of_telling(driver, wanted, event, everybody), None
        self._row = self._waited = None
        if self._queue or self.held or self._next is not None:
            self._go_on()
        else:
            self._busy = False
        return None

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

    async def _rest_of_telling(
        self, driver: Driver, wanted: Any, event: Event, everybody: tuple[Subscriber, ...]
    ) -> None:
        """What remains of sending where the server has to wait."""
        failed: BaseException | None = None
        try:
            await resumed(driver, wanted)
        except BaseException as error:
            failed = error
        await self._end_telling(event, everybody, failed)

    async def _end_telling(
        self, event: Event, everybody: tuple[Subscriber, ...], error: BaseException | None
    ) -> None:
        try:
            if error is not None and not self.consumer.has_lost(error):
                if (failure := failure_of(error)) is None:
                    raise error
                still = tuple(each for each in everybody if self._hears(each))
                async with own_thread():
                    await self._tell_failure(delivery_of(event, still, self), failure)
        finally:
            self._row = self._waited = None
            self._go_on()

    async def _fail(self, delivery: Delivery, error: Exception) -> None:
        try:
            await self._tell_failure(delivery, error)
        finally:
            await self._end(delivery)


def unshared(classes: Any) -> Any:
    """Permission classes as they are now, whoever changes the list; one object for all of them."""
    if type(classes) is list:
        return as_list(tuple(classes))
    return copy(classes)


@lru_cache(maxsize=1024)
def as_list(items: tuple[Any, ...]) -> list[Any]:
    """A list of these, which nobody may change."""
    return list(items)
