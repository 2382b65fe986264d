"""A socket that ends, at any moment, leaves no task, no group and no database connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.test import override_settings

from dcrf_graph.calls import current_call
from dcrf_graph.changes.hub import hub
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from tests.testapp.models import Note
from tests.transports.desk import DeskConsumer, Gate, NoteConsumer, SlowNoteConsumer, desk_router
from tests.transports.sockets import (
    PATIENCE,
    Client,
    GraphQLClient,
    NativeClient,
    graphql,
    native,
    quiet,
    soon,
    tasks,
    turns,
)

pytestmark = [
    pytest.mark.usefixtures("desk", "nothing_left"),
    pytest.mark.django_db(transaction=True),
]

CREATE = database_sync_to_async(Note.objects.create)
ACTIVITY = "subscription { noteActivity { action } }"


async def ask(client: Client, action: str) -> None:
    """Start an action of the desk, whichever protocol the client speaks."""
    if isinstance(client, NativeClient):
        await client.ask("desk", action, left=1)
    else:
        assert isinstance(client, GraphQLClient)
        document = {"add": "{ deskAdd(left: 1) }", "wait": "mutation { deskWait }"}[action]
        await client.start("1", document)


BOTH = pytest.mark.parametrize("protocol", [native, graphql])


@BOTH
async def test_while_a_consumer_connects(protocol: Any, desk: type[DeskConsumer]) -> None:
    desk.connecting.open.clear()
    async with protocol(desk_router()) as client:
        await ask(client, "add")
        await soon(desk.connecting.reached)
    assert desk.connecting.cancelled.is_set()
    assert desk.closed_with == [1011]


@BOTH
async def test_while_an_action_runs(protocol: Any, desk: type[DeskConsumer]) -> None:
    async with protocol(desk_router()) as client:
        await ask(client, "wait")
        await soon(desk.gate.reached)
    assert desk.gate.cancelled.is_set()
    # Its consumer says goodbye after it.
    assert desk.closed_with == [1000]


async def test_while_an_authenticator_thinks() -> None:
    gate = Gate()

    async def authenticate(scope: Any, payload: Any) -> None:
        await gate.pass_through()

    client = GraphQLClient(desk_router(authenticate=authenticate).as_asgi())
    await client.connect()
    await client.send({"type": "connection_init"})
    await soon(gate.reached)
    await client.disconnect()
    assert gate.cancelled.is_set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds up the thread of ``write``, until it is set."""
    release = threading.Event()
    monkeypatch.setattr(SlowNoteConsumer, "reached", asyncio.Event(), raising=False)
    monkeypatch.setattr(SlowNoteConsumer, "release", release, raising=False)
    yield release
    release.set()


def slow_router() -> Router:
    router = Router()
    router.register("notes", SlowNoteConsumer)
    return router


@BOTH
async def test_while_a_thread_writes(protocol: Any, slow: threading.Event) -> None:
    """What has begun in a thread is finished there, and its connection closed."""
    loop = asyncio.get_running_loop()
    async with protocol(slow_router(), loop=loop) as client:
        if isinstance(client, NativeClient):
            await client.ask("notes", "write", text="new")
        else:
            await client.start("1", 'mutation { noteWrite(text: "new") }')
        await soon(SlowNoteConsumer.reached)
        leaving = asyncio.ensure_future(client.disconnect())
        await turns()
        slow.set()
        await leaving
    assert await database_sync_to_async(Note.objects.count)() == 1


async def test_while_an_operation_that_was_stopped_still_ends(slow: threading.Event) -> None:
    """A call that is cancelled twice still closes its database connection."""
    loop = asyncio.get_running_loop()
    async with graphql(slow_router(), loop=loop) as client:
        await client.start("1", 'mutation { noteWrite(text: "new") }')
        await soon(SlowNoteConsumer.reached)
        await client.stop("1")
        leaving = asyncio.ensure_future(client.disconnect())
        await turns()
        assert not leaving.done()
        slow.set()
        await leaving


class SlowSubscriber(NoteConsumer):
    """Subscribes after a while, or has just subscribed; and delivers slowly."""

    @action(subscribes="note_activity")
    async def subscribe_late(self, request_id: Any, **kwargs: Any) -> None:
        await DeskConsumer.gate.pass_through()
        await self.note_activity.subscribe(request_id=request_id)

    @action(subscribes="note_activity")
    async def subscribe_early(self, request_id: Any, **kwargs: Any) -> None:
        await self.note_activity.subscribe(request_id=request_id)
        await DeskConsumer.gate.pass_through()

    async def reply(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("request_id") == "slow":
            await DeskConsumer.gate.pass_through()
        await super().reply(*args, **kwargs)


def subscriber_router() -> Router:
    router = Router()
    router.register("notes", SlowSubscriber)
    return router


@BOTH
@pytest.mark.parametrize("when", ["late", "early"])
async def test_while_a_subscription_starts(
    protocol: Any, when: str, desk: type[DeskConsumer]
) -> None:
    async with protocol(subscriber_router()) as client:
        if isinstance(client, NativeClient):
            await client.ask("notes", f"subscribe_{when}")
        else:
            await client.start("1", f"subscription {{ note{when.capitalize()} {{ id }} }}")
        await soon(desk.gate.reached)
        assert hub.count() == (when == "early")
    assert hub.count() == 0


async def test_a_subscription_that_is_stopped_while_it_starts_has_never_been(
    desk: type[DeskConsumer],
) -> None:
    async with graphql(subscriber_router()) as client:
        await client.start("1", "subscription { noteEarly { id } }")
        await soon(desk.gate.reached)
        await client.stop("1")
        await quiet()
        assert hub.count() == 0


class LastWishConsumer(NoteConsumer):
    """Subscribes when it is told that its client has gone, in place of what ours does then."""

    async def websocket_disconnect(self, message: Any) -> None:
        await self.note_activity.subscribe(request_id="too late")


@BOTH
async def test_while_a_consumer_says_goodbye(protocol: Any) -> None:
    router = Router()
    router.register("notes", LastWishConsumer)
    async with protocol(router) as client:
        if isinstance(client, NativeClient):
            await client.call("notes", "list")
        else:
            await client.data("{ notes { id } }")
    assert hub.count() == 0


class SlowDelivery(NoteConsumer):
    """Waits before it delivers."""

    async def reply(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("action") == "create":
            await DeskConsumer.gate.pass_through()
        await super().reply(*args, **kwargs)


@BOTH
async def test_while_an_event_is_delivered(protocol: Any, desk: type[DeskConsumer]) -> None:
    router = Router()
    router.register("notes", SlowDelivery)
    async with protocol(router) as client:
        if isinstance(client, NativeClient):
            await client.call("notes", "subscribe_note_activity")
        else:
            await client.start("1", ACTIVITY)
            await client.data("{ notes { id } }")
        await CREATE(text="new")
        await soon(desk.gate.reached)
        await CREATE(text="newer")
        await turns()
        counts = router.statistics()
        assert (counts["subscriptions"], counts["groups"], counts["events"]) == (1, 1, 1)
    assert desk.gate.cancelled.is_set()
    assert set(router.statistics().values()) == {0}


@BOTH
async def test_while_events_wait_for_a_client_that_does_not_read(protocol: Any) -> None:
    async with protocol(desk_router()) as client:
        if isinstance(client, NativeClient):
            await client.call("notes", "subscribe_note_activity")
        else:
            await client.start("1", ACTIVITY)
            await client.data("{ notes { id } }")
        client.reads.clear()
        for number in range(100):
            await CREATE(text=str(number))
        await soon(client.stuck)
    assert hub.count() == 0


@BOTH
async def test_in_the_middle_of_a_closing_stream(
    protocol: Any, desk: type[DeskConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consumer that is saying goodbye may finish, and its socket waits for it."""
    gate = Gate()

    async def disconnect(self: Any, code: int) -> None:
        await gate.pass_through()
        desk.closed_with.append(code)

    monkeypatch.setattr(DeskConsumer, "disconnect", disconnect)
    async with protocol(desk_router()) as client:
        if isinstance(client, NativeClient):
            await client.call("desk", "leave")
        else:
            await client.error("mutation { deskLeave }")
        await soon(gate.reached)
        leaving = asyncio.ensure_future(client.disconnect())
        await turns()
        gate.open.set()
        await leaving
    assert desk.closed_with == [4001]


@BOTH
async def test_in_the_middle_of_a_refusal(
    protocol: Any, desk: type[DeskConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()

    async def disconnect(self: Any, code: int) -> None:
        await gate.pass_through()
        desk.closed_with.append(code)

    monkeypatch.setattr(DeskConsumer, "open_to_public", False)
    monkeypatch.setattr(DeskConsumer, "disconnect", disconnect)
    async with protocol(desk_router()) as client:
        await ask(client, "add")
        await soon(gate.reached)
        leaving = asyncio.ensure_future(client.disconnect())
        await turns()
        gate.open.set()
        await leaving
    assert desk.closed_with == [1000]


class CountingConsumer(DeskConsumer):
    """Counts notes wherever it is asked to, with nothing that closes a connection."""

    async def disconnect(self, code: int) -> None:
        await self.gate.pass_through()
        await sync_to_async(Note.objects.count)()
        self.asked.append(f"left in {current_call.get()}")

    async def desk_message(self, message: Any) -> None:
        await self.send_json({"data": await sync_to_async(Note.objects.count)()})


@BOTH
async def test_after_a_stream_that_its_consumer_closed(
    protocol: Any, desk: type[DeskConsumer]
) -> None:
    """What a consumer reads while it says goodbye is not read in the name of any call."""
    router = Router()
    router.register("desk", CountingConsumer)
    async with protocol(router) as client:
        if isinstance(client, NativeClient):
            await client.call("desk", "leave")
        else:
            await client.error("mutation { deskLeave }")
        await quiet()
        desk.gate.open.set()
    assert desk.asked == ["connect", "left in None"]


async def test_after_a_message_of_a_group(desk: type[DeskConsumer]) -> None:
    desk.gate.open.set()
    layer: Any = get_channel_layer()
    router = Router()
    router.register("desk", CountingConsumer)
    async with native(router) as client:
        await client.call("desk", "enter", room="lobby")
        await layer.group_send("lobby", {"type": "desk.message"})
        assert await client.payload("desk") == {"data": 0}


class FailingGoodbye(DeskConsumer):
    groups = ["lobby"]

    async def disconnect(self, code: int) -> None:
        raise ValueError("the secret of the goodbye")


async def test_a_consumer_that_fails_to_say_goodbye_fails_alone(
    desk: type[DeskConsumer], caplog: pytest.LogCaptureFixture
) -> None:
    router = desk_router()
    router.register("failing", FailingGoodbye)
    async with native(router) as client:
        await client.call("failing", "add", left=1)
        await client.call("desk", "add", left=1)
    assert desk.closed_with == [1000]
    assert [record.exc_info is not None for record in caplog.records] == [True]
    layer: Any = get_channel_layer()
    assert layer.groups == {}


class DetachedConsumer(AsyncAPIConsumer):
    @action(detached=True)
    async def think(self, **kwargs: Any) -> str:
        await DeskConsumer.gate.pass_through()
        return "thought"


@BOTH
async def test_while_a_detached_action_runs(protocol: Any, desk: type[DeskConsumer]) -> None:
    router = Router()
    router.register("thinkers", DetachedConsumer, singular="thinker")
    async with protocol(router) as client:
        if isinstance(client, NativeClient):
            await client.ask("thinkers", "think")
        else:
            await client.start("1", "mutation { thinkerThink }")
        await soon(desk.gate.reached)
    assert desk.gate.cancelled.is_set()


@pytest.mark.parametrize("client_class", [NativeClient, GraphQLClient])
async def test_when_the_server_stops_the_application(
    client_class: type[Client], desk: type[DeskConsumer]
) -> None:
    client = client_class(desk_router().as_asgi())
    await client.connect()
    if isinstance(client, GraphQLClient):
        await client.initialise()
    await ask(client, "wait")
    await soon(desk.gate.reached)
    client.served.cancel()
    await asyncio.wait([client.served], timeout=PATIENCE)
    assert client.served.cancelled()
    assert desk.gate.cancelled.is_set()
    assert tasks() == set()


@override_settings(DCRF_GRAPH={"MAX_CONCURRENT_CALLS": 1})
async def test_slots_of_stopped_operations_are_given_back(desk: type[DeskConsumer]) -> None:
    async with graphql(desk_router()) as client:
        for _ in range(3):
            await client.start("1", "mutation { deskWait }")
            await client.stop("1")
        assert await client.data("{ deskAdd(left: 1) }") == {"deskAdd": 2}
