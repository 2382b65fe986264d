"""``@action`` and ``@detached``: where a method runs, when it is answered, what ends it."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action, detached
from tests.native.client import connected, in_thread, soon
from tests.testapp.models import Note


class Detaching(AsyncAPIConsumer):
    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.log: list[str] = []

    @action()
    async def quick(self, **kwargs: Any) -> tuple[str, int]:
        return "quick", 200

    @action(detached=True)
    async def slow(self, **kwargs: Any) -> tuple[str, int]:
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        return "slow", 200

    @action(detached=True)
    async def silent(self, **kwargs: Any) -> None:
        await self.gate.wait()

    @action(detached=True)
    async def parts(self, action: str, request_id: Any, **kwargs: Any) -> None:
        for part in range(3):
            await self.reply(action=action, data=part, request_id=request_id)

    @action(detached=True)
    async def fails(self, **kwargs: Any) -> None:
        raise RuntimeError("in a detached action")

    @action(detached=True)
    async def needs(self, pk: int, **kwargs: Any) -> tuple[int, int]:
        return pk, 200

    @detached
    async def aside(self, number: int) -> int:
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        await self.send_json({"aside": number})
        return number

    @detached
    async def broken_aside(self) -> None:
        raise RuntimeError("aside")

    @action()
    async def starts_aside(self, **kwargs: Any) -> tuple[Any, int]:
        return await self.aside(number=7), 200

    @action()
    async def starts_broken_aside(self, **kwargs: Any) -> tuple[Any, int]:
        return await self.broken_aside(), 200

    @action()
    async def cancel(self, what: Any, **kwargs: Any) -> tuple[bool, int]:
        return self.cancel_detached("slow", what), 200


# -- what can be declared ---------------------------------------------------------


def test_an_asynchronous_action_cannot_be_atomic() -> None:
    with pytest.raises(ValueError, match="synchronous"):

        @action(atomic=True)
        async def method(self: Any) -> None: ...


def test_a_synchronous_action_cannot_be_detached() -> None:
    with pytest.raises(ValueError, match="asynchronous"):

        @action(detached=True)
        def method(self: Any) -> None: ...


def test_an_action_is_known_by_the_name_it_was_given() -> None:
    class Named(AsyncAPIConsumer):
        @action(name="open")
        def open_door(self, **kwargs: Any) -> None: ...

        @action()
        async def close_door(self, **kwargs: Any) -> None: ...

        def no_action(self) -> None: ...

    assert Named.available_actions == {"open": "open_door", "close_door": "close_door"}
    assert Named.open_door.options.name == "open"
    assert Named.open_door.__name__ == "open_door"


def test_the_actions_of_a_subclass_are_its_own() -> None:
    class Base(AsyncAPIConsumer):
        @action()
        async def shared(self, **kwargs: Any) -> None: ...

    class More(Base):
        @action()
        async def more(self, **kwargs: Any) -> None: ...

    class Less(Base):
        shared = None

    assert set(Base.available_actions) == {"shared"}
    assert set(More.available_actions) == {"shared", "more"}
    assert Less.available_actions == {}


# -- synchronous actions -------------------------------------------------------------


class Synchronous(AsyncAPIConsumer):
    @action()
    def where(self, **kwargs: Any) -> tuple[list[Any], int]:
        return [threading.get_ident(), connection.in_atomic_block], 200

    @action(atomic=True)
    def where_atomic(self, **kwargs: Any) -> tuple[bool, int]:
        return connection.in_atomic_block, 200

    @action(atomic=False)
    def write_and_fail(self, **kwargs: Any) -> None:
        Note.objects.create(text="stays")
        raise RuntimeError("after the write")

    @action(atomic=True)
    def write_and_fail_atomic(self, **kwargs: Any) -> None:
        Note.objects.create(text="goes")
        raise RuntimeError("after the write")


@pytest.mark.django_db(transaction=True)
async def test_a_synchronous_action_runs_in_a_thread_outside_of_a_transaction() -> None:
    async with connected(Synchronous) as client:
        thread, atomic = (await client.call("where"))["data"]
    assert thread != threading.get_ident()
    assert not atomic


@pytest.mark.django_db(transaction=True)
async def test_an_atomic_action_runs_in_a_transaction() -> None:
    async with connected(Synchronous) as client:
        assert (await client.call("where_atomic"))["data"] is True
        await client.call("write_and_fail")
        await client.call("write_and_fail_atomic")
    notes = await in_thread(lambda: [note.text for note in Note.objects.all()])
    assert notes == ["stays"]


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_atomic_requests_make_synchronous_actions_atomic() -> None:
    databases = {"default": {"ATOMIC_REQUESTS": True}}
    with override_settings(DATABASES=databases):

        @action()
        def by_default(self: Any) -> None: ...

        @action(atomic=False)
        def not_so(self: Any) -> None: ...

        @action()
        async def asynchronous(self: Any) -> None: ...

    assert by_default.options.atomic
    assert not not_so.options.atomic
    assert not asynchronous.options.atomic


@pytest.mark.django_db(transaction=True)
async def test_a_transaction_of_an_action_is_committed_before_the_reply() -> None:
    class Commits(AsyncAPIConsumer):
        @action(atomic=True)
        def write(self, **kwargs: Any) -> tuple[list[str], int]:
            done: list[str] = []
            transaction.on_commit(lambda: done.append("committed"))
            return done, 200

    async with connected(Commits) as client:
        assert (await client.call("write"))["data"] == ["committed"]


# -- detached actions ------------------------------------------------------------------


async def test_a_detached_action_does_not_make_others_wait_and_is_answered_at_its_end() -> None:
    async with connected(Detaching) as client:
        await client.send("slow", request_id="slow")
        assert (await client.call("quick"))["data"] == "quick"
        client.consumer.gate.set()
        frame = await client.frame()
        assert (frame["request_id"], frame["data"], frame["action"]) == ("slow", "slow", "slow")
        assert await client.silent()
        assert client.consumer.detached_tasks == []


async def test_a_detached_action_that_says_nothing_is_acknowledged_at_its_end() -> None:
    async with connected(Detaching) as client:
        await client.send("silent", request_id="silent")
        await client.call("quick")
        client.consumer.gate.set()
        frame = await client.frame()
        assert (frame["request_id"], frame["response_status"]) == ("silent", 204)
        assert await client.silent()


async def test_a_detached_action_that_has_sent_its_replies_is_not_answered_again() -> None:
    async with connected(Detaching) as client:
        await client.send("parts", request_id=7)
        frames = await client.rest()
    assert [(frame["request_id"], frame["data"]) for frame in frames] == [(7, 0), (7, 1), (7, 2)]


async def test_a_detached_action_that_fails_is_answered_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(Detaching) as client:
        await client.send("fails", request_id=7)
        (frame,) = await client.rest()
    assert (frame["request_id"], frame["response_status"]) == (7, 500)
    assert [each.levelno for each in caplog.records] == [logging.ERROR]


async def test_a_wrong_argument_of_a_detached_action_is_answered_at_once() -> None:
    async with connected(Detaching) as client:
        assert (await client.call("needs", pk="x"))["response_status"] == 400
        assert (await client.call("needs", pk="7"))["data"] == 7
        assert client.consumer.detached_tasks == []


async def test_disconnecting_cancels_what_is_detached() -> None:
    async with connected(Detaching) as client:
        await client.send("slow", request_id=1)
        await soon(client.consumer.begun)
    assert client.consumer.log == ["cancelled"]
    assert client.consumer.detached_tasks == []
    assert not client.consumer.connection.tasks


async def test_a_detached_call_is_cancelled_by_its_request_id() -> None:
    async with connected(Detaching) as client:
        await client.send("slow", request_id=7)
        await soon(client.consumer.begun)
        assert (await client.call("cancel", what=8))["data"] is False
        assert (await client.call("cancel", what=7))["data"] is True
        assert await client.silent()
        assert client.consumer.log == ["cancelled"]
        assert (await client.call("cancel", what=7))["data"] is False


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 3})
async def test_detached_calls_count_as_unanswered_until_their_end() -> None:
    async with connected(Detaching) as client:
        for request_id in range(3):
            await client.send("slow", request_id=request_id)
            await soon(client.consumer.begun)
            client.consumer.begun.clear()
        assert (await client.call("quick"))["response_status"] == 429
        client.consumer.gate.set()
        assert {frame["request_id"] for frame in await client.rest()} == {0, 1, 2}
        await client.send("slow", request_id="again")
        (frame,) = await client.rest()
        assert frame["response_status"] == 200


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 3})
async def test_a_detached_call_is_counted_once_while_it_is_handed_over() -> None:
    """A burst of as many as may wait is not refused, and the next call is."""
    async with connected(Detaching) as client:
        for request_id in range(4):
            await client.send("slow", request_id=request_id)
        refused = await client.frame()
        assert (refused["request_id"], refused["response_status"]) == (3, 429)
        client.consumer.gate.set()
        frames = await client.rest()
    assert [frame["response_status"] for frame in frames] == [200, 200, 200]
    assert client.consumer.connection.pending == 0


# -- detached methods --------------------------------------------------------------------


async def test_a_detached_method_returns_at_once_and_goes_on() -> None:
    async with connected(Detaching) as client:
        frame = await client.call("starts_aside")
        assert (frame["data"], frame["response_status"]) == (None, 200)
        client.consumer.gate.set()
        assert await client.frame() == {"aside": 7}
        assert await client.silent()


async def test_disconnecting_cancels_a_detached_method() -> None:
    async with connected(Detaching) as client:
        await client.call("starts_aside")
        await soon(client.consumer.begun)
    assert client.consumer.log == ["cancelled"]


async def test_what_a_detached_method_raises_is_logged_once_and_the_socket_lives(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(Detaching) as client:
        await client.call("starts_broken_aside")
        assert await client.silent()
        assert (await client.call("quick"))["response_status"] == 200
    (record,) = caplog.records
    assert record.message == "A detached task failed"


async def test_a_consumer_may_look_at_the_end_of_its_detached_tasks() -> None:
    class Looks(Detaching):
        async def handle_detached_task_completion(self, task: asyncio.Task[Any]) -> None:
            await super().handle_detached_task_completion(task)
            self.log.append("completed")

    async with connected(Looks) as client:
        await client.call("starts_aside")
        client.consumer.gate.set()
        await client.rest()
        assert client.consumer.log == ["completed"]
