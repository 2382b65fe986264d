"""Calls that are captured: one reply, events, or pages, on consumers that open lazily."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from django.dispatch import Signal
from django.test import override_settings
from rest_framework.exceptions import PermissionDenied

from dcrf_graph.changes.hub import hub
from dcrf_graph.connection import Connection
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.exceptions import CallFailed, StreamRefused
from dcrf_graph.observer import observer
from dcrf_graph.streams import Streams

rung = Signal()


class BellConsumer(AsyncAPIConsumer):
    waiting: ClassVar[asyncio.Event]
    connected: ClassVar[list[Any]] = []

    async def connect(self) -> None:
        self.connected.append(self)
        if "gate" in self.scope:
            self.waiting.set()
            await self.scope["gate"].wait()
        if self.scope.get("refused"):
            await self.close(4003)
        else:
            await self.accept()

    @action()
    async def silent(self, **kwargs: Any) -> None:
        """Answers nothing."""

    @action()
    async def talk(self, request_id: Any, **kwargs: Any) -> None:
        await self.send_json({"data": "without a request_id"})
        await self.send_json({"data": "with one", "request_id": request_id})

    @action()
    async def deny(self, **kwargs: Any) -> None:
        raise PermissionDenied("No.")

    @action()
    async def wait(self, **kwargs: Any) -> None:
        self.waiting.set()
        await asyncio.Event().wait()

    @action(detached=True)
    async def count(self, to: int, request_id: Any = None, **kwargs: Any) -> None:
        for number in range(to):
            await self.reply(action="count", data=number, request_id=request_id)
        if to > 2:
            raise PermissionDenied("Too far.")

    @observer(rung)
    async def bell(self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(action="ring", data=message, request_id=request_id)

    @action(subscribes="bell")
    async def subscribe_bell(self, request_id: Any, deny: bool = False, **kwargs: Any) -> None:
        await self.bell.subscribe(request_id=request_id)
        if deny:
            raise PermissionDenied("No.")


def streams_of(**scope: Any) -> Streams:
    scope = {"type": "websocket", "headers": [], **scope}
    return Streams({"bells": BellConsumer.as_asgi()}, scope, Connection())


@pytest_asyncio.fixture
async def streams(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Streams]:
    monkeypatch.setattr(BellConsumer, "waiting", asyncio.Event(), raising=False)
    streams = streams_of()
    yield streams
    await streams.close()
    assert streams.connection.tasks == set()
    assert hub.count() == 0


async def test_a_call_that_says_nothing_is_acknowledged(streams: Streams) -> None:
    reply = await streams.call("bells", "silent", {})
    assert (reply.status, reply.data) == (204, None)


async def test_the_last_frame_that_a_call_sends_is_its_reply(streams: Streams) -> None:
    assert (await streams.call("bells", "talk", {})).data == "with one"


async def test_a_refusal_is_a_reply(streams: Streams) -> None:
    reply = await streams.call("bells", "deny", {})
    assert (reply.status, reply.errors) == (403, ["No."])


async def test_a_consumer_that_does_not_accept_refuses_and_is_asked_again() -> None:
    streams = streams_of(refused=True)
    for _ in range(2):
        with pytest.raises(StreamRefused) as refused:
            await streams.call("bells", "silent", {})
        assert refused.value.code == 4003
    await streams.close()


async def test_an_unknown_stream_is_a_mistake_of_the_caller(streams: Streams) -> None:
    with pytest.raises(KeyError):
        await streams.call("whistles", "silent", {})


async def test_cancelling_a_call_cancels_the_action(streams: Streams) -> None:
    calling = asyncio.ensure_future(streams.call("bells", "wait", {}))
    await streams.open("bells")
    await asyncio.wait_for(BellConsumer.waiting.wait(), 10)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert (await streams.call("bells", "silent", {})).status == 204
    assert streams.connection.pending == 0


async def test_who_asks_first_is_cancelled_and_the_others_still_get_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(BellConsumer, "waiting", asyncio.Event(), raising=False)
    monkeypatch.setattr(BellConsumer, "connected", [])
    gate = asyncio.Event()
    streams = streams_of(gate=gate)
    first = asyncio.ensure_future(streams.open("bells"))
    second = asyncio.ensure_future(streams.open("bells"))
    await asyncio.wait_for(BellConsumer.waiting.wait(), 10)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    assert (await second).consumer is BellConsumer.connected[0]
    await streams.close()


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 0})
async def test_too_many_calls_are_refused_however_they_are_made() -> None:
    streams = streams_of()
    assert (await streams.call("bells", "silent", {})).status == 429
    with pytest.raises(CallFailed, match="429"):
        await streams.events("bells", "subscribe_bell", {})
    with pytest.raises(CallFailed, match="429"):
        await anext(streams.pages("bells", "count", {"to": 1}))
    await streams.close()


# -- events ---------------------------------------------------------------------------------------


async def test_events_come_from_the_subscription_until_they_are_closed(streams: Streams) -> None:
    events = await streams.events("bells", "subscribe_bell", {})
    rung.send(sender=None)
    assert (await anext(events)).data == {}
    await events.aclose()
    assert hub.count() == 0
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_what_a_refused_subscription_had_subscribed_is_unsubscribed(
    streams: Streams,
) -> None:
    with pytest.raises(CallFailed, match="403"):
        await streams.events("bells", "subscribe_bell", {"deny": True})
    assert hub.count() == 0


async def test_events_that_nobody_reads_end_with_the_streams() -> None:
    streams = streams_of()
    events = await streams.events("bells", "subscribe_bell", {})
    reading = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    await streams.close()
    with pytest.raises(StopAsyncIteration):
        await reading
    assert hub.count() == 0


# -- pages ----------------------------------------------------------------------------------------


async def test_every_reply_of_an_action_is_a_page(streams: Streams) -> None:
    pages = streams.pages("bells", "count", {"to": 2})
    assert [page.data async for page in pages] == [0, 1]


async def test_a_refusal_ends_the_pages(streams: Streams) -> None:
    pages = streams.pages("bells", "count", {"to": 3})
    assert [(await anext(pages)).data for _ in range(3)] == [0, 1, 2]
    with pytest.raises(CallFailed, match="Too far"):
        await anext(pages)


async def test_closing_the_pages_cancels_the_action(streams: Streams) -> None:
    pages = streams.pages("bells", "wait", {})
    reading = asyncio.ensure_future(anext(pages))
    await asyncio.wait_for(BellConsumer.waiting.wait(), 10)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert streams.connection.pending == 0
