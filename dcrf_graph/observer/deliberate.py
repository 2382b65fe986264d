"""
Deliveries that take their time: permissions that have to be asked, failures, gaps, what was held.

Who may hear an event is asked of each that subscribed; a refusal ends the subscription, and a
failure is told to each whom the event was for.

Source: docs/decisions/0040-a-delivery-is-one-step.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.exceptions import APIException

from dcrf_graph.calls import Call
from dcrf_graph.changes.change import GAP, Event, Gap
from dcrf_graph.observer.deletions import RowIsGone, is_deletion, told_by_key
from dcrf_graph.observer.delivery import Delivery, Held, Subscriber, current_delivery, delivery_of
from dcrf_graph.observer.queueing import Queueing
from dcrf_graph.observer.reading import reading_of
from dcrf_graph.threads import CallContext, in_database_thread

REFUSALS = (APIException, PermissionDenied, Http404)
"""What says that a client may not hear an event; anything else is a failure."""

Work = Coroutine[Any, Any, None]
Subscribed = list[tuple[Any, Subscriber]]
"""Subscribers, and the keys that they have here."""


class Deliberate(Queueing):
    """The deliveries of one subscription that take their time, each in a context of its own."""

    __slots__ = ()

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

    async def _deliver_apart(self, event: Event, cause: Call | None) -> None:
        """Deliver an event to those who may hear it, which has been asked."""
        thread = CallContext()
        thread.enter()
        try:
            await self._handle(event, list(self.subscribers.items()), cause)
        finally:
            await self._end(thread)

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
