"""A process that is told to end answers what was asked, and closes with 1012."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from dcrf_graph.draining import drain, draining
from tests.limits.clients import NATIVE, SOCKETS, Refused
from tests.limits.table import Stage
from tests.limits.world import DeskConsumer, make_router
from tests.transports.desk import Gate
from tests.transports.sockets import PATIENCE, Client, soon, tasks, turns

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("gate", "nothing_left"),
]

OPEN = (*NATIVE, *SOCKETS)
SUBSCRIBE = "subscription { deskNotes { id } }"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(DeskConsumer, "gate", gate, raising=False)
    monkeypatch.setattr(DeskConsumer, "looking", asyncio.Queue(), raising=False)
    monkeypatch.setattr(DeskConsumer, "subscribed", asyncio.Queue(), raising=False)
    return gate


async def look(stage: Stage, client: Any) -> Any:
    """Start a call that waits at the gate."""
    if stage.native:
        await client.ask("desk", "look")
    else:
        await client.start("{ deskLook }")


async def heard(stage: Stage, client: Any) -> Any:
    """What the client hears next."""
    return (await client.payload())["data"] if stage.native else (await client.result())["data"]


@pytest.mark.parametrize("transport", OPEN)
async def test_what_runs_is_answered_and_the_socket_closes(transport: str, gate: Gate) -> None:
    stage = Stage(make_router(), transport)
    async with stage.open() as client:
        await look(stage, client)
        await soon(gate.reached)
        drained = asyncio.ensure_future(drain())
        await turns(50)
        assert not drained.done()
        await look(stage, client)  # not read any more
        gate.open.set()
        assert await heard(stage, client) in ("looked", {"deskLook": "looked"})
        with pytest.raises(Refused) as closed:
            await heard(stage, client)
        assert closed.value.status == 1012
        await client.leave()
        await asyncio.wait_for(drained, PATIENCE)
    assert DeskConsumer.looking.qsize() == 1


@pytest.mark.parametrize("transport", OPEN)
async def test_subscriptions_keep_nobody_waiting(transport: str) -> None:
    stage = Stage(make_router(), transport)
    async with stage.open() as client:
        if stage.native:
            await client.call("desk", "subscribe_notes")
        else:
            await client.subscribe(SUBSCRIBE)
        drained = asyncio.ensure_future(drain())
        with pytest.raises(Refused) as closed:
            await heard(stage, client)
        assert closed.value.status == 1012
        await client.leave()
        await asyncio.wait_for(drained, PATIENCE)


@pytest.mark.parametrize("transport", ["sse", "multipart"])
async def test_a_stream_over_http_ends_with_an_error(transport: str) -> None:
    async with Stage(make_router(), transport).open() as client:
        assert await client.subscribe(SUBSCRIBE) is None
        await asyncio.wait_for(drain(), PATIENCE)
        text = await client.opened[0].rest()
    assert '"SERVICE_UNAVAILABLE"' in text
    assert "The server restarts." in text


@pytest.mark.parametrize("transport", OPEN)
async def test_who_takes_too_long_is_left_to_the_server(
    transport: str, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(make_router(), transport)
    async with stage.open() as client:
        await look(stage, client)
        await soon(gate.reached)
        await drain(0.05)
    assert "1 connections were still busy" in caplog.text
    assert gate.cancelled.is_set()
    assert tasks() == set()


async def told(server: list[int]) -> None:
    while not server:
        await turns(1)


@pytest.fixture
def server() -> Iterator[list[int]]:
    """A handler of SIGTERM as a server has one: it records that it was told."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


async def test_the_server_is_told_when_all_is_answered(gate: Gate, server: list[int]) -> None:
    application = draining(make_router().as_asgi())
    client = Client(application)
    await client.connect()
    await client.send({"stream": "desk", "payload": {"action": "look", "request_id": 1}})
    await soon(gate.reached)
    signal.raise_signal(signal.SIGTERM)
    await turns(50)
    assert server == []
    gate.open.set()
    assert (await client.frame())["payload"]["data"] == "looked"
    assert (await client.closing()).code == 1012
    late = Client(application)
    await late.connect()
    assert (await late.closing()).code == 1012
    await client.disconnect()
    await asyncio.wait_for(told(server), PATIENCE)
    assert server == [signal.SIGTERM]


async def test_told_twice_the_server_ends_at_once(gate: Gate, server: list[int]) -> None:
    client = Client(draining(make_router().as_asgi()))
    await client.connect()
    await client.send({"stream": "desk", "payload": {"action": "look", "request_id": 1}})
    await soon(gate.reached)
    signal.raise_signal(signal.SIGTERM)
    await turns(50)
    signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(told(server), PATIENCE)
    gate.open.set()
    await client.disconnect()
    await turns(50)


@override_settings(DCRF_GRAPH={"DRAIN_TIMEOUT": 0.1})
async def test_a_servers_lifespan_drains_too(gate: Gate) -> None:
    application = draining(make_router().as_asgi())
    client = Client(application)
    await client.connect()
    received = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[str] = []

    async def receive() -> Any:
        return {"type": next(received)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    lifespan = asyncio.ensure_future(application({"type": "lifespan"}, receive, send))
    assert (await client.closing()).code == 1012
    await client.disconnect()
    await lifespan
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_server_that_refuses_the_code_gets_a_private_one(gate: Gate) -> None:
    """As daphne does."""
    codes: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "websocket.close":
            codes.append(message["code"])
            if message["code"] < 3000:
                raise Exception("invalid close code")

    inbox: asyncio.Queue[Any] = asyncio.Queue()
    inbox.put_nowait({"type": "websocket.connect"})
    scope = {"type": "websocket", "headers": [], "subprotocols": []}
    served = asyncio.ensure_future(make_router().as_asgi()(scope, inbox.get, send))
    await turns(50)
    await drain()
    inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await asyncio.wait_for(served, PATIENCE)
    assert codes == [1012, 4012]
