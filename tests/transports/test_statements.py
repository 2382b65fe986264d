"""What a database does for a call ends with the call: on a real PostgreSQL, and on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar

import psycopg
import pytest
from django.db import DatabaseError, connection, connections
from django.db.utils import ConnectionHandler
from django.test import override_settings

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from tests.settings import postgresql
from tests.transports.sockets import PATIENCE, graphql, native, quiet, soon, tasks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("nothing_left"),
]

SLEEP = "SELECT pg_sleep(60) /* dcrf_graph sleeps */"
SLEEPING = "FROM pg_stat_activity WHERE query = %s AND state = 'active'"
FOREVER = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers)
    SELECT count(*) FROM numbers
"""


class SleepingConsumer(AsyncAPIConsumer):
    """Lets a database work for a minute."""

    handler: ClassVar[Any] = connections
    statement = SLEEP
    begun: ClassVar[asyncio.Event]
    ended: ClassVar[list[str]]

    @action(kind="query")
    def sleep(self, **kwargs: Any) -> str:
        wrapper = self.handler["default"]
        try:
            with wrapper.cursor() as cursor:
                loop: Any = self.scope["loop"]
                loop.call_soon_threadsafe(self.begun.set)
                cursor.execute(self.statement)
        except DatabaseError as error:
            self.ended.append(str(error).strip())
            raise
        finally:
            if self.handler is not connections:
                wrapper.close()
        return "slept"

    @action(kind="query")
    async def look(self, **kwargs: Any) -> str:
        return "looked"


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SleepingConsumer, "begun", asyncio.Event(), raising=False)
    monkeypatch.setattr(SleepingConsumer, "ended", [], raising=False)


@pytest.fixture
def router() -> Router:
    router = Router()
    router.register("naps", SleepingConsumer, singular="nap")
    return router


class Watch:
    """Looks at what the server does, by a connection of its own."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self.session = session

    def _wait(self, count: int) -> bool:
        for _ in range(1000):
            row = self.session.execute(
                f"SELECT count(*), pg_sleep(0.01) {SLEEPING}", [SLEEP]
            ).fetchone()
            if row is not None and row[0] == count:
                return True
        return False

    async def sleeping(self, count: int) -> bool:
        """Whether so many statements sleep, now or soon."""
        return await asyncio.to_thread(self._wait, count)


@pytest.fixture
def postgres(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    handler = ConnectionHandler({"default": postgresql(postgres_url)})
    monkeypatch.setattr(SleepingConsumer, "handler", handler)
    with psycopg.connect(postgres_url, autocommit=True) as session:
        yield Watch(session)


async def test_of_a_native_call_that_is_cancelled(postgres: Watch, router: Router) -> None:
    """The answer does not wait for it, and the next call has the turn."""
    async with native(router, loop=asyncio.get_running_loop()) as client:
        await client.ask("naps", "sleep", 1)
        assert await postgres.sleeping(1)
        await client.ask("naps", "look", 2)
        await client.ask("naps", "cancel", 1)
        frames = [await client.payload("naps") for _ in range(3)]
        assert [frame["response_status"] for frame in frames] == [499, 204, 200]
        assert await postgres.sleeping(0)
        await quiet()
    assert SleepingConsumer.ended == ["canceling statement due to user request"]


async def test_of_an_operation_that_is_completed(postgres: Watch, router: Router) -> None:
    async with graphql(router, loop=asyncio.get_running_loop()) as client:
        await client.start("1", "{ napSleep }")
        assert await postgres.sleeping(1)
        await client.stop("1")
        assert await postgres.sleeping(0)
        assert await client.data("{ napLook }") == {"napLook": "looked"}


@pytest.mark.parametrize("protocol", [native, graphql])
async def test_of_a_client_that_goes(protocol: Any, postgres: Watch, router: Router) -> None:
    async with protocol(router, loop=asyncio.get_running_loop()) as client:
        if protocol is native:
            await client.ask("naps", "sleep", 1)
        else:
            await client.start("1", "{ napSleep }")
        assert await postgres.sleeping(1)
    assert tasks() == set()
    assert await postgres.sleeping(0)


@override_settings(DCRF_GRAPH={"EXECUTION_TIMEOUT": 0.1})
@pytest.mark.parametrize("protocol", [native, graphql])
async def test_of_a_call_that_takes_too_long(
    protocol: Any, postgres: Watch, router: Router
) -> None:
    async with protocol(router, loop=asyncio.get_running_loop()) as client:
        if protocol is native:
            assert (await client.call("naps", "sleep"))["response_status"] == 504
        else:
            error = await client.error("{ napSleep }")
            assert error["extensions"] == {"code": "EXECUTION_TIMEOUT", "status": 504}
        assert await postgres.sleeping(0)
        await quiet()


async def test_on_sqlite(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the tests run on another database")
    monkeypatch.setattr(SleepingConsumer, "statement", FOREVER)
    async with native(router, loop=asyncio.get_running_loop()) as client:
        await client.ask("naps", "sleep", 1)
        await soon(SleepingConsumer.begun)
        await client.ask("naps", "cancel", 1)
        assert (await client.payload("naps"))["response_status"] == 499
        await asyncio.wait_for(quiet(), PATIENCE)
    assert SleepingConsumer.ended == ["interrupted"]
