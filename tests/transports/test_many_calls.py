"""One socket, many calls: nobody waits for a slow one, order is kept, and whatever ends leaves."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test import override_settings

from dcrf_graph.changes.hub import hub
from dcrf_graph.connection import open_connections
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.observer import model_observer
from dcrf_graph.threads import KEPT
from tests.limits import world
from tests.limits.clients import NATIVE, SOCKETS
from tests.limits.table import Stage, refused
from tests.native.client import in_thread
from tests.soak import Count
from tests.testapp.models import Note
from tests.transports.desk import Gate
from tests.transports.sockets import PATIENCE, quiet, soon, turns

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("busy", "nothing_left"),
]

OPEN = pytest.mark.parametrize("transport", [*NATIVE, *SOCKETS])
ENDS = Count("subscriptions that end while events come", full=2_000, part=40)
MOMENTS = Count("sockets that end at any moment of their calls", full=2_000, part=24)


class BusyConsumer(AsyncAPIConsumer):
    """Works slowly, writes, subscribes, and waits for what it has caused."""

    gate: ClassVar[Gate]
    thinks: ClassVar[Gate]
    heard: ClassVar[asyncio.Event]
    subscribed: ClassVar[asyncio.Event]

    @action(kind="query")
    async def work(self, **kwargs: Any) -> str:
        await self.gate.pass_through()
        return "worked"

    @action()
    def write(self, text: str = "x", **kwargs: Any) -> int:
        return Note.objects.create(text=text).pk

    @action(kind="query")
    def count(self, **kwargs: Any) -> int:
        return Note.objects.count()

    @model_observer(Note)
    async def notes(self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.thinks.pass_through()
            await self.reply(action="create", data=message, request_id=request_id)
        self.heard.set()

    @action(subscribes="notes")
    async def subscribe_notes(self, request_id: Any, **kwargs: Any) -> None:
        await self.notes.subscribe(request_id=request_id)
        self.subscribed.set()

    @action()
    async def unsubscribe_notes(self, request_id: Any, **kwargs: Any) -> None:
        await self.notes.unsubscribe(request_id=request_id)

    @action(output=int)
    async def drip(self, **kwargs: Any) -> AsyncIterator[int]:
        yield 1
        await self.gate.pass_through()
        yield 2

    @action(kind="mutation")
    async def write_and_wait(self, **kwargs: Any) -> str:
        """Waits until the event of its own change has been handled, to its end."""
        await in_thread(Note.objects.create, text="mine")
        await asyncio.wait_for(self.heard.wait(), PATIENCE)
        return "heard"


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BusyConsumer, "gate", Gate(), raising=False)
    monkeypatch.setattr(BusyConsumer, "thinks", Gate(), raising=False)
    BusyConsumer.thinks.open.set()
    monkeypatch.setattr(BusyConsumer, "heard", asyncio.Event(), raising=False)
    monkeypatch.setattr(BusyConsumer, "subscribed", asyncio.Event(), raising=False)
    monkeypatch.setitem(world.CONSUMERS, "busy", BusyConsumer)


DOCUMENTS = {
    "work": "{ busyWork }",
    "write": "mutation { busyWrite }",
    "count": "{ busyCount }",
    "subscribe_notes": "subscription { busyNotes { id } }",
    "write_and_wait": "mutation { busyWriteAndWait }",
    "drip": "subscription { busyDrip }",
}


async def ask(stage: Stage, client: Any, action: str, request_id: int = 1) -> None:
    if stage.native:
        await client.ask("busy", action, request_id)
    else:
        await client.start(DOCUMENTS[action])


async def heard(stage: Stage, client: Any) -> Any:
    """The data of what comes next."""
    if stage.native:
        return (await client.payload())["data"]
    [value] = (await client.result())["data"].values()
    return value


async def subscribe(stage: Stage, client: Any) -> None:
    await ask(stage, client, "subscribe_notes", 9)
    await soon(BusyConsumer.subscribed)
    if stage.native:
        assert await heard(stage, client) is None


@OPEN
async def test_a_slow_call_delays_nobodys_events(transport: str) -> None:
    """Not even those of its own consumer."""
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        await subscribe(stage, client)
        await ask(stage, client, "work")
        await soon(BusyConsumer.gate.reached)
        await in_thread(Note.objects.create, text="of another")
        assert (await heard(stage, client)) is not None
        BusyConsumer.gate.open.set()
        assert await heard(stage, client) == "worked"


@OPEN
async def test_a_read_sees_the_write_before_it(transport: str) -> None:
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        await ask(stage, client, "write")
        await ask(stage, client, "count", 2)
        first, second = await heard(stage, client), await heard(stage, client)
    assert (first >= 1, second) == (True, 1)


@OPEN
async def test_an_action_may_wait_for_its_own_event(transport: str) -> None:
    """Natively its reply comes first all the same; operations of GraphQL have no order."""
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        await subscribe(stage, client)
        await ask(stage, client, "write_and_wait", 2)
        answers = [await heard(stage, client), await heard(stage, client)]
    assert "heard" in answers
    assert answers[0] == "heard" or not stage.native


@contextmanager
def events() -> Iterator[None]:
    """One change after the other, from another thread, for as long as this lasts."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            Note.objects.create(text="of many")
            Note.objects.all().delete()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


async def of_subscription(stage: Stage, client: Any, id: Any) -> bool:
    """Whether the next frame is one of this subscription; else it answers the call for a count."""
    frame = (await client.payload()) if stage.native else (await client.frame())
    if frame.get("request_id" if stage.native else "id") == id:
        return True
    if not stage.native and frame["type"] != client.value:
        return await of_subscription(stage, client, id)
    return False


async def end(stage: Stage, client: Any, id: Any) -> None:
    """End a subscription, and read until it has ended.

    Natively that is the reply; in GraphQL, where nothing replies, whatever is asked next.
    """
    if stage.native:
        await client.ask("busy", "unsubscribe_notes", id)
        while (await client.payload())["action"] != "unsubscribe_notes":
            pass
    else:
        await client.client.send({"id": id, "type": client.stop})
        await ask(stage, client, "count")
        while await of_subscription(stage, client, id):
            pass


async def is_silent(stage: Stage, client: Any, id: Any) -> bool:
    """Whether nothing of a subscription comes while something else is answered three times."""
    for _ in range(3):
        await ask(stage, client, "count")
        if await of_subscription(stage, client, id):
            return False
    return True


@OPEN
@ENDS.mark
@override_settings(DCRF_GRAPH={"MAX_FRAME_RATE": None})
async def test_nothing_is_heard_of_a_subscription_that_has_ended(transport: str) -> None:
    """However many events come, and however much the client asks."""
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        with events():
            for number in range(ENDS.now // 4):
                id: Any = f"subscription {number}"
                if stage.native:
                    await client.ask("busy", "subscribe_notes", id)
                else:
                    id = await client.start(DOCUMENTS["subscribe_notes"])
                for _ in range(number % 4):
                    assert await of_subscription(stage, client, id)
                await end(stage, client, id)
                assert await is_silent(stage, client, id)


@OPEN
async def test_a_handler_that_is_at_work_when_its_subscription_ends_is_not_heard(
    transport: str,
) -> None:
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        await subscribe(stage, client)
        BusyConsumer.thinks.open.clear()
        await in_thread(Note.objects.create, text="too late")
        await soon(BusyConsumer.thinks.reached)
        await end(stage, client, 9 if stage.native else "1")
        BusyConsumer.thinks.open.set()
        await soon(BusyConsumer.heard)
        assert await is_silent(stage, client, 9 if stage.native else "1")


async def leave(stage: Stage, client: Any) -> None:
    """Ask for the end of the subscription, and for a call that is one too many."""
    if stage.native:
        await client.ask("busy", "unsubscribe_notes", 9)
    else:
        await client.client.send({"id": "1", "type": client.stop})
    await ask(stage, client, "count", 3)
    refusal = (await client.payload()) if stage.native else (await client.result())
    assert refused(refusal) in (429, "RATE_LIMITED")


@OPEN
@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 1})
async def test_a_subscription_can_be_ended_when_no_more_calls_are_taken(transport: str) -> None:
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        await subscribe(stage, client)
        await ask(stage, client, "work", 2)
        await soon(BusyConsumer.gate.reached)
        await leave(stage, client)
        BusyConsumer.gate.open.set()
        assert await heard(stage, client) == "worked"
        if stage.native:
            assert (await client.payload())["action"] == "unsubscribe_notes"
        await quiet()
        assert hub.count() == 0


@pytest.mark.parametrize("transport", NATIVE)
@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 1})
async def test_no_more_ends_wait_than_there_are_subscriptions(transport: str) -> None:
    """So what is let in over the limit is bounded too."""
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        await subscribe(stage, client)
        await ask(stage, client, "work", 2)
        await soon(BusyConsumer.gate.reached)
        await client.ask("busy", "unsubscribe_notes", 9)
        await client.ask("busy", "unsubscribe_notes", 10)
        frame = await client.payload()
        assert (frame["request_id"], frame["response_status"]) == (10, 429)


@OPEN
async def test_who_comes_and_leaves_while_a_handler_is_at_work_silences_nobody(
    transport: str,
) -> None:
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        await subscribe(stage, client)
        BusyConsumer.thinks.open.clear()
        await in_thread(Note.objects.create, text="heard")
        await soon(BusyConsumer.thinks.reached)
        BusyConsumer.subscribed.clear()
        await ask(stage, client, "subscribe_notes", 10)
        await soon(BusyConsumer.subscribed)
        await end(stage, client, 10 if stage.native else "2")
        BusyConsumer.thinks.open.set()
        assert await of_subscription(stage, client, 9 if stage.native else "1")


@OPEN
@override_settings(DCRF_GRAPH={"EXECUTION_TIMEOUT": 0.02})
async def test_a_subscription_outlives_the_time_of_a_call(transport: str) -> None:
    """And so does a streaming action."""
    stage = Stage(world.make_router(), transport)
    async with stage.open() as client:
        await subscribe(stage, client)
        await ask(stage, client, "drip", 2)
        assert await heard(stage, client) == 1
        await asyncio.sleep(0.1)  # time that passes is what this is about
        await in_thread(Note.objects.create, text="later")
        assert isinstance(await heard(stage, client), dict)
        BusyConsumer.gate.open.set()
        assert await heard(stage, client) == 2


@OPEN
@MOMENTS.mark
async def test_a_socket_that_ends_at_any_moment_leaves_nothing(transport: str) -> None:
    """While it starts, streams and replies: by what is counted, not by what is looked for."""
    chance = random.Random(transport)
    tasks, threads = len(asyncio.all_tasks()), threading.active_count()
    BusyConsumer.gate.open.set()
    router = world.make_router()
    for _ in range(MOMENTS.now // 4):
        stage = Stage(router, transport)
        async with stage.open() as client:
            for number in range(chance.randrange(6)):
                await ask(stage, client, chance.choice([*DOCUMENTS][:4]), number)
                if stage.native and chance.random() < 0.3:
                    await client.ask("busy", "cancel", number)
            await turns(chance.randrange(40))
    await quiet()
    assert hub.count() == 0
    assert [each for each in open_connections if each.tasks] == []
    assert len(asyncio.all_tasks()) <= tasks
    assert threading.active_count() <= threads + KEPT + 2
