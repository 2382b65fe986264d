"""The scenarios that the documents of both GraphQL protocols tell, on the socket of a router."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import override_settings

from dcrf_graph.changes.hub import hub
from tests.protocols.dialects import DIALECTS, LEGACY, TRANSPORT_WS, Dialect
from tests.transports.desk import DeskConsumer, desk_router
from tests.transports.sockets import Client, quiet, soon, tasks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("desk", "nothing_left"),
]
both = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)

ADD = "{ deskAdd(left: 1) }"
WAIT = "mutation { deskWait }"
ACTIVITY = "subscription { noteActivity { action data { text } } }"
CREATE = 'mutation { noteCreate(data: {text: "a"}) { text } }'
INIT = {"type": "connection_init"}


@asynccontextmanager
async def connected(dialect: Dialect, **options: Any) -> AsyncIterator[Client]:
    """A client whose handshake is over, and who has said nothing."""
    client = Client(desk_router(**options).as_asgi(), subprotocols=[dialect.name])
    try:
        assert await client.connect() == {
            "type": "websocket.accept",
            "subprotocol": dialect.name,
        }
        yield client
    finally:
        await client.disconnect()


@asynccontextmanager
async def acknowledged(dialect: Dialect) -> AsyncIterator[Client]:
    async with connected(dialect) as client:
        await client.send(INIT)
        assert await client.frame() == {"type": "connection_ack"}
        if dialect is LEGACY:
            assert await client.frame() == {"type": "ka"}
        yield client


@both
async def test_a_handshake_an_introduction_with_a_payload_and_an_acknowledgement(
    dialect: Dialect,
) -> None:
    heard = []

    async def authenticate(scope: Any, payload: Any) -> Any:
        heard.append(payload)
        return AnonymousUser()

    async with connected(dialect, authenticate=authenticate) as client:
        await client.send({**INIT, "payload": {"token": "t"}})
        assert await client.frame() == {"type": "connection_ack"}
    assert heard == [{"token": "t"}]


@both
@override_settings(DCRF_GRAPH={"INIT_TIMEOUT": 0.01})
async def test_a_client_that_says_nothing_is_closed_when_its_time_is_over(dialect: Dialect) -> None:
    async with connected(dialect) as client:
        closed = await client.closing()
        assert (closed.code, closed.reason) == (4408, "Connection initialisation timeout")


@both
async def test_an_operation_of_one_result_has_one_and_then_its_end(dialect: Dialect) -> None:
    async with acknowledged(dialect) as client:
        for query, value in ((ADD, {"deskAdd": 2}), (CREATE, {"noteCreate": {"text": "a"}})):
            await client.send(dialect.start("1", query=query))
            assert await client.frames(2) == [
                {"type": dialect.result, "id": "1", "payload": {"data": value}},
                {"type": "complete", "id": "1"},
            ]
        assert client.unread() == 0


@both
async def test_a_stream_is_refused_before_it_executes(dialect: Dialect) -> None:
    async with acknowledged(dialect) as client:
        await client.send(dialect.start("1", query="subscription { nothing }"))
        frame = await client.frame()
        assert (frame["type"], frame["id"]) == ("error", "1")
        # No end comes after it, and its id is free.
        await client.send(dialect.start("1", query=ADD))
        assert (await client.frame())["type"] == dialect.result
        assert (await client.frame())["type"] == "complete"


@both
async def test_errors_of_the_execution_are_in_its_result(dialect: Dialect) -> None:
    async with acknowledged(dialect) as client:
        await client.send(dialect.start("1", query='mutation { deskRefuse(how: "not found") }'))
        frame = await client.frame()
        assert frame["type"] == dialect.result
        assert frame["payload"]["data"] == {"deskRefuse": None}
        assert frame["payload"]["errors"][0]["message"] == "Not found"
        assert await client.frame() == {"type": "complete", "id": "1"}


@both
async def test_a_stream_has_results_until_its_client_stops_it(dialect: Dialect) -> None:
    async with acknowledged(dialect) as client:
        await client.send(dialect.start("stream", query=ACTIVITY))
        await client.send(dialect.start("1", query=CREATE))
        frames = await client.frames(3)
        event = {"noteActivity": {"action": "CREATE", "data": {"text": "a"}}}
        assert {"type": dialect.result, "id": "stream", "payload": {"data": event}} in frames
        await client.send(dialect.stop("stream"))
        if dialect is LEGACY:
            assert await client.frame() == {"type": "complete", "id": "stream"}
        await client.send(dialect.start("1", query=CREATE))
        assert {frame["id"] for frame in await client.frames(2)} == {"1"}
        assert hub.count() == 0


@both
async def test_a_result_is_not_sent_once_its_client_has_stopped_waiting(
    dialect: Dialect, desk: type[DeskConsumer]
) -> None:
    async with acknowledged(dialect) as client:
        await client.send(dialect.start("1", query=WAIT))
        await soon(desk.gate.reached)
        await client.send(dialect.stop("1"))
        await soon(desk.gate.cancelled)
        if dialect is LEGACY:
            assert await client.frame() == {"type": "complete", "id": "1"}
        await client.send(dialect.start("2", query=ADD))
        assert {frame["id"] for frame in await client.frames(2)} == {"2"}


@pytest.mark.parametrize("first", [WAIT, ACTIVITY])
@pytest.mark.parametrize("second", [ADD, WAIT, ACTIVITY])
async def test_ids_are_unique_among_operations_of_every_kind(first: str, second: str) -> None:
    async with acknowledged(TRANSPORT_WS) as client:
        await client.send(TRANSPORT_WS.start("1", query=first))
        await client.send(TRANSPORT_WS.start("1", query=second))
        closed = await client.closing()
        assert (closed.code, closed.reason) == (4409, "Subscriber for 1 already exists")


@both
async def test_a_normal_closure_ends_everything(
    dialect: Dialect, desk: type[DeskConsumer], caplog: pytest.LogCaptureFixture
) -> None:
    async with acknowledged(dialect) as client:
        await client.send(dialect.start("1", query=WAIT))
        await client.send(dialect.start("2", query=ACTIVITY))
        await soon(desk.gate.reached)
        await client.disconnect(code=1000)
        await quiet()
        assert (hub.count(), tasks()) == (0, set())
    assert not caplog.records
