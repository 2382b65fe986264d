"""Every call has a thread of its own, and gives it back as clean as it got it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from dcrf_graph.calls import current_call
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action, detached
from dcrf_graph.observer import model_observer
from dcrf_graph.threads import KEPT, idle, own_thread
from tests.native.client import connected, in_thread
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def connections_opened() -> Iterator[list[BaseDatabaseWrapper]]:
    """The database connections that are opened meanwhile, whichever thread opens them."""
    opened: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
        opened.append(connection)

    connection_created.connect(note)
    try:
        yield opened
    finally:
        connection_created.disconnect(note)


class Reads(AsyncAPIConsumer):
    """The ways to the database that an action has."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(2, timeout=10)

    @action()
    def synchronous(self, **kwargs: Any) -> tuple[int, int]:
        return Note.objects.count(), 200

    @action()
    async def through_channels(self, **kwargs: Any) -> tuple[int, int]:
        return await database_sync_to_async(Note.objects.count)(), 200

    @action()
    async def through_asgiref(self, **kwargs: Any) -> tuple[int, int]:
        return await sync_to_async(Note.objects.count)(), 200

    @action()
    async def native(self, **kwargs: Any) -> tuple[int, int]:
        return await Note.objects.acount(), 200

    @action()
    async def fails(self, **kwargs: Any) -> None:
        await Note.objects.acount()
        raise RuntimeError("after a query")

    @action(detached=True)
    async def aside(self, **kwargs: Any) -> tuple[int, int]:
        return await Note.objects.acount(), 200

    @detached
    async def later(self) -> None:
        call = current_call.get()
        assert call is not None
        await call.finished.wait()
        await self.send_json({"count": await Note.objects.acount()})

    @action()
    async def starts_later(self, **kwargs: Any) -> None:
        await self.later()
        await Note.objects.acount()

    @action(concurrent=True)
    def meet(self, **kwargs: Any) -> tuple[int, int]:
        self.barrier.wait()
        return threading.get_ident(), 200

    @action()
    async def threads(self, **kwargs: Any) -> tuple[list[int], int]:
        return [
            await sync_to_async(threading.get_ident)(),
            await database_sync_to_async(threading.get_ident)(),
        ], 200


@pytest.mark.parametrize(
    "name",
    ["synchronous", "through_channels", "through_asgiref", "native", "fails", "aside",
     "starts_later"],
)  # fmt: skip
async def test_no_database_connection_stays_open_after_a_call(name: str) -> None:
    async with connected(Reads) as client:
        with connections_opened() as opened:
            await client.send(name)
            await client.rest()
        # Before the client leaves: Channels closes connections of the shared thread then.
        assert opened
        assert [each.connection for each in opened] == [None] * len(opened)


@pytest.mark.parametrize("name", ["cancel", "first"])
async def test_no_database_connection_stays_open_after_a_frame_that_is_no_call(
    settings: Any, name: str
) -> None:
    settings.DCRF_GRAPH = {"MAX_PENDING_CALLS": 0}

    class Counts(AsyncAPIConsumer):
        async def reply(self, *args: Any, **kwargs: Any) -> None:
            await Note.objects.acount()
            await super().reply(*args, **kwargs)

    async with connected(Counts) as client:
        with connections_opened() as opened:
            await client.send(name, request_id=1)
            await client.send_text("not JSON, so nothing is replied")
            statuses = [frame["response_status"] for frame in await client.frames(2)]
        assert statuses == [{"cancel": 404, "first": 429}[name], 400]
        assert [each.connection for each in opened] == [None]


async def test_no_database_connection_stays_open_after_an_event() -> None:
    class Hears(AsyncAPIConsumer):
        @model_observer(Note)
        async def notes(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"count": await Note.objects.acount()})

        @action()
        async def subscribe(self, **kwargs: Any) -> None:
            await self.notes.subscribe()

    async with connected(Hears) as client:
        await client.call("subscribe")
        with connections_opened() as opened:
            await in_thread(Note.objects.create, text="a")
            assert await client.rest() == [{"count": 1}]
        assert len(opened) == 2
        assert [each.connection for each in opened] == [None] * len(opened)


async def test_two_calls_run_in_two_threads_at_once() -> None:
    """Each waits for the other: in one thread they would never meet."""
    async with connected(Reads) as client:
        await client.send("meet", request_id=1)
        await client.send("meet", request_id=2)
        first, second = [frame["data"] for frame in await client.frames(2)]
    assert first != second


async def test_the_synchronous_code_of_one_call_shares_a_thread() -> None:
    """A transaction lives on one connection, so on one thread."""
    async with connected(Reads) as client:
        first, second = (await client.call("threads"))["data"]
    assert first == second != threading.get_ident()


async def test_the_next_call_gets_the_thread_of_the_one_before() -> None:
    async with connected(Reads) as client:
        first = (await client.call("threads"))["data"]
        second = (await client.call("threads"))["data"]
    assert first == second


async def test_a_connection_is_kept_for_as_long_as_the_settings_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 60)
    async with own_thread():
        with connections_opened() as opened:
            await sync_to_async(connections.close_all)()
            await Note.objects.acount()
    [connection] = opened
    assert connection.connection is not None
    with connections_opened() as again:
        async with own_thread():
            await Note.objects.acount()
        assert not again
        connection.close_at = 0
        async with own_thread():
            await Note.objects.acount()
        assert len(again) == 1


async def test_a_thread_whose_transaction_was_left_open_is_not_used_again() -> None:
    left = transaction.atomic()
    async with own_thread():
        await sync_to_async(left.__enter__)()
        thread = await sync_to_async(threading.current_thread)()
    async with own_thread():
        assert await sync_to_async(threading.current_thread)() is not thread
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()


async def test_only_so_many_threads_wait_for_work() -> None:
    meeting = threading.Barrier(KEPT + 4, timeout=10)

    async def meet() -> threading.Thread:
        async with own_thread():
            await sync_to_async(meeting.wait)()
            return await sync_to_async(threading.current_thread)()

    # Tasks, so that each has a context of its own.
    threads = await asyncio.gather(*(meet() for _ in range(KEPT + 4)))
    kept = [thread for each in idle for thread in each.threads()]
    assert len(idle) == KEPT >= len(kept)
    for thread in threads:
        if thread not in kept:
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()


async def test_a_detached_task_has_a_thread_of_its_own() -> None:
    """The call's thread ends with the call, and the task goes on."""
    seen: list[int] = []

    async def aside() -> None:
        async with own_thread(detached=True):
            seen.append(await sync_to_async(threading.get_ident)())

    async with own_thread():
        seen.append(await sync_to_async(threading.get_ident)())
        await aside()
        seen.append(await sync_to_async(threading.get_ident)())
    call, task, again = seen
    assert call == again != task


async def test_nested_uses_share_the_outermost_thread() -> None:
    async with own_thread():
        outer = await sync_to_async(threading.get_ident)()
        async with own_thread():
            assert await sync_to_async(threading.get_ident)() == outer
        assert await sync_to_async(threading.get_ident)() == outer


async def test_a_call_that_is_cancelled_in_a_query_closes_its_connection() -> None:
    """The thread cannot be stopped; what waits for it closes the connection after it."""
    reached, proceed = threading.Event(), threading.Event()
    seen: list[Any] = []

    def query() -> None:
        Note.objects.count()
        seen.append(connections["default"])
        reached.set()
        proceed.wait(10)

    async def call() -> None:
        async with own_thread():
            await database_sync_to_async(query)()

    task = asyncio.create_task(call())
    await asyncio.to_thread(reached.wait, 10)
    task.cancel()
    proceed.set()
    await asyncio.wait([task])
    assert task.cancelled()
    assert [each.connection for each in seen] == [None]


async def test_code_that_never_leaves_the_loop_costs_no_thread() -> None:
    before = threading.active_count()
    async with own_thread():
        await asyncio.sleep(0)
        assert threading.active_count() == before


async def test_a_task_that_outlives_its_call_does_not_revive_the_calls_thread() -> None:
    """Nobody would end it, nor close its connection: the shared thread is there for such tasks."""
    call_ended = asyncio.Event()

    async def stray() -> int:
        await call_ended.wait()
        return await sync_to_async(threading.get_ident)()

    async with own_thread():
        of_the_call = await sync_to_async(threading.get_ident)()
        task = asyncio.create_task(stray())
    call_ended.set()
    shared = await sync_to_async(threading.get_ident)()
    assert await task == shared != of_the_call


async def test_what_outlives_a_call_may_have_a_thread_of_its_own_again() -> None:
    """A stream that an action closes is disconnected in a task which the call has started."""
    call_ended = asyncio.Event()

    async def disconnect() -> threading.Thread:
        await call_ended.wait()
        async with own_thread():
            return await sync_to_async(threading.current_thread)()

    async with own_thread():
        await sync_to_async(threading.get_ident)()
        task = asyncio.create_task(disconnect())
    call_ended.set()
    thread = await task
    assert thread is not await sync_to_async(threading.current_thread)()
