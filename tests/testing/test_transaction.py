"""In a test's own transaction, and without one, a client sees what production would show it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from dcrf_graph.testing import GraphQLClient, NativeClient
from tests.testapp.models import Note
from tests.testing.world import ACTIVITY, Notes, router


async def hears_what_the_test_does() -> None:
    """Of a create, an update and a delete, in both protocols."""
    async with (
        NativeClient(Notes) as native,
        GraphQLClient(router) as graphql,
        graphql.subscribe(ACTIVITY) as events,
    ):
        await native.call("subscribe_activity")
        note = await Note.objects.acreate(text="A")
        assert (await native.receive())["data"] == {"id": note.pk, "text": "A"}
        note.text = "B"
        await note.asave()
        assert (await native.receive())["action"] == "update"
        await note.adelete()
        assert (await native.receive())["action"] == "delete"
        await native.nothing()
        told = [(await events.receive())["data"]["noteActivity"]["action"] for _ in range(3)]
        assert told == ["CREATE", "UPDATE", "DELETE"]


async def hears_what_actions_do() -> None:
    """Three commits of one action are three events, and the test finds what was written."""
    async with (
        NativeClient(Notes) as native,
        GraphQLClient(router) as graphql,
        graphql.subscribe(ACTIVITY) as events,
    ):
        reply = await native.call("create", data={"text": "A"})
        assert reply["response_status"] == 201
        [note] = [each async for each in Note.objects.all()]
        assert (await events.receive())["data"]["noteActivity"]["data"] == {"text": "A"}
        await native.call("thrice", pk=note.pk)
        told = [(await events.receive())["data"]["noteActivity"]["data"] for _ in range(3)]
        assert told == [{"text": "once"}, {"text": "twice"}, {"text": "thrice"}]
        await events.nothing()


async def hears_of_a_delete_for_which_it_waits_already() -> None:
    """Django deletes in a block without a savepoint, whose end it tells nobody."""
    note = await Note.objects.acreate(text="A")
    async with (
        NativeClient(Notes) as native,
        GraphQLClient(router) as graphql,
        graphql.subscribe(ACTIVITY) as events,
    ):
        heard = asyncio.ensure_future(events.receive())
        await native.call("list")
        await native.send("delete", pk=note.pk)
        assert (await heard)["data"]["noteActivity"]["action"] == "DELETE"


async def hears_nothing_of_what_is_rolled_back() -> None:
    note = await Note.objects.acreate(text="A")
    async with NativeClient(Notes) as client:
        await client.call("subscribe_activity")
        await client.call("thrice", pk=note.pk, fail=True)
        assert (await client.receive())["data"]["text"] == "twice"
        assert (await client.receive())["data"]["text"] == "thrice"
        await client.nothing()


async def clients_come_and_go_at_once() -> None:
    async def create(text: str) -> None:
        async with NativeClient(Notes) as client:
            assert (await client.call("create", data={"text": text}))["response_status"] == 201

    for _ in range(2):
        await asyncio.gather(*(create(text) for text in "ABC"))
    async with NativeClient(Notes) as client:
        assert len((await client.call("list"))["data"]) == 6


async def sees_the_rows_of_the_test(text: str) -> None:
    async with NativeClient(Notes) as client:
        reply = await client.call("list")
        assert [note["text"] for note in reply["data"]] == [text]


class OfDjango:
    """What holds in each of Django's test cases."""

    async def test_a_client_hears_what_the_test_does(self) -> None:
        await hears_what_the_test_does()

    async def test_a_client_hears_what_actions_do(self) -> None:
        await hears_what_actions_do()

    async def test_a_client_hears_of_a_delete_for_which_it_waits_already(self) -> None:
        await hears_of_a_delete_for_which_it_waits_already()

    async def test_clients_come_and_go_at_once(self) -> None:
        await clients_come_and_go_at_once()

    async def test_a_client_hears_nothing_of_what_is_rolled_back(self) -> None:
        await hears_nothing_of_what_is_rolled_back()

    async def test_a_client_sees_the_rows_of_the_test(self) -> None:
        await Note.objects.acreate(text="A")
        await sees_the_rows_of_the_test("A")


class TestDjangosTestCase(OfDjango, TestCase):
    def setUp(self) -> None:
        self.ran: list[str] = []
        transaction.on_commit(lambda: self.ran.append("before"))

    async def test_only_what_was_registered_while_a_client_is_open_runs(self) -> None:
        register = sync_to_async(transaction.on_commit)
        async with NativeClient(Notes):
            await register(lambda: self.ran.append("meanwhile"))
        await register(lambda: self.ran.append("afterwards"))
        assert self.ran == ["meanwhile"]

    async def test_callbacks_that_django_captures_run_once(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            async with NativeClient(Notes):
                await sync_to_async(transaction.on_commit)(lambda: self.ran.append("once"))
        assert self.ran == ["once"]


class TestDjangosTransactionTestCase(OfDjango, TransactionTestCase):
    pass


@sync_to_async
def write(*callbacks: Callable[[], None], robust: bool = False) -> None:
    """Create a note in a block that may be no other's, after callbacks of the application's own."""
    with transaction.atomic(durable=True):
        for callback in callbacks:
            transaction.on_commit(callback, robust=robust)
        Note.objects.create(text="A")


def fail() -> None:
    raise LookupError("failed")


@pytest.mark.django_db
async def test_callbacks_of_the_application_run_at_the_end_of_its_block() -> None:
    written: list[int] = []
    async with NativeClient(Notes):
        await write(lambda: written.append(Note.objects.count()))
    assert written == [1]


@pytest.mark.django_db
async def test_a_callback_that_fails_stops_no_event() -> None:
    async with NativeClient(Notes) as client:
        await client.call("subscribe_activity")
        with pytest.raises(LookupError):
            await write(fail)
        assert (await client.receive())["data"]["text"] == "A"


@pytest.mark.django_db
async def test_a_robust_callback_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with NativeClient(Notes):
        await write(fail, robust=True)
    assert "A robust on_commit callback failed" in caplog.text


@pytest.mark.django_db
async def test_what_is_written_leaves_with_the_test() -> None:
    """Another connection, in another thread, sees nothing of it."""
    async with NativeClient(Notes) as client:
        await client.call("create", data={"text": "A"})
        await Note.objects.acreate(text="B")
        assert await sync_to_async(Note.objects.count, thread_sensitive=False)() == 0


@pytest.mark.django_db
async def test_several_clients_share_what_the_test_wrote() -> None:
    async with NativeClient(Notes) as writer:
        async with NativeClient(Notes) as client:
            await client.call("create", data={"text": "A"})
        assert len((await writer.call("list"))["data"]) == 1


@pytest.fixture
def a_note(db: None) -> Note:
    return Note.objects.create(text="A")


@pytest.mark.django_db
async def test_a_client_hears_what_a_test_of_pytest_does() -> None:
    await hears_what_the_test_does()


@pytest.mark.django_db
async def test_a_client_hears_what_actions_do_in_a_test_of_pytest() -> None:
    await hears_what_actions_do()


@pytest.mark.django_db
async def test_clients_of_a_test_of_pytest_come_and_go_at_once() -> None:
    """When they have left, the calls of the test are in no transaction again."""
    await clients_come_and_go_at_once()
    assert await Note.objects.acount() == 0


def test_a_client_that_a_test_has_left_open_disturbs_no_other(a_note: Note) -> None:
    async def leave_open() -> None:
        await NativeClient(Notes).__aenter__()

    with asyncio.Runner() as runner:
        runner.run(leave_open())
    with asyncio.Runner() as runner:
        runner.run(sees_the_rows_of_the_test("A"))


@pytest.mark.django_db
async def test_a_client_sees_the_rows_of_a_fixture(a_note: Note) -> None:
    await sees_the_rows_of_the_test("A")
