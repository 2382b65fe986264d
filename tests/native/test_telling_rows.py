"""A row that everybody reads alike is told without a handler, whatever the server does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Any

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from dcrf_graph.access import ASKING
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.deliverer import deliverer, delivering
from dcrf_graph.observer.delivery import delivery_now
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.permissions import IsAuthenticated
from tests.native.client import PATIENCE, SOMEBODY, Client, connected, in_thread
from tests.native.serializers import NoteSerializer
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

seen_by: ContextVar[str] = ContextVar("seen_by", default="nobody")
Sending = Callable[[dict[str, Any]], Awaitable[None]]


class Notes(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer
    permission_classes: Any = [IsAuthenticated]

    @model_observer(Note, serializer_class=NoteSerializer)
    async def activity(
        self, message: Any, subscribing_request_ids: Iterable[Any] = (), **kwargs: Any
    ) -> None:
        seen_by.set("a handler")
        for request_id in subscribing_request_ids:
            await self.reply(action="activity", data=message["text"], request_id=request_id)

    @action(subscribes="activity")
    async def watch(self, request_id: Any, **kwargs: Any) -> None:
        await self.activity.subscribe(request_id=request_id)


async def a_note() -> Note:
    note: Note = await in_thread(Note.objects.create, text="old")
    return note


async def write(note: Note, text: str) -> None:
    note.text = text
    await in_thread(note.save)


def texts(frames: list[Any]) -> list[Any]:
    return [frame["data"] and frame["data"]["text"] for frame in frames]


class Server:
    """What a server does with what it is to send to a client: by default it passes it on."""

    def __init__(
        self, client: Client, does: Callable[[str, Sending, Any], Awaitable[None]]
    ) -> None:
        self.pass_on = client.send_to_client
        self.does = does
        self.told: list[str] = []
        client.send_to_client = self.send

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            data = json.loads(message["text"])["data"]
            text = str(data.get("text") if isinstance(data, dict) else data)
            self.told.append(text)
            await self.does(text, self.pass_on, message)
        else:
            await self.pass_on(message)


async def test_what_handlers_leave_in_a_context_is_not_there_when_a_row_is_told() -> None:
    found: list[tuple[str, str]] = []

    async def look(text: str, pass_on: Sending, message: Any) -> None:
        kind = json.loads(message["text"])["action"]
        found.append((kind, seen_by.get()))
        seen_by.set("a server")
        await pass_on(message)

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as one, connected(Notes, user=SOMEBODY) as other:
        for client in (one, other):
            await client.call("watch", 1)
            await client.call("subscribe_instance", 2, pk=note.pk)
            Server(client, look)
        await write(note, "new")
        told = [*await one.rest(), *await other.rest()]
    assert len(told) == len(found) == 4
    assert {who for kind, who in found if kind == "update"} == {"nobody"}
    assert {who for kind, who in found if kind == "activity"} == {"a handler"}


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed already")])
async def test_a_client_that_is_found_gone_is_told_nothing_more_and_others_are(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def lose(text: str, pass_on: Sending, message: Any) -> None:
        raise error

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as gone, connected(Notes, user=SOMEBODY) as there:
        for client in (gone, there):
            await client.call("subscribe_instance", 2, pk=note.pk)
        server = Server(gone, lose)
        for text in ("new", "newer"):
            await write(note, text)
            assert texts([await there.frame()]) == [text]
        assert await gone.silent()
    assert server.told == ["new"]
    assert caplog.records == []


async def test_a_row_that_cannot_be_sent_is_told_as_a_failure_and_the_next_event_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail_once(text: str, pass_on: Sending, message: Any) -> None:
        if text == "new":
            raise ValueError("the middleware is broken")
        await pass_on(message)

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await client.call("subscribe_instance", 2, pk=note.pk)
        Server(client, fail_once)
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            await write(note, "new")
            failure = await client.frame()
            await write(note, "newer")
            [event] = await client.rest()
    assert (failure["request_id"], failure["response_status"]) == (2, 500)
    assert texts([event]) == ["newer"]


async def test_a_server_that_waits_delays_its_own_client_only_and_in_order() -> None:
    go_on, waits = asyncio.Event(), asyncio.Event()

    async def wait(text: str, pass_on: Sending, message: Any) -> None:
        if text == "new":
            seen_by.set("who waits")
            waits.set()
            await go_on.wait()
            assert seen_by.get() == "who waits"
        await pass_on(message)

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as slow, connected(Notes, user=SOMEBODY) as quick:
        for client in (slow, quick):
            await client.call("subscribe_instance", 2, pk=note.pk)
        Server(slow, wait)
        await write(note, "new")
        await asyncio.wait_for(waits.wait(), PATIENCE)
        assert texts([await quick.frame()]) == ["new"]
        for text in ("newer", "newest"):
            await write(note, text)
            assert texts([await quick.frame()]) == [text]
        go_on.set()
        first, _, last = texts(await slow.frames(3))
        assert (first, last) == ("new", "newest")
        assert await slow.silent()


async def test_a_wait_of_the_server_that_is_cancelled_is_a_failure_and_the_next_event_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cancelled(text: str, pass_on: Sending, message: Any) -> None:
        if text == "new":
            never = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(never.cancel)
            await never
        await pass_on(message)

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await client.call("subscribe_instance", 2, pk=note.pk)
        Server(client, cancelled)
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            await write(note, "new")
            failure = await client.frame()
            await write(note, "newer")
            [event] = await client.rest()
    assert failure["response_status"] == 500
    assert texts([event]) == ["newer"]


async def test_who_leaves_while_the_server_waits_leaves_nothing_behind() -> None:
    waits = asyncio.Event()

    async def wait(text: str, pass_on: Sending, message: Any) -> None:
        waits.set()
        await asyncio.Event().wait()

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await client.call("subscribe_instance", 2, pk=note.pk)
        Server(client, wait)
        await write(note, "new")
        await asyncio.wait_for(waits.wait(), PATIENCE)
        connection = client.consumer.connection
    assert not connection.tasks


class Sent:
    """What is to be awaited, and no coroutine."""

    def __init__(self, work: Awaitable[None]) -> None:
        self.work = work

    def __await__(self) -> Any:
        return self.work.__await__()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """Clients whose server sends by a plain function: what it raises at once, by the text."""
    raised: dict[str, Exception] = {}

    def send(client: Client, message: Any) -> Any:
        for text in list(raised):
            if f'"{text}"' in message.get("text", ""):
                raise raised.pop(text)
        return Sent(client.send_to_client(message))

    monkeypatch.setattr(Client, "_send", send)
    return raised


@pytest.mark.parametrize("subscribes", ["watch", "subscribe_instance"])
async def test_a_server_may_send_by_a_plain_function(
    subscribes: str, at_once: dict[str, Exception]
) -> None:
    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await client.call(subscribes, 2, pk=note.pk)
        await write(note, "new")
        assert len(await client.rest()) == 1


@pytest.mark.parametrize("subscribes", ["watch", "subscribe_instance"])
@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed already")])
async def test_a_plain_function_may_find_the_client_gone(
    subscribes: str,
    error: Exception,
    at_once: dict[str, Exception],
    caplog: pytest.LogCaptureFixture,
) -> None:
    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await client.call(subscribes, 2, pk=note.pk)
        at_once["new"] = error
        await write(note, "new")
        assert await client.silent()
        await write(note, "newer")
        assert await client.silent()
    assert caplog.records == []


@pytest.mark.parametrize("subscribes", ["watch", "subscribe_instance"])
async def test_what_a_plain_function_raises_is_a_failure_and_the_next_event_comes(
    subscribes: str, at_once: dict[str, Exception], caplog: pytest.LogCaptureFixture
) -> None:
    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await client.call(subscribes, 2, pk=note.pk)
        at_once["new"] = ValueError("the middleware is broken")
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            await write(note, "new")
            assert (await client.frame())["response_status"] == 500
        await write(note, "newer")
        [event] = await client.rest()
        assert event["response_status"] == 200


async def test_a_row_is_sent_outside_of_any_delivery() -> None:
    found: list[tuple[str, bool]] = []

    async def look(text: str, pass_on: Sending, message: Any) -> None:
        found.append((json.loads(message["text"])["action"], delivery_now() is None))
        await pass_on(message)

    class Leaving(Notes):
        """Whose handler leaves nothing in its context."""

        @model_observer(Note, serializer_class=NoteSerializer)
        async def activity(
            self, message: Any, subscribing_request_ids: Iterable[Any] = (), **kwargs: Any
        ) -> None:
            for request_id in subscribing_request_ids:
                await self.reply(action="activity", data=message, request_id=request_id)

        @action(subscribes="activity")
        async def watch(self, request_id: Any, **kwargs: Any) -> None:
            await self.activity.subscribe(request_id=request_id)

    note = await a_note()
    async with connected(Leaving, user=SOMEBODY) as client:
        await client.call("watch", 1)
        await client.call("subscribe_instance", 2, pk=note.pk)
        Server(client, look)
        await write(note, "new")
        await client.rest()
    assert sorted(found) == [("activity", False), ("update", True)]


class Between:
    """A delivery between two rows that sets one variable, as each does, and says so."""

    connection: Any = None

    def step(self) -> None:
        seen_by.set("a delivery")
        deliverer().variables = 1


async def test_a_row_is_not_sent_in_what_a_delivery_before_it_has_set() -> None:
    found: list[str] = []

    async def look(text: str, pass_on: Sending, message: Any) -> None:
        found.append(seen_by.get())
        if len(found) == 1:
            deliverer().ready.appendleft(Between())
        await pass_on(message)

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as one, connected(Notes, user=SOMEBODY) as other:
        for client in (one, other):
            await client.call("subscribe_instance", 2, pk=note.pk)
            Server(client, look)
        await write(note, "new")
        assert texts([*await one.rest(), *await other.rest()]) == ["new", "new"]
    assert found == ["nobody", "nobody"]


async def test_a_send_that_cancels_its_task_takes_no_event_from_others() -> None:
    async def cancel(text: str, pass_on: Sending, message: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await pass_on(message)

    async def pause(text: str, pass_on: Sending, message: Any) -> None:
        await asyncio.sleep(0)
        await pass_on(message)

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as one, connected(Notes, user=SOMEBODY) as other:
        for client, does in ((one, cancel), (other, pause)):
            await client.call("subscribe_instance", 2, pk=note.pk)
            Server(client, does)
        await write(note, "new")
        assert texts(await other.rest()) == ["new"]


async def stuck(client: Client, note: Note, go_on: asyncio.Event) -> None:
    """Have a row be told by a server that waits, and fails when it goes on."""
    waits = asyncio.Event()

    async def wait_and_fail(text: str, pass_on: Sending, message: Any) -> None:
        if text == "new":
            waits.set()
            await go_on.wait()
            raise ValueError("the middleware is broken")
        await pass_on(message)

    await client.call("subscribe_instance", 2, pk=note.pk)
    Server(client, wait_and_fail)
    await write(note, "new")
    await asyncio.wait_for(waits.wait(), PATIENCE)


async def test_who_joins_while_a_send_waits_does_not_hear_of_its_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go_on, note = asyncio.Event(), await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await stuck(client, note, go_on)
        await client.call("subscribe_instance", 3, pk=note.pk)
        go_on.set()
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            failures = await client.rest()
    assert [frame["request_id"] for frame in failures] == [2]


async def test_who_unsubscribes_while_a_send_waits_hears_nothing_of_its_failure() -> None:
    go_on, note = asyncio.Event(), await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await stuck(client, note, go_on)
        assert (await client.call("unsubscribe_instance", 2, pk=note.pk))["response_status"] == 204
        go_on.set()
        assert await client.silent()


async def test_a_request_that_has_no_json_costs_itself_and_no_event_after_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Own(Notes):
        @action()
        async def follow(self, pk: int, **kwargs: Any) -> None:
            note = await Note.objects.aget(pk=pk)
            observer: Any = self.handle_instance_change
            await observer.subscribe(instance=note, request_id=object())

    note = await a_note()
    async with connected(Own, user=SOMEBODY) as client:
        await client.call("follow", 1, pk=note.pk)
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            await write(note, "new")
            await client.rest()
        await client.call("unsubscribe_instance", 2, pk=note.pk)
        await client.call("subscribe_instance", 2, pk=note.pk)
        await write(note, "newer")
        assert texts(await client.rest()) == ["newer"]


async def test_what_comes_after_a_held_row_waits_behind_it() -> None:
    go_on, saved = asyncio.Event(), asyncio.Event()

    class Saving(Notes):
        @action()
        async def save(self, pk: int, **kwargs: Any) -> tuple[None, int]:
            await Note(pk=pk, text="mine").asave()
            saved.set()
            await asyncio.wait_for(go_on.wait(), PATIENCE)
            return None, 200

    note = await a_note()
    async with connected(Saving, user=SOMEBODY) as client:
        for subscribes, request_id in (("watch", 1), ("subscribe_instance", 2)):
            await client.call(subscribes, request_id, pk=note.pk)
        await client.send("save", 3, pk=note.pk)
        await asyncio.wait_for(saved.wait(), PATIENCE)
        while delivering():
            await asyncio.wait(delivering())
        await write(note, "another's")
        while delivering():
            await asyncio.wait(delivering())
        go_on.set()
        frames = await client.rest()
    by_request = {id: [f["data"] for f in frames if f["request_id"] == id] for id in (1, 2, 3)}
    assert frames[0]["request_id"] == 3
    assert by_request[1] == ["mine", "another's"]
    assert [row["text"] for row in by_request[2]] == ["mine", "another's"]


def is_here(user: Any) -> bool:
    return bool(user.username != "suspended")


class Replacing(User):
    """Says in its own way who is logged in."""

    is_authenticated = property(is_here)

    class Meta:
        proxy = True
        app_label = "testapp"


class Answering(User):
    """Says it for every attribute."""

    def __getattribute__(self, name: str) -> Any:
        if name == "is_authenticated":
            return is_here(self)
        return super().__getattribute__(name)

    class Meta:
        proxy = True
        app_label = "testapp"


class Numbered(User):
    """Has no key when it is suspended."""

    @property
    def pk(self) -> Any:
        return self.id if is_here(self) else None

    @pk.setter
    def pk(self, value: Any) -> None:
        self.id = value

    class Meta:
        proxy = True
        app_label = "testapp"


@pytest.mark.parametrize("user_class", [User, Replacing, Answering, Numbered])
async def test_a_user_who_is_not_logged_in_any_more_hears_nothing(user_class: Any) -> None:
    user = user_class(pk=5, username="here")
    note = await a_note()
    async with connected(Notes, user=user) as client:
        await client.call("subscribe_instance", 2, pk=note.pk)
        await write(note, "new")
        assert texts(await client.rest()) == ["new"]
        if user_class is User:
            user.pk = None  # as when it has been deleted
        else:
            user.username = "suspended"
        await write(note, "newer")
        [refusal] = await client.rest()
    assert (refusal["response_status"], refusal["data"]) == (403, None)


async def test_a_class_of_users_that_is_changed_is_asked_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await client.call("subscribe_instance", 2, pk=note.pk)
        await write(note, "new")
        assert texts(await client.rest()) == ["new"]
        monkeypatch.setattr(AbstractBaseUser, "is_authenticated", False)
        await write(note, "newer")
        [refusal] = await client.rest()
    assert (refusal["response_status"], refusal["data"]) == (403, None)


def refusing(*args: Any, **kwargs: Any) -> Any:
    raise PermissionDenied("no more")


def swap(consumer: Any) -> None:
    """One attribute goes, another comes."""
    del consumer.scratch
    consumer.check_event = refusing


def swap_before_the_last(consumer: Any) -> None:
    """So many attributes as before, and the same one last."""
    del consumer.scratch, consumer.last
    consumer.check_event = refusing
    consumer.last = 2


def by_another_dict(consumer: Any) -> None:
    consumer.__dict__ = {**consumer.__dict__, "check_event": refusing}


def past_the_class(consumer: Any) -> None:
    del consumer.scratch
    vars(consumer).update(check_event=refusing)


@pytest.mark.parametrize("change", [swap, swap_before_the_last, by_another_dict, past_the_class])
@pytest.mark.parametrize("subscribes", ["watch", "subscribe_instance"])
async def test_a_question_that_is_replaced_is_asked_however_it_was_replaced(
    subscribes: str, change: Callable[[Any], None]
) -> None:
    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        client.consumer.scratch = client.consumer.last = 1
        await client.call(subscribes, 2, pk=note.pk)
        await write(note, "new")
        [event] = await client.rest()
        assert event["response_status"] == 200
        change(client.consumer)
        await write(note, "secret")
        [refusal] = await client.rest()
    assert (refusal["response_status"], refusal["data"]) == (403, None)


async def test_another_serializer_of_one_consumer_is_its_own_however_it_was_set() -> None:
    class Short(serializers.ModelSerializer[Note]):
        class Meta:
            model = Note
            fields = ("id",)

    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as one, connected(Notes, user=SOMEBODY) as other:
        for client in (one, other):
            client.consumer.scratch = client.consumer.last = 1
            await client.call("subscribe_instance", 2, pk=note.pk)
        await write(note, "new")
        for client in (one, other):
            assert texts(await client.rest()) == ["new"]
        del one.consumer.scratch, one.consumer.last
        one.consumer.serializer_class = Short
        one.consumer.last = 2
        await write(note, "secret")
        [told] = await one.rest()
        assert told["data"] == {"id": note.pk}
        assert texts(await other.rest()) == ["secret"]


@pytest.mark.parametrize("name", sorted(ASKING))
async def test_whatever_decides_who_hears_may_be_an_instances_own(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is looked for by its name, so that no event goes out before it has been asked."""
    note = await a_note()
    async with connected(Notes, user=SOMEBODY) as client:
        await client.call("subscribe_instance", 2, pk=note.pk)
        await write(note, "new")
        assert texts(await client.rest()) == ["new"]
        asked: list[str] = []

        async def ask(*args: Any, **kwargs: Any) -> bool:
            asked.append("at length")
            return True

        monkeypatch.setattr(IsAuthenticated, "has_permission", ask)
        await write(note, "newer")
        assert texts(await client.rest()) == ["newer"]
        assert not asked
        setattr(client.consumer, name, getattr(client.consumer, name))
        await write(note, "newest")
        assert texts(await client.rest()) == ["newest"]
    assert asked
