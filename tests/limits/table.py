"""
Every limit, on every transport that has it: what is tried just under it, and just over it.

A probe does the same thing twice: under a setting that allows it, where it must find no refusal,
and under one that does not, where it must find the one that the table names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client as DjangoClient

from dcrf_graph.routers import Router
from dcrf_graph.settings import api_settings
from tests.limits.clients import (
    GRAPHQL,
    NATIVE,
    OPENERS,
    PLAIN,
    SOCKETS,
    STREAMED,
    Refused,
)
from tests.limits.world import DeskConsumer
from tests.testapp.models import Label, Note
from tests.transports.sockets import PATIENCE, soon, turns

Refusal: TypeAlias = int | str | None
"""A native status, a code of GraphQL's errors, a close code, an HTTP status; None for none."""

LIVING = (*NATIVE, *SOCKETS, *STREAMED)
"""The transports that stay open."""


@dataclass(frozen=True)
class Stage:
    """A router, and one transport to reach it."""

    router: Router
    transport: str

    @property
    def native(self) -> bool:
        return self.transport in NATIVE

    @asynccontextmanager
    async def open(self, **scope: Any) -> AsyncIterator[Any]:
        async with OPENERS[self.transport](self.router, **scope) as client:
            yield client


Probe: TypeAlias = Callable[[Stage], Awaitable[Refusal]]


@dataclass(frozen=True)
class Row:
    """One limit on some transports; ``says`` is the refusal, by transport where they differ."""

    setting: str
    under: Any
    over: Any
    transports: tuple[str, ...]
    says: Any
    probe: Probe
    others: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def refusal(self, transport: str) -> Any:
        return self.says.get(transport) if isinstance(self.says, Mapping) else self.says


TABLE: list[Row] = []


def limit(
    setting: str, under: Any, over: Any, on: Iterable[str], says: Any, note: str = "", **others: Any
) -> Callable[[Probe], Probe]:
    """Enter a probe into the table."""

    def enter(probe: Probe) -> Probe:
        TABLE.append(Row(setting, under, over, tuple(on), says, probe, others, note))
        return probe

    return enter


def refused(result: Any) -> Refusal:
    """The refusal in a native frame or in GraphQL's result, if there is one."""
    if "response_status" in result:
        status = int(result["response_status"])
        return status if status >= 400 else None
    errors = result.get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else None


# -- what a document may be --------------------------------------------------------------------


def document(setting: str, size: int, text: str, variables: Any = None, code: str = "") -> None:
    """Enter a document that is exactly as large as the limit, and then one too large."""

    @limit(setting, size, size - 1, GRAPHQL, code or "OPERATION_TOO_LARGE")
    async def send(stage: Stage) -> Refusal:
        async with stage.open() as client:
            return refused(await client.operate(text, variables))


ECHO = "query Q($t: String!) { deskEcho(text: $t) }"
LABELS = "{ labels(limit: 7) { results { id } } }"
document("GRAPHQL_MAX_TOKENS", 3, "{ deskEcho }", code="GRAPHQL_PARSE_FAILED")
document("GRAPHQL_MAX_DEPTH", 3, LABELS)
document("GRAPHQL_MAX_FIELDS", 3, LABELS)
document("GRAPHQL_MAX_ROOT_FIELDS", 2, "{ deskEcho otherEcho }")
document("GRAPHQL_MAX_ALIASES", 2, "{ a: deskEcho b: deskEcho }")
document("GRAPHQL_MAX_DIRECTIVES", 2, "{ deskEcho @include(if: true) @skip(if: false) }")
document("GRAPHQL_MAX_DOCUMENT_SIZE", len(ECHO), ECHO, {"t": "x"})
document("GRAPHQL_MAX_VARIABLES_SIZE", len('{"t": "éé"}'.encode()), ECHO, {"t": "éé"})
document("GRAPHQL_MAX_COST", 7, LABELS)


@limit("GRAPHQL_LIST_COST", 7, 8, GRAPHQL, "OPERATION_TOO_LARGE", GRAPHQL_MAX_COST=7)
async def a_list_without_pages(stage: Stage) -> Refusal:
    async with stage.open() as client:
        return refused(await client.operate("{ plain { id } }"))


@limit("GRAPHQL_INTROSPECTION", True, False, GRAPHQL, "GRAPHQL_VALIDATION_FAILED")
async def introspection(stage: Stage) -> Refusal:
    async with stage.open() as client:
        return refused(await client.operate("{ __schema { queryType { name } } }"))


# -- calls, operations, subscriptions ------------------------------------------------------------


@limit("MAX_CONCURRENT_CALLS", 2, 1, OPENERS, "waits")
async def two_calls_at_once(stage: Stage) -> Refusal:
    async with stage.open() as client:
        if stage.native:
            await client.ask("desk", "look", 1)
            await client.ask("desk", "look", 2)
        else:
            both = asyncio.ensure_future(client.operate("{ a: deskLook b: deskLook }"))
        for _ in range(api_settings.MAX_CONCURRENT_CALLS):
            await asyncio.wait_for(DeskConsumer.looking.get(), PATIENCE)
        await turns(100)
        together = api_settings.MAX_CONCURRENT_CALLS + DeskConsumer.looking.qsize()
        DeskConsumer.gate.open.set()
        for _ in range(2 if stage.native else 0):
            assert refused(await client.payload()) is None
        if not stage.native:
            assert refused(await both) is None
    return None if together == 2 else "waits"


PENDING = {**dict.fromkeys(NATIVE, 429), **dict.fromkeys(GRAPHQL, "RATE_LIMITED")}


@limit("MAX_PENDING_CALLS", 2, 1, OPENERS, PENDING)
async def a_call_beside_another(stage: Stage) -> Refusal:
    async with stage.open() as client:
        if stage.native:
            await client.ask("desk", "look", 1)
            await soon(DeskConsumer.gate.reached)
            return refused(await client.call("desk", "echo", 2))
        both = asyncio.ensure_future(client.operate("{ a: deskLook b: deskEcho }"))
        await soon(DeskConsumer.gate.reached)
        await turns(100)
        DeskConsumer.gate.open.set()
        return refused(await both)


@limit("MAX_OPERATIONS", 2, 1, SOCKETS, "RATE_LIMITED")
async def an_operation_beside_another(stage: Stage) -> Refusal:
    async with stage.open() as client:
        await client.start("{ deskLook }")
        await soon(DeskConsumer.gate.reached)
        return refused(await client.operate("{ deskEcho }"))


@limit("MAX_SUBSCRIPTIONS", 2, 1, LIVING, PENDING)
async def a_subscription_of_two_groups(stage: Stage) -> Refusal:
    async with stage.open() as client:
        if stage.native:
            return refused(await client.call("desk", "subscribe_notes"))
        result = await client.subscribe("subscription { deskNotes { id } }")
        return None if result is None else refused(result)


@limit("MAX_STREAMS", 2, 1, ("streams", *GRAPHQL), PENDING)
async def two_streams(stage: Stage) -> Refusal:
    async with stage.open() as client:
        if stage.native:
            assert refused(await client.call("desk", "echo")) is None
            return refused(await client.call("other", "echo"))
        return refused(await client.operate("{ deskEcho otherEcho }"))


TIMEOUT = {**dict.fromkeys(NATIVE, 504), **dict.fromkeys(GRAPHQL, "EXECUTION_TIMEOUT")}


@limit("EXECUTION_TIMEOUT", 10.0, 0.02, OPENERS, TIMEOUT)
async def a_call_that_takes_a_moment(stage: Stage) -> Refusal:
    async with stage.open() as client:
        if stage.native:
            asked = asyncio.ensure_future(client.call("desk", "look"))
        else:
            asked = asyncio.ensure_future(client.operate("{ deskLook }"))
        await soon(DeskConsumer.gate.reached)
        asyncio.get_running_loop().call_later(0.2, DeskConsumer.gate.open.set)
        return refused(await asked)


# -- frames --------------------------------------------------------------------------------------


SIZE = 400
TOO_LONG = {
    **dict.fromkeys(NATIVE, 413),
    "websocket": 4400,
    "legacy": "connection_error",
    **dict.fromkeys((*STREAMED, *PLAIN), 413),
}


@limit("MAX_FRAME_SIZE", SIZE, SIZE - 1, OPENERS.keys() - {"get"}, TOO_LONG)
async def a_frame_of_a_size(stage: Stage) -> Refusal:
    async with stage.open() as client:
        if stage.native:
            frame = {"action": "echo", "request_id": 1, "text": ""}
            padding = "x" * (SIZE - client.measure("desk", **frame))
            return refused(await client.call("desk", "echo", text=padding))
        query = "{ deskEcho }"
        padding = "#" * (SIZE - client.measure(query))
        return refused(await client.operate(query + padding))


TOO_FAST = {**dict.fromkeys(NATIVE, 429), **dict.fromkeys(SOCKETS, 4429)}


@limit("MAX_FRAME_BURST", 2, 1, (*NATIVE, *SOCKETS), TOO_FAST, MAX_FRAME_RATE=0.001)
@limit("MAX_FRAME_RATE", 1e6, 0.001, (*NATIVE, *SOCKETS), TOO_FAST, MAX_FRAME_BURST=1)
async def two_frames(stage: Stage) -> Refusal:
    async with stage.open() as client:
        if stage.native:
            assert refused(await client.call("desk", "echo")) is None
            return refused(await client.call("desk", "echo"))
        return refused(await client.operate("{ deskEcho }"))  # behind its connection_init


# -- pages ----------------------------------------------------------------------------------------

PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "labels": ("{ labels(limit: 3) { results { id } } }", {"limit": 3}),
    "numbered": ("{ numbered(pageSize: 3) { results { id } } }", {"query": {"size": 3}}),
    "sliced": ("{ sliced(limit: 3) { results { id } } }", {"query": {"limit": 3}}),
    "cursors": ("{ cursors(first: 3) { edges { node { id } } } }", {"query": {"size": 3}}),
}


def page(stream: str, query: str, arguments: dict[str, Any]) -> None:
    """Enter a page of three rows; a smaller one is no refusal but is cut, as DRF does."""

    @limit("MAX_PAGE_SIZE", 3, 2, OPENERS, "cut", note=stream)
    async def ask_for_three(stage: Stage) -> Refusal:
        await Label.objects.abulk_create(Label(name=str(number)) for number in range(4))
        await Note.objects.abulk_create(Note(text=str(number)) for number in range(4))
        async with stage.open() as client:
            if stage.native:
                rows = (await client.call(stream, "list", **arguments))["data"]["results"]
            else:
                [found] = (await client.operate(query))["data"].values()
                rows = found.get("results") or found["edges"]
        return None if len(rows) == 3 else "cut"


for stream, (query, arguments) in PAGES.items():
    page(stream, query, arguments)


# -- connections ----------------------------------------------------------------------------------


async def second(stage: Stage, **scope: Any) -> Refusal:
    """Open a second connection beside a first one; whether it works."""
    async with stage.open(**scope) as first:
        assert await used(stage, first) is None
        try:
            async with stage.open(**scope) as client:
                return await used(stage, client)
        except Refused as refusal:
            return refusal.status


async def used(stage: Stage, client: Any) -> Refusal:
    if stage.native:
        return refused(await client.call("desk", "echo"))
    if stage.transport in SOCKETS:
        return refused(await client.operate("{ deskEcho }"))
    result = await client.subscribe("subscription { deskNotes { id } }")
    return None if result is None else refused(result)


CROWDED = {**dict.fromkeys((*NATIVE, *SOCKETS), 1013), **dict.fromkeys(STREAMED, "RATE_LIMITED")}


@limit("MAX_CONNECTIONS_PER_USER", 2, 1, LIVING, CROWDED)
async def two_connections_of_a_user(stage: Stage) -> Refusal:
    user = await User.objects.acreate(username="somebody")
    if stage.transport not in STREAMED:
        return await second(stage, user=user)
    browser = DjangoClient()
    await sync_to_async(browser.force_login)(user)
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    return await second(stage, cookie=cookie)


@limit("MAX_CONNECTIONS_PER_ADDRESS", 2, 1, LIVING, CROWDED)
async def two_connections_of_an_address(stage: Stage) -> Refusal:
    return await second(stage, client=("192.0.2.1", 50000))
