"""What upstream does wrong, or others have stumbled over, and no other room's tests show."""

# An observer's serializer and groups are declared under its own name, as a property's setter is.
# mypy: disable-error-code="no-redef"

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.dispatch import Signal
from django.test import override_settings

from dcrf_graph.changes.hub import hub
from dcrf_graph.connection import Connection
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import StreamedPaginatedListMixin
from dcrf_graph.observer import model_observer, observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.permissions import BasePermission
from dcrf_graph.streams import Streams
from tests.native.client import Client, connected, in_thread, scope_of, soon
from tests.native.serializers import NoteSerializer
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_group_is_left_behind() -> Iterator[None]:
    assert hub.count() == 0
    yield
    assert hub.count() == 0


class Hears(AsyncAPIConsumer):
    """Follows all notes."""

    @model_observer(Note, serializer_class=NoteSerializer)
    async def notes(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)
        if not subscribing_request_ids:
            await self.reply(data=message, action=action)

    @action()
    async def subscribe(self, request_id: Any, **kwargs: Any) -> None:
        await self.notes.subscribe(request_id=request_id)

    @action()
    async def unsubscribe(self, request_id: Any = None, **kwargs: Any) -> None:
        await self.notes.unsubscribe(request_id=request_id)

    @action()
    async def subscribe_silently(self, **kwargs: Any) -> None:
        await self.notes.subscribe()

    @action()
    async def unsubscribe_silently(self, **kwargs: Any) -> None:
        await self.notes.unsubscribe()


async def write(text: str = "a") -> Any:
    return await in_thread(Note.objects.create, text=text)


# -- who hears ----------------------------------------------------------------------


async def test_two_requests_of_one_connection_hear_each_under_its_own_id() -> None:
    async with connected(Hears) as client:
        await client.call("subscribe", request_id=1)
        await client.call("subscribe", request_id=2)
        await write()
        assert [frame["request_id"] for frame in await client.rest()] == [1, 2]


async def test_what_was_subscribed_without_a_request_id_is_unsubscribed_without_one() -> None:
    async with connected(Hears) as client:
        await client.call("subscribe_silently")
        await write()
        assert len(await client.rest()) == 1
        await client.call("unsubscribe_silently")
        assert hub.count() == 0
        await write()
        assert await client.silent()


async def test_one_request_unsubscribes_and_the_other_goes_on() -> None:
    async with connected(Hears) as client:
        await client.call("subscribe", request_id=1)
        await client.call("subscribe", request_id=2)
        await client.call("unsubscribe", request_id=1)
        await write()
        assert [frame["request_id"] for frame in await client.rest()] == [2]


async def test_subclasses_keep_their_subscriptions_apart() -> None:
    class First(Hears): ...

    class Second(Hears): ...

    async with connected(First) as first, connected(Second) as second:
        await first.call("subscribe", request_id=1)
        await write()
        assert [frame["request_id"] for frame in await first.rest()] == [1]
        assert await second.silent()
        await second.call("unsubscribe_silently")
        await write()
        assert [frame["request_id"] for frame in await first.rest()] == [1]


async def test_observers_of_one_name_in_two_consumers_do_not_share_a_group() -> None:
    class Other(AsyncAPIConsumer):
        @model_observer(Note)
        async def notes(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"other": message})

        @action()
        async def subscribe(self, request_id: Any, **kwargs: Any) -> None:
            await self.notes.subscribe(request_id=request_id)

    async with connected(Hears) as client, connected(Other) as other:
        await client.call("subscribe", request_id=1)
        await other.call("subscribe", request_id=1)
        row = await write()
        (frame,) = await client.rest()
        assert frame["data"] == {"id": row.pk, "text": "a"}
        assert await other.rest() == [{"other": {"pk": row.pk}}]


async def test_a_handler_that_changes_its_message_changes_it_for_nobody_else() -> None:
    class Marks(Hears):
        @model_observer(Note, serializer_class=NoteSerializer)
        async def notes(self, message: Any, subscribing_request_ids: Any, **kwargs: Any) -> None:
            message["seen by"] = [*message.get("seen by", []), self.scope["path"]]
            await self.send_json(message)

    async with connected(Marks, path="/1/") as first, connected(Marks, path="/2/") as second:
        await first.call("subscribe")
        await second.call("subscribe")
        await write()
        assert [frame["seen by"] for frame in await first.rest()] == [["/1/"]]
        assert [frame["seen by"] for frame in await second.rest()] == [["/2/"]]


async def test_a_change_is_serialized_once_for_all_and_not_at_all_for_nobody() -> None:
    serialized: list[str] = []

    class Counts(NoteSerializer):
        def to_representation(self, instance: Note) -> Any:
            serialized.append(instance.text)
            return super().to_representation(instance)

    class Counted(Hears):
        @model_observer(Note, serializer_class=Counts)
        async def notes(self, message: Any, **kwargs: Any) -> None:
            await self.send_json(message)

    await write("unheard")
    async with connected(Counted) as first, connected(Counted) as second:
        await first.call("subscribe")
        await second.call("subscribe")
        await write("heard")
        assert [len(await client.rest()) for client in (first, second)] == [1, 1]
    await write("unheard again")
    assert serialized == ["heard"]


async def test_a_handler_that_fails_is_answered_and_hears_the_next_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Fails(Hears):
        @model_observer(Note, serializer_class=NoteSerializer)
        async def notes(self, message: Any, subscribing_request_ids: Any, **kwargs: Any) -> None:
            if message["text"] == "bad":
                raise RuntimeError("in a handler")
            await self.reply("notes", data=message, request_id=subscribing_request_ids[0])

    async with connected(Fails) as client:
        await client.call("subscribe", request_id=7)
        await write("bad")
        (frame,) = await client.rest()
        assert (frame["response_status"], frame["request_id"]) == (500, 7)
        await write("good")
        (frame,) = await client.rest()
        assert frame["response_status"] == 200
    assert "in a handler" in caplog.text


async def test_a_slow_handler_delays_no_call_of_its_connection() -> None:
    class Slow(Hears):
        def __init__(self) -> None:
            super().__init__()
            self.reached, self.proceed = asyncio.Event(), asyncio.Event()

        @model_observer(Note)
        async def notes(self, message: Any, **kwargs: Any) -> None:
            self.reached.set()
            await self.proceed.wait()
            await self.send_json({"event": True})

    async with connected(Slow) as client:
        await client.call("subscribe")
        await write()
        await soon(client.consumer.reached)
        assert (await client.call("unsubscribe", request_id=8))["response_status"] == 204
        client.consumer.proceed.set()
        assert await client.rest() == [{"event": True}]


# -- permission at delivery -------------------------------------------------------------


class Revocable(BasePermission):
    revoked = False

    async def has_permission(self, scope: Any, consumer: Any, action: str, **kwargs: Any) -> bool:
        return not (self.revoked and action == "subscribe")


async def test_when_permission_is_revoked_one_refusal_comes_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Guarded(Hears):
        permission_classes = [Revocable]

    async with connected(Guarded) as client:
        await client.call("subscribe", request_id=7)
        monkeypatch.setattr(Revocable, "revoked", True)
        await write("secret")
        await write("secret too")
        (frame,) = await client.rest()
        assert (frame["response_status"], frame["request_id"], frame["data"]) == (403, 7, None)
        assert hub.count() == 0


async def test_what_a_consumer_subscribes_while_connecting_ends_when_it_may_not_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class MayConnect(BasePermission):
        allowed = True

        async def can_connect(self, *args: Any, **kwargs: Any) -> bool:
            return self.allowed

    class Greets(Hears):
        permission_classes = [MayConnect]

        async def connect(self) -> None:
            await self.notes.subscribe()
            await self.accept()

    async with connected(Greets) as client:
        await write()
        assert len(await client.rest()) == 1
        monkeypatch.setattr(MayConnect, "allowed", False)
        await write("secret")
        (frame,) = await client.rest()
        assert (frame["response_status"], frame["data"]) == (403, None)
        assert hub.count() == 0


# -- too much -----------------------------------------------------------------------------


@override_settings(DCRF_GRAPH={"MAX_SUBSCRIPTIONS": 2})
async def test_more_subscriptions_than_allowed_are_refused_and_the_others_go_on() -> None:
    async with connected(Hears) as client:
        statuses = [
            (await client.call("subscribe", request_id=number))["response_status"]
            for number in (1, 2, 3)
        ]
        assert statuses == [204, 204, 429]
        # Who subscribes again holds one place still.
        assert (await client.call("subscribe", request_id=2))["response_status"] == 204
        await write()
        assert [frame["request_id"] for frame in await client.rest()] == [1, 2]
        await client.call("unsubscribe", request_id=1)
        assert (await client.call("subscribe", request_id=3))["response_status"] == 204


@override_settings(DCRF_GRAPH={"MAX_PENDING_EVENTS": 3})
async def test_a_reader_that_is_too_slow_is_told_once_and_its_subscription_ends() -> None:
    class Slow(Hears):
        def __init__(self) -> None:
            super().__init__()
            self.reached, self.proceed = asyncio.Event(), asyncio.Event()

        @model_observer(Note)
        async def notes(self, message: Any, **kwargs: Any) -> None:
            self.reached.set()
            await self.proceed.wait()

    async with connected(Slow) as client:
        await client.call("subscribe", request_id=7)
        await write()
        await soon(client.consumer.reached)
        for _ in range(8):
            await write()
        client.consumer.proceed.set()
        (frame,) = await client.rest()
        assert (frame["response_status"], frame["request_id"]) == (429, 7)
        assert "subscribe again" in frame["errors"][0]
        assert hub.count() == 0


# -- leaving ------------------------------------------------------------------------------


class Busy(StreamedPaginatedListMixin, ObserverModelInstanceMixin, Hears, GenericAsyncAPIConsumer):
    """All that can be going on when a socket closes."""

    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer
    pagination_class = WebsocketLimitOffsetPagination

    @action()
    def write(self, **kwargs: Any) -> None:
        Note.objects.create(text="own")


async def turns_of_the_loop(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("dropped", [False, True])
async def test_closing_at_any_moment_leaves_no_task_and_no_group(dropped: bool) -> None:
    """After each number of turns of the loop, once by the client and once by the server."""
    row = await write()
    for moment in range(0, 120, 3):
        client = Client(Busy(), scope_of())
        await client.connect()
        await client.send("subscribe", request_id=1)
        await client.send("subscribe_instance", request_id=2, pk=row.pk)
        await client.send("list", request_id=3, limit=1)
        await client.send("write", request_id=4)
        await turns_of_the_loop(moment)
        if dropped:
            client.served.cancel()
            await asyncio.wait([client.served])
        else:
            await client.disconnect()
        assert not client.consumer.connection.tasks
        assert all(task.done() for task in client.consumer.detached_tasks)
        assert hub.count() == 0, moment


async def test_a_stream_that_was_closed_subscribes_nothing_any_more() -> None:
    """The connection lives on: nobody else would ever leave the group."""

    class Leaves(Hears):
        @action()
        async def leave(self, **kwargs: Any) -> None:
            await self.close()
            await stream_closed.wait()
            await self.notes.subscribe()

        async def disconnect(self, code: int) -> None:
            stream_closed.set()

    stream_closed = asyncio.Event()
    connection = Connection()

    async def outlet(stream: str, text: str) -> None: ...

    streams = Streams({"notes": Leaves.as_asgi()}, scope_of(), connection, outlet)
    await streams.receive("notes", {"action": "leave", "request_id": 1})
    await soon(stream_closed)
    while connection.tasks:
        await asyncio.wait(connection.tasks)
    assert hub.count() == 0
    await streams.close()


# -- signals ------------------------------------------------------------------------------

said = Signal()


class Listens(AsyncAPIConsumer):
    @observer(said)
    async def saying(self, message: Any, subscribing_request_ids: Any, **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.reply("said", data=message, request_id=request_id)

    @saying.serializer
    def saying(self, signal: Signal, text: str, **kwargs: Any) -> Any:
        return {"text": text}

    @saying.groups_for_signal
    def saying(self, room: str, **kwargs: Any) -> Any:
        yield room

    @saying.groups_for_consumer
    def saying(self, room: str, **kwargs: Any) -> Any:
        yield room

    @action()
    async def subscribe(self, room: str, request_id: Any, **kwargs: Any) -> None:
        await self.saying.subscribe(room=room, request_id=request_id)


async def test_a_signal_reaches_the_rooms_that_it_names() -> None:
    async with connected(Listens) as here, connected(Listens) as there:
        await here.call("subscribe", room="here", request_id=1)
        await there.call("subscribe", room="there", request_id=2)
        await in_thread(said.send, None, text="hi", room="here")
        assert [frame["data"] for frame in await here.rest()] == [{"text": "hi"}]
        assert await there.silent()
