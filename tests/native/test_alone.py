"""A consumer served alone: its channel is listened to when it is used, and as Channels does it."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from tests.native.client import PATIENCE, Client, Closed, connected, scope_of, soon

whose: ContextVar[str] = ContextVar("whose", default="nobody's")


class Named(AsyncAPIConsumer):
    @action()
    async def name(self, **kwargs: Any) -> tuple[Any, int]:
        whose.set("the call's")
        return self.channel_name, 200

    @action()
    async def wait(self, **kwargs: Any) -> None:
        """Nothing."""

    async def say(self, message: Any) -> None:
        await self.send_json({"said": message["text"], "context": whose.get()})

    async def fail(self, message: Any) -> None:
        raise ValueError("no")

    async def stop(self, message: Any) -> None:
        raise StopConsumer


async def tell(client: Client, kind: str, **message: Any) -> None:
    """Send a message to the channel of a consumer, whose name a client asks for."""
    layer = get_channel_layer()
    assert layer is not None
    name = (await client.call("name"))["data"]
    await layer.send(name, {"type": kind, **message})


async def test_nobody_listens_to_a_channel_that_is_not_used() -> None:
    async with connected(Named) as client:
        await client.call("wait")
        assert await client.silent()
        assert client.consumer.connection.tasks == set()


async def test_a_channel_is_heard_from_when_its_name_is_asked_for() -> None:
    async with connected(Named) as client:
        await tell(client, "say", text="hi")
        assert (await client.frame())["said"] == "hi"
        await tell(client, "say", text="again")
        assert (await client.frame())["said"] == "again"


async def test_a_handler_of_the_channel_runs_in_the_context_of_the_connection() -> None:
    class Mine(Named):
        async def connect(self) -> None:
            whose.set("the connection's")
            await self.accept()

    async with connected(Mine) as client:
        await tell(client, "say", text="hi")
        assert (await client.frame())["context"] == "the connection's"


async def test_frames_and_messages_of_the_channel_are_handled_one_at_a_time() -> None:
    handling, goes_on = asyncio.Event(), asyncio.Event()

    class Slow(Named):
        async def websocket_receive(self, message: Any) -> None:
            if '"hold"' not in message["text"]:
                await super().websocket_receive(message)
                return
            layer = get_channel_layer()
            assert layer is not None
            await layer.send(self.channel_name, {"type": "say", "text": "behind"})
            handling.set()
            await goes_on.wait()
            await self.send_json({"said": "before"})

    async with connected(Slow) as client:
        await client.send("hold")
        await soon(handling)
        for _ in range(10):
            await asyncio.sleep(0)  # the message could have been handled by now
        goes_on.set()
        assert [frame["said"] for frame in await client.frames(2)] == ["before", "behind"]
        # And while a message of the channel is handled, the next frame waits.
        handling.clear()
        goes_on.clear()

        async def hold(message: Any) -> None:
            handling.set()
            await goes_on.wait()
            await client.consumer.send_json({"said": "before"})

        client.consumer.hold = hold
        await tell(client, "hold")
        await soon(handling)
        await client.send("wait", 2)
        for _ in range(10):
            await asyncio.sleep(0)
        goes_on.set()
        assert (await client.frame())["said"] == "before"
        assert (await client.frame())["request_id"] == 2


async def test_what_a_handler_of_the_channel_raises_ends_the_connection() -> None:
    client = Client(Named(), scope_of())
    assert await client.connect()
    await tell(client, "fail")
    with pytest.raises(ValueError, match="no"):
        await asyncio.wait_for(client.served, PATIENCE)


async def test_a_handler_of_the_channel_may_stop_the_consumer() -> None:
    client = Client(Named(), scope_of())
    assert await client.connect()
    await tell(client, "stop")
    with pytest.raises(Closed):
        await client.frame()
    assert client.served.result() is None
    assert client.consumer.connection.tasks == set()


async def test_a_consumer_that_the_server_cancels_is_cancelled() -> None:
    client = Client(Named(), scope_of())
    assert await client.connect()
    await client.call("name")
    client.served.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(client.served, PATIENCE)
    assert client.consumer.connection.tasks == set()
