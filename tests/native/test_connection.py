"""A connection: it owns tasks, counts calls, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.test import override_settings

from dcrf_graph.connection import Connection, open_connections
from dcrf_graph.exceptions import TooManyCalls


async def forever(log: list[str] | None = None, begun: asyncio.Event | None = None) -> None:
    if begun is not None:
        begun.set()
    try:
        await asyncio.Event().wait()
    finally:
        if log is not None:
            log.append("ended")


async def test_closing_cancels_every_task_and_waits_until_it_has_ended() -> None:
    connection, log, begun = Connection(), list[str](), asyncio.Event()
    connection.start(forever(log, begun))
    await begun.wait()
    await connection.close()
    assert log == ["ended"]
    assert not connection.tasks


async def test_a_task_that_was_started_before_its_first_step_ends_too() -> None:
    connection = Connection()
    task = connection.start(forever())
    await connection.close()
    assert task.cancelled()


async def test_a_task_that_starts_another_while_it_ends_takes_it_along() -> None:
    connection, begun = Connection(), asyncio.Event()
    started: list[asyncio.Task[Any]] = []

    async def stubborn() -> None:
        try:
            await forever(begun=begun)
        finally:
            started.append(connection.start(forever()))

    connection.start(stubborn())
    await begun.wait()
    await connection.close()
    assert started[0].cancelled()
    assert not connection.tasks


async def test_a_task_of_the_connection_may_close_it() -> None:
    connection = Connection()
    other = connection.start(forever())
    await connection.start(connection.close())
    assert other.cancelled()


async def test_after_closing_nothing_starts_any_more() -> None:
    connection = Connection()
    await connection.close()
    task = connection.start(forever())
    await asyncio.wait([task])
    assert task.cancelled()


async def test_what_a_task_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise RuntimeError("in a task")

    connection = Connection()
    await asyncio.wait([connection.start(fails())])
    assert "in a task" in caplog.text


async def test_a_task_that_is_only_owned_is_left_to_who_started_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise RuntimeError("mine")

    connection = Connection()
    task = asyncio.create_task(fails())
    connection.own(task)
    with pytest.raises(RuntimeError, match="mine"):
        await task
    assert not caplog.records
    await asyncio.sleep(0)  # one turn of the loop for the callback of the task
    assert not connection.tasks


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 2})
async def test_no_more_calls_are_admitted_than_may_wait() -> None:
    connection = Connection()
    connection.admit()
    connection.admit()
    with pytest.raises(TooManyCalls):
        connection.admit()
    connection.release()
    connection.admit()
    assert connection.pending == 2


@override_settings(DCRF_GRAPH={"MAX_CONCURRENT_CALLS": 1})
async def test_a_slot_is_free_again_when_its_holder_is_cancelled() -> None:
    connection, begun = Connection(), asyncio.Event()

    async def hold() -> None:
        async with connection.slot():
            await forever(begun=begun)

    holder = connection.start(hold())
    await begun.wait()
    holder.cancel()
    async with asyncio.timeout(10), connection.slot():
        pass


async def test_open_connections_are_counted_until_they_close() -> None:
    before = len(open_connections)
    connection = Connection()
    assert len(open_connections) == before + 1
    await connection.close()
    assert len(open_connections) == before
