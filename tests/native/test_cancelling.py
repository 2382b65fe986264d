"""A client cancels what it has asked for, on a consumer alone and on a stream of a router."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from django.test import override_settings

from dcrf_graph.changes.hub import hub
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.observer import model_observer
from dcrf_graph.routers import Router
from tests.native.client import Client, connected, in_thread, soon
from tests.testapp.models import Note
from tests.transports.desk import Gate
from tests.transports.sockets import NativeClient, native, quiet

pytestmark = pytest.mark.django_db(transaction=True)


class WorkConsumer(AsyncAPIConsumer):
    """Waits, adds up, streams, subscribes."""

    gate: ClassVar[Gate]
    log: ClassVar[list[str]]

    @action()
    async def wait(self, **kwargs: Any) -> str:
        await self.gate.pass_through()
        return "waited"

    @action()
    async def stubborn(self, request_id: Any, **kwargs: Any) -> str:
        """Says something when it is cancelled."""
        try:
            await self.gate.pass_through()
        finally:
            await self.reply(action="stubborn", data="too late", request_id=request_id)
        return "waited"

    @action()
    async def note(self, text: str, **kwargs: Any) -> str:
        self.log.append(text)
        return text

    @action()
    async def count(self, **kwargs: Any) -> AsyncIterator[int]:
        yield 1
        await self.gate.pass_through()
        yield 2

    @model_observer(Note)
    async def notes(
        self, message: Any, action: str = "", subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(action=action, data=message, request_id=request_id)

    @action(subscribes="notes")
    async def subscribe(self, request_id: Any, **kwargs: Any) -> None:
        await self.notes.subscribe(request_id=request_id)


class Bar(WorkConsumer):
    @action()
    async def cancel(self, **kwargs: Any) -> str:
        return "an action of the application"


class Alone:
    """A client of the consumer alone."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, action: str, request_id: Any = 1, **arguments: Any) -> None:
        await self.client.send(action, request_id, **arguments)

    async def frame(self) -> Any:
        return await self.client.frame()


class Streamed:
    """A client of the consumer as a stream of a router."""

    def __init__(self, client: NativeClient) -> None:
        self.client = client

    async def ask(self, action: str, request_id: Any = 1, **arguments: Any) -> None:
        await self.client.ask("work", action, request_id, **arguments)

    async def frame(self) -> Any:
        return await self.client.payload("work")


Asker = Alone | Streamed


@asynccontextmanager
async def alone(consumer: type[AsyncAPIConsumer]) -> AsyncIterator[Asker]:
    async with connected(consumer) as client:
        yield Alone(client)


@asynccontextmanager
async def streamed(consumer: type[AsyncAPIConsumer]) -> AsyncIterator[Asker]:
    router = Router()
    router.register("work", consumer)
    async with native(router) as client:
        yield Streamed(client)


@pytest.fixture(params=[alone, streamed], ids=["alone", "streamed"])
def serve(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(WorkConsumer, "gate", gate, raising=False)
    monkeypatch.setattr(WorkConsumer, "log", [], raising=False)
    return gate


def told(frame: Any) -> tuple[Any, ...]:
    return frame["action"], frame["request_id"], frame["response_status"]


async def test_a_running_call_is_cancelled_and_answered(serve: Any, gate: Gate) -> None:
    """The call says that it was cancelled, then the frame that cancelled it is acknowledged."""
    async with serve(WorkConsumer) as asker:
        await asker.ask("wait", 7)
        await soon(gate.reached)
        await asker.ask("cancel", 7)
        assert await asker.frame() == {
            "errors": ["The call was cancelled."],
            "data": None,
            "action": "wait",
            "response_status": 499,
            "request_id": 7,
        }
        assert told(await asker.frame()) == ("cancel", 7, 204)
        await soon(gate.cancelled)


async def test_its_turn_is_free_for_the_next(serve: Any, gate: Gate) -> None:
    async with serve(WorkConsumer) as asker:
        await asker.ask("wait", 7)
        await asker.ask("note", 8, text="behind")
        await soon(gate.reached)
        await asker.ask("cancel", 7)
        frames = [told(await asker.frame()) for _ in range(3)]
    assert frames == [("wait", 7, 499), ("cancel", 7, 204), ("note", 8, 200)]


async def test_a_call_that_waits_for_its_turn_never_runs(serve: Any, gate: Gate) -> None:
    async with serve(WorkConsumer) as asker:
        await asker.ask("wait", 7)
        await asker.ask("note", 8, text="cancelled")
        await soon(gate.reached)
        await asker.ask("cancel", 8)
        assert told(await asker.frame()) == ("note", 8, 499)
        assert told(await asker.frame()) == ("cancel", 8, 204)
        gate.open.set()
        assert told(await asker.frame()) == ("wait", 7, 200)
    assert WorkConsumer.log == []


async def test_a_call_can_be_cancelled_before_it_begins(serve: Any) -> None:
    """Both frames are there before the server reads the first."""
    async with serve(WorkConsumer) as asker:
        await asker.ask("wait", 7)
        await asker.ask("cancel", 7)
        frames = [told(await asker.frame()) for _ in range(2)]
        await asker.ask("note", 8, text="next")
        assert told(await asker.frame()) == ("note", 8, 200)
    assert frames == [("wait", 7, 499), ("cancel", 7, 204)]


async def test_what_a_cancelled_call_still_says_is_dropped(serve: Any, gate: Gate) -> None:
    async with serve(WorkConsumer) as asker:
        await asker.ask("stubborn", 7)
        await soon(gate.reached)
        await asker.ask("cancel", 7)
        await asker.ask("note", 8, text="next")
        frames = [told(await asker.frame()) for _ in range(3)]
    assert frames == [("stubborn", 7, 499), ("cancel", 7, 204), ("note", 8, 200)]


async def test_a_detached_call_is_cancelled(serve: Any, gate: Gate) -> None:
    async with serve(WorkConsumer) as asker:
        await asker.ask("count", 7)
        assert (await asker.frame())["data"] == 1
        await soon(gate.reached)
        await asker.ask("cancel", 7)
        assert told(await asker.frame()) == ("count", 7, 499)
        assert told(await asker.frame()) == ("cancel", 7, 204)
        await soon(gate.cancelled)


async def test_a_subscription_ends_without_another_word(serve: Any) -> None:
    async with serve(WorkConsumer) as asker:
        await asker.ask("subscribe", 7)
        assert told(await asker.frame()) == ("subscribe", 7, 204)
        await asker.ask("cancel", 7)
        assert told(await asker.frame()) == ("cancel", 7, 204)
        assert hub.count() == 0
        await in_thread(Note.objects.create, text="unheard")
        await asker.ask("note", 8, text="next")
        assert told(await asker.frame()) == ("note", 8, 200)


@pytest.mark.parametrize("finished", [False, True])
async def test_there_may_be_nothing_to_cancel(serve: Any, finished: bool) -> None:
    """The reply may have crossed the frame on the wire: no error of either side."""
    async with serve(WorkConsumer) as asker:
        if finished:
            await asker.ask("note", 7, text="done")
            await asker.frame()
        await asker.ask("cancel", 7)
        frame = await asker.frame()
    assert told(frame) == ("cancel", 7, 404)
    assert frame["errors"] == ["Nothing is under way under this request_id."]


async def test_a_stream_is_not_opened_to_cancel_on_it() -> None:
    async with streamed(WorkConsumer) as asker:
        assert isinstance(asker, Streamed)
        await asker.ask("cancel", 7)
        assert told(await asker.frame()) == ("cancel", 7, 404)
        await quiet()


@pytest.mark.parametrize("request_id", [None, ["7"]])
async def test_cancelling_needs_a_request_id(serve: Any, request_id: Any) -> None:
    async with serve(WorkConsumer) as asker:
        await asker.ask("note", 1, text="the stream is open")
        await asker.frame()
        await asker.ask("cancel", request_id)
        frame = await asker.frame()
    assert told(frame) == ("cancel", None, 400)
    assert list(frame["errors"][0]) == ["request_id"]


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 1})
async def test_cancelling_needs_no_room(serve: Any, gate: Gate) -> None:
    async with serve(WorkConsumer) as asker:
        await asker.ask("wait", 7)
        await soon(gate.reached)
        await asker.ask("cancel", 7)
        assert told(await asker.frame()) == ("wait", 7, 499)


async def test_an_applications_own_cancel_is_its_own(serve: Any) -> None:
    async with serve(Bar) as asker:
        await asker.ask("cancel", 7)
        assert (await asker.frame())["data"] == "an action of the application"


async def test_several_calls_under_one_request_id_all_end(serve: Any, gate: Gate) -> None:
    async with serve(WorkConsumer) as asker:
        await asker.ask("wait", 7)
        await asker.ask("note", 7, text="never")
        await soon(gate.reached)
        await asker.ask("cancel", 7)
        frames = {told(await asker.frame()) for _ in range(2)}
        assert frames == {("wait", 7, 499), ("note", 7, 499)}
        assert told(await asker.frame()) == ("cancel", 7, 204)
    await asyncio.sleep(0)
    assert WorkConsumer.log == []
