"""A client of the legacy subprotocol, on the socket of a real router."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import override_settings
from rest_framework.exceptions import AuthenticationFailed

from dcrf_graph.changes.hub import hub
from dcrf_graph.routers import Router
from tests.testapp.models import Note
from tests.transports.desk import DeskConsumer, desk_router
from tests.transports.sockets import GRAPHQL, Client, graphql, soon

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("desk", "nothing_left"),
]

ADD = "{ deskAdd(left: 1) }"
ACTIVITY = "subscription { noteActivity { action data { text } } }"
INIT = {"type": "connection_init", "payload": {}}
ACK = {"type": "connection_ack"}
ALIVE = {"type": "ka"}


def start(id: str, query: str) -> dict[str, Any]:
    return {"type": "start", "id": id, "payload": {"query": query}}


def data(id: str, value: Any) -> dict[str, Any]:
    return {"type": "data", "id": id, "payload": {"data": value}}


@asynccontextmanager
async def legacy(router: Router, offered: tuple[str, ...] = ("graphql-ws",)) -> AsyncIterator[Any]:
    """A client that has connected and said nothing yet."""
    client = Client(router.as_asgi(), subprotocols=list(offered))
    try:
        assert (await client.connect())["subprotocol"] == "graphql-ws"
        yield client
    finally:
        await client.disconnect()


@asynccontextmanager
async def acknowledged() -> AsyncIterator[Any]:
    async with legacy(desk_router()) as client:
        await client.send(INIT)
        assert await client.frames(2) == [ACK, ALIVE]
        yield client


async def test_the_newer_protocol_is_preferred_where_both_are_offered() -> None:
    async with graphql(desk_router(), subprotocols=["graphql-ws", GRAPHQL]):
        pass
    async with legacy(desk_router(), ("soap", "graphql-ws")):
        pass


async def test_an_operation_may_follow_the_introduction_at_once() -> None:
    async with legacy(desk_router()) as client:
        await client.send(INIT)
        await client.send(start("1", ADD))
        assert await client.frames(4) == [
            ACK,
            ALIVE,
            data("1", {"deskAdd": 2}),
            {"type": "complete", "id": "1"},
        ]


async def test_a_subscription_hears_changes_until_it_is_stopped() -> None:
    async with acknowledged() as client:
        await client.send(start("1", ACTIVITY))
        await client.send(start("2", 'mutation { noteCreate(data: {text: "a"}) { text } }'))
        frames = await client.frames(3)
        event = {"noteActivity": {"action": "CREATE", "data": {"text": "a"}}}
        assert data("1", event) in frames
        assert data("2", {"noteCreate": {"text": "a"}}) in frames
        await client.send({"type": "stop", "id": "1"})
        assert await client.frame() == {"type": "complete", "id": "1"}
        await client.send(start("3", ADD))
        await client.frames(2)
        assert hub.count() == 0


async def test_of_two_subscriptions_to_one_row_the_first_to_end_silences_nobody() -> None:
    note = await database_sync_to_async(Note.objects.create)(text="old")
    changed = f'subscription {{ noteChanged(id: "{note.pk}") {{ data {{ text }} }} }}'
    async with acknowledged() as client:
        for id in ("first", "second"):
            await client.send(start(id, changed))
        # Calls of one consumer keep their order: when this is answered, both have subscribed.
        await client.send(start("settled", "{ notes { text } }"))
        await client.frames(2)
        await client.send({"type": "stop", "id": "first"})
        assert await client.frame() == {"type": "complete", "id": "first"}
        note.text = "new"
        await database_sync_to_async(note.save)()
        assert await client.frame() == data("second", {"noteChanged": {"data": {"text": "new"}}})
        await client.send(start("last", ADD))
        assert await client.frame() == data("last", {"deskAdd": 2})


async def test_a_wrong_document_is_an_error_of_its_operation() -> None:
    async with acknowledged() as client:
        await client.send(start("1", "{ nothing }"))
        error = await client.frame()
        assert (error["type"], error["id"]) == ("error", "1")
        assert error["payload"]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        await client.send("no message")
        assert (await client.frame())["type"] == "connection_error"
        await client.send(start("1", ADD))
        assert await client.frame() == data("1", {"deskAdd": 2})


async def test_a_replaced_operation_is_cancelled(desk: type[DeskConsumer]) -> None:
    async with acknowledged() as client:
        await client.send(start("1", "mutation { deskWait }"))
        await soon(desk.gate.reached)
        await client.send(start("1", ADD))
        assert await client.frame() == data("1", {"deskAdd": 2})
        assert desk.gate.cancelled.is_set()


async def test_a_refused_client_reads_why_before_the_socket_closes() -> None:
    async def authenticate(scope: Any, payload: Any) -> Any:
        raise AuthenticationFailed("The token has expired.")

    async with legacy(desk_router(authenticate=authenticate)) as client:
        await client.send(INIT)
        payload = {"message": "The token has expired."}
        assert await client.frame() == {"type": "connection_error", "payload": payload}
        assert (await client.closing()).code == 4403


async def test_a_client_says_goodbye() -> None:
    async with acknowledged() as client:
        await client.send({"type": "connection_terminate"})
        assert (await client.closing()).code == 1000


@override_settings(DCRF_GRAPH={"KEEP_ALIVE": 0.001})
async def test_a_quiet_connection_is_kept_alive() -> None:
    async with acknowledged() as client:
        assert await client.frames(2) == [ALIVE, ALIVE]
    async with graphql(desk_router()) as other:
        assert await other.frames(2) == [{"type": "ping"}, {"type": "ping"}]


@override_settings(DCRF_GRAPH={"KEEP_ALIVE": None})
async def test_keeping_alive_can_be_off() -> None:
    async with legacy(desk_router()) as client:
        await client.send(INIT)
        assert await client.frame() == ACK
        await client.send(start("1", ADD))
        assert await client.frame() == data("1", {"deskAdd": 2})
