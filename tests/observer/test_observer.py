"""What a signal says reaches those who subscribed it, and costs nothing while nobody did."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest
from django.dispatch import Signal

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.observer import observer
from tests.native.client import connected, in_thread

rang = Signal()
knocked = Signal()


class House:
    """A sender."""


class DoorConsumer(AsyncAPIConsumer):
    """Tells who is at which door."""

    serialized: ClassVar[list[Any]] = []

    @observer(rang, sender=House)
    async def bell(self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(action="bell", data=message, request_id=request_id)

    @bell.serializer  # type: ignore[no-redef]
    def bell(self, signal: Signal, who: Any = None, **kwargs: Any) -> Any:
        if who is None:
            raise RuntimeError("the serializer is broken")
        DoorConsumer.serialized.append(who)
        return {"who": who}

    @bell.groups_for_signal  # type: ignore[no-redef]
    def bell(self, door: str, **kwargs: Any) -> Iterable[str]:
        yield door

    @bell.groups_for_consumer  # type: ignore[no-redef]
    def bell(self, door: str, **kwargs: Any) -> Iterable[str]:
        yield door

    @observer(knocked)
    async def knock(self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(action="knock", data=message, request_id=request_id)

    @action()
    async def open(self, door: str, request_id: Any, **kwargs: Any) -> None:
        await self.bell.subscribe(door=door, request_id=request_id)

    @action()
    async def listen(self, request_id: Any, **kwargs: Any) -> None:
        await self.knock.subscribe(request_id=request_id)


async def ring(who: Any, door: str = "front", sender: Any = House) -> None:
    """Send the signal from another thread, as synchronous code does."""
    await in_thread(rang.send, sender=sender, door=door, who=who)


async def test_a_signal_reaches_the_group_that_it_is_about() -> None:
    async with connected(DoorConsumer) as client:
        await client.call("open", 1, door="front")
        await ring("Ann")
        await ring("Bob", door="back")
        assert [frame["data"] for frame in await client.rest()] == [{"who": "Ann"}]


async def test_what_another_sender_says_is_not_heard() -> None:
    async with connected(DoorConsumer) as client:
        await client.call("open", 1, door="front")
        await ring("Ann", sender=object)
        assert await client.silent()


async def test_without_groups_and_a_serializer_everybody_hears_an_empty_message() -> None:
    async with connected(DoorConsumer) as client:
        await client.call("listen", 1)
        await in_thread(knocked.send, sender=None)
        assert [(f["request_id"], f["data"]) for f in await client.rest()] == [(1, {})]


async def test_a_signal_sent_on_the_loop_itself_is_heard() -> None:
    async with connected(DoorConsumer) as client:
        await client.call("listen", 1)
        knocked.send(sender=None)
        assert (await client.frame())["data"] == {}


async def test_nothing_is_serialized_while_nobody_listens() -> None:
    DoorConsumer.serialized.clear()
    async with connected(DoorConsumer) as client:
        await ring("unheard")
        await client.call("open", 1, door="front")
        await ring("heard")
        await client.rest()
    await ring("unheard again")
    assert DoorConsumer.serialized == ["heard"]


async def test_an_observer_that_fails_is_logged_and_told_as_a_gap_and_whoever_sends_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(DoorConsumer) as client:
        await client.call("open", 1, door="front")
        with caplog.at_level(logging.ERROR):
            await ring(None)
        assert [frame["action"] for frame in await client.rest()] == ["gap"]
    assert "failed on a signal" in caplog.text
