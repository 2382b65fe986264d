"""Actions and methods that run beside the consumer's loop."""

from __future__ import annotations

import asyncio
from typing import Any

from rest_framework.exceptions import Throttled

from tests.comparison.library import AsyncAPIConsumer, action, detached
from tests.comparison.scenario import reply, scenario
from tests.comparison.stage import Stage


@scenario("a detached action lets later calls be answered first")
async def overtaken(stage: Stage) -> None:
    released = asyncio.Event()

    class Consumer(AsyncAPIConsumer):
        @action(detached=True)
        async def wait(self, pk: int, **kwargs: Any) -> tuple[Any, int]:
            await released.wait()
            return {"waited": pk}, 200

        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "pong", 200

    client = await stage.connect(Consumer)
    await client.send(action="wait", request_id=1, pk=5)
    await client.call("ping", request_id=2)
    released.set()
    await client.until(request_id=1)


@scenario("an API exception in a detached action is answered under its request id")
async def detached_error(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(detached=True)
        async def hurry(self, **kwargs: Any) -> None:
            raise Throttled()

    await (await stage.connect(Consumer)).call("hurry")


@scenario("handle_exception is asked for a detached action too")
async def detached_own_exceptions(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def handle_exception(
            self, exc: Exception, action: str | None, request_id: Any
        ) -> None:
            stage.note([type(exc).__name__, action, request_id])
            await super().handle_exception(exc, action=action, request_id=request_id)

        @action(detached=True)
        async def hurry(self, **kwargs: Any) -> None:
            raise Throttled()

    client = await stage.connect(Consumer, fence=None)
    await client.call("hurry")


@scenario("a detached action may reply before it returns")
async def detached_replies(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(detached=True)
        async def work(self, action: str, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
            await self.reply(action=action, data="half", status=202, request_id=request_id)
            return "whole", 200

    client = await stage.connect(Consumer)
    await client.send(action="work", request_id=1)
    await client.until(data="whole")


@scenario("a detached action is cancelled when its client leaves")
async def cancelled_action(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(detached=True)
        async def wait(self, action: str, request_id: Any, **kwargs: Any) -> None:
            await self.reply(action=action, data="waiting", request_id=request_id)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                stage.note("cancelled")
                raise

    client = await stage.connect(Consumer)
    await client.call("wait")
    await client.disconnect()


@scenario("a detached method sends after the call that started it was answered")
async def detached_method(stage: Stage) -> None:
    answered = asyncio.Event()

    class Consumer(AsyncAPIConsumer):
        @action()
        async def start(self, **kwargs: Any) -> tuple[Any, int]:
            await self.later(word="finished")
            return "started", 202

        @detached
        async def later(self, word: str) -> None:
            await answered.wait()
            await self.send_json({"later": word})

    client = await stage.connect(Consumer)
    await client.call("start")
    answered.set()
    await client.until(later="finished")


@scenario("a detached method is cancelled when its client leaves")
async def cancelled_method(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def start(self, **kwargs: Any) -> tuple[Any, int]:
            running = asyncio.Event()
            await self.forever(running)
            await running.wait()
            return len(self.detached_tasks), 202

        @detached
        async def forever(self, running: asyncio.Event) -> None:
            running.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                stage.note("cancelled")
                raise

    client = await stage.connect(Consumer)
    await client.call("start")
    await client.disconnect()


@scenario("a finished detached task is forgotten")
async def forgotten_task(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(detached=True)
        async def work(self, **kwargs: Any) -> tuple[Any, int]:
            return "worked", 200

        @action()
        async def left(self, **kwargs: Any) -> tuple[Any, int]:
            while self.detached_tasks:
                await asyncio.wait(self.detached_tasks)
                await asyncio.sleep(0)
            return len(self.detached_tasks), 200

    client = await stage.connect(Consumer)
    await client.call("work")
    await client.call("left", request_id=2)


@scenario("a detached method that fails does not end the socket")
async def failing_method(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def start(self, **kwargs: Any) -> tuple[Any, int]:
            await self.fail()
            return "started", 202

        @detached
        async def fail(self) -> None:
            raise RuntimeError("in the background")

    client = await stage.connect(Consumer)
    await client.call("start")
    await client.call("missing", request_id=2)


@scenario("two detached calls of one action keep their own request ids")
async def two_detached(stage: Stage) -> None:
    gates = {"a": asyncio.Event(), "b": asyncio.Event()}

    class Consumer(AsyncAPIConsumer):
        @action(detached=True)
        async def wait(self, gate: str, **kwargs: Any) -> tuple[Any, int]:
            await gates[gate].wait()
            return gate, 200

    client = await stage.connect(Consumer)
    await client.send(action="wait", request_id=1, gate="a")
    await client.send(action="wait", request_id=2, gate="b")
    gates["b"].set()
    await client.until(request_id=2)
    gates["a"].set()
    await client.until(request_id=1)


@scenario(
    "an unexpected error in a detached action is answered",
    differs="D02",
    ours=[
        reply("fail", status=500, errors=["Internal server error"]),
        reply("settled", "settled", request_id=2),
    ],
)
async def detached_unexpected(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(detached=True)
        async def fail(self, **kwargs: Any) -> None:
            raise RuntimeError("a secret of the server")

        @action()
        async def settled(self, **kwargs: Any) -> tuple[Any, int]:
            while self.detached_tasks:
                await asyncio.wait(self.detached_tasks)
                await asyncio.sleep(0)
            return "settled", 200

    client = await stage.connect(Consumer)
    await client.send(action="fail", request_id=1)
    await client.call("settled", request_id=2)


@scenario(
    "a detached action that returns nothing is acknowledged",
    differs="D04",
    ours=[reply("quiet", status=204), reply("settled", "settled", request_id=2)],
)
async def detached_quiet(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(detached=True)
        async def quiet(self, **kwargs: Any) -> None:
            """Return nothing."""

        @action()
        async def settled(self, **kwargs: Any) -> tuple[Any, int]:
            while self.detached_tasks:
                await asyncio.wait(self.detached_tasks)
                await asyncio.sleep(0)
            return "settled", 200

    client = await stage.connect(Consumer)
    await client.send(action="quiet", request_id=1)
    await client.call("settled", request_id=2)
