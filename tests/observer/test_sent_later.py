"""Frames that a handler makes now and sends later: what may go out is asked when they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async

from tests.native.client import connected
from tests.observer.test_handlers import consumer_of
from tests.observer.test_subscriptions import arrive, heard, watch

pytestmark = pytest.mark.django_db(transaction=True)


async def test_who_unsubscribes_before_its_frame_is_sent_hears_nothing() -> None:
    made, go_on = asyncio.Event(), asyncio.Event()

    async def late(
        consumer: Any, message: Any, subscribing_request_ids: Iterable[Any] = (), **kwargs: Any
    ) -> None:
        frames = [
            consumer.reply(action="told", data=[message["title"]], request_id=each)
            for each in subscribing_request_ids
        ]
        made.set()
        await go_on.wait()
        for frame in frames:
            await frame

    async with connected(consumer_of(late)) as client:
        await watch(client, 1, 2)
        await arrive("a")
        await made.wait()
        await client.call("unwatch", 3, places=[1], watching=1)
        go_on.set()
        assert heard(await client.rest()) == [(2, "a")]


async def test_a_frame_that_has_no_json_takes_none_of_its_siblings_along() -> None:
    async def together(
        consumer: Any, message: Any, subscribing_request_ids: Iterable[Any] = (), **kwargs: Any
    ) -> None:
        title = {1: message["title"], 2: object()}
        frames = [
            consumer.reply(action="told", data=[title[each]], request_id=each)
            for each in subscribing_request_ids
        ]
        await asyncio.gather(*frames, return_exceptions=True)

    async with connected(consumer_of(together)) as client:
        await watch(client, 1, 2)
        await arrive("a")
        assert heard(await client.rest()) == [(1, "a")]


async def test_synchronous_code_of_a_handler_may_send() -> None:
    async def from_a_thread(
        consumer: Any, message: Any, subscribing_request_ids: Iterable[Any] = (), **kwargs: Any
    ) -> None:
        def send() -> None:
            for each in subscribing_request_ids:
                frame = {"action": "told", "data": [message["title"]], "request_id": each}
                async_to_sync(consumer.send_json)({**frame, "errors": [], "response_status": 200})

        await database_sync_to_async(send)()

    async with connected(consumer_of(from_a_thread)) as client:
        await watch(client, 1)
        await arrive("a")
        assert heard(await client.rest()) == [(1, "a")]
