"""Actions that answer with several replies: generators, and those that reply themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from rest_framework.exceptions import PermissionDenied

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from tests.native.client import connected, soon


class Counting(AsyncAPIConsumer):
    closed: asyncio.Event

    @action()
    async def count(self, until: int, **kwargs: Any) -> AsyncIterator[int]:
        for number in range(until):
            yield number

    @action(detached=False)
    async def count_in_turn(self, **kwargs: Any) -> AsyncIterator[int]:
        yield 1

    @action()
    async def give_up(self, **kwargs: Any) -> AsyncIterator[int]:
        yield 1
        raise PermissionDenied("Enough.")

    @action()
    async def wait(self, **kwargs: Any) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            self.closed.set()


@pytest.mark.parametrize("name", ["count", "count_in_turn"])
async def test_each_item_is_a_reply_and_the_end_is_said(name: str) -> None:
    arguments = {"until": 2} if name == "count" else {}
    numbers = [0, 1] if name == "count" else [1]
    async with connected(Counting) as client:
        await client.send(name, request_id=7, **arguments)
        frames = await client.frames(len(numbers) + 1)
    assert [frame["data"] for frame in frames] == [*numbers, None]
    assert [frame["response_status"] for frame in frames] == [200] * len(numbers) + [204]
    assert {(frame["action"], frame["request_id"]) for frame in frames} == {(name, 7)}


async def test_what_is_raised_between_items_is_the_last_reply() -> None:
    async with connected(Counting) as client:
        await client.send("give_up", request_id=7)
        first, last = await client.frames(2)
    assert first["data"] == 1
    assert (last["response_status"], last["errors"]) == (403, ["Enough."])


async def test_a_wrong_argument_is_refused_before_anything_is_sent() -> None:
    async with connected(Counting) as client:
        refused = await client.call("count", until="many")
    assert refused["errors"] == [{"until": ["A valid integer is required."]}]


async def test_other_calls_do_not_wait_and_leaving_closes_the_generator() -> None:
    async with connected(Counting) as client:
        Counting.closed = asyncio.Event()
        await client.send("wait", request_id=1)
        assert (await client.frame())["data"] == 1
        assert (await client.call("count", request_id=2, until=0))["response_status"] == 204
    await soon(Counting.closed)


def test_a_generator_says_that_it_streams() -> None:
    options = Counting.count.options
    assert (options.streams, options.detached) == (True, True)
    assert Counting.count_in_turn.options.detached is False
