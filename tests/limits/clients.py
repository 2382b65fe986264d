"""One client for each transport, all of them asked in the same words.

GraphQL clients run an operation and give its result; native clients make a call and give the reply.
A refusal is one however the transport says it: in a frame, by a close code, by an HTTP status.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

from django.test import AsyncClient, override_settings
from django.urls import path

from dcrf_graph.routers import Router
from tests.limits.world import CONSUMERS, DeskConsumer
from tests.native import client as alone
from tests.transports import sockets
from tests.transports.http_stream import Exchange, events, parts

SSE = "text/event-stream"
MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'


class Refused(Exception):
    """The whole connection or request was refused: the close code or the HTTP status."""

    def __init__(self, status: int | None) -> None:
        super().__init__(status)
        self.status = status


# -- GraphQL -----------------------------------------------------------------------------------


class WebSocket:
    """An acknowledged GraphQL socket of either protocol."""

    begin, value, stop = "subscribe", "next", "complete"

    def __init__(self, client: sockets.Client) -> None:
        self.client = client
        self.started = 0

    async def leave(self) -> None:
        """Go away."""
        await self.client.disconnect()

    async def frame(self) -> Any:
        try:
            return await self.client.frame()
        except sockets.Closed as closed:
            raise Refused(closed.code) from closed

    async def start(self, query: str, variables: Any = None) -> str:
        """Begin an operation and do not wait for it."""
        self.started += 1
        payload = {"query": query, "variables": variables}
        id = str(self.started)
        await self.client.send({"id": id, "type": self.begin, "payload": payload})
        return id

    async def result(self) -> Any:
        """The next result or refusal, whichever operation's."""
        while True:
            frame = await self.frame()
            if frame["type"] == self.value:
                return frame["payload"]
            if frame["type"] == "error":
                errors = frame["payload"]
                return {"errors": errors if isinstance(errors, list) else [errors]}
            if frame["type"] == "connection_error":
                return {"errors": [{"extensions": {"code": frame["type"]}}]}

    async def operate(self, query: str, variables: Any = None) -> Any:
        await self.start(query, variables)
        return await self.result()

    async def subscribe(self, query: str) -> Any:
        """Begin a subscription; its refusal, or None when it runs."""
        await self.start(query)
        return await unless_subscribed(self.result())

    def measure(self, query: str) -> int:
        """How long the frame of this operation would be."""
        payload = {"query": query, "variables": None}
        return len(json.dumps({"id": "1", "type": self.begin, "payload": payload}))


async def unless_subscribed(refusal: Coroutine[Any, Any, Any]) -> Any:
    """What refuses a subscription; None as soon as the desk has subscribed one."""
    refused, done = asyncio.ensure_future(refusal), asyncio.ensure_future(subscribed())
    await asyncio.wait({refused, done}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    done.cancel()
    if not refused.done():
        refused.cancel()
        await asyncio.wait({refused})
        return None
    return refused.result()


async def subscribed() -> None:
    await DeskConsumer.subscribed.get()


class Legacy(WebSocket):
    begin, value, stop = "start", "data", "stop"


@asynccontextmanager
async def websocket(router: Router, **scope: Any) -> AsyncIterator[Any]:
    async with greeted(router, sockets.GRAPHQL, WebSocket, scope) as client:
        yield client


@asynccontextmanager
async def legacy(router: Router, **scope: Any) -> AsyncIterator[Any]:
    async with greeted(router, "graphql-ws", Legacy, scope) as client:
        yield client


@asynccontextmanager
async def greeted(
    router: Router, subprotocol: str, kind: type[WebSocket], scope: dict[str, Any]
) -> AsyncIterator[Any]:
    client = sockets.Client(router.as_asgi(), **{"subprotocols": [subprotocol], **scope})
    try:
        assert (await client.connect())["subprotocol"] == subprotocol
        greeting = kind(client)
        await client.send({"type": "connection_init", "payload": {}})
        assert (await greeting.frame())["type"] == "connection_ack"
        yield greeting
    finally:
        await client.disconnect()


class Urls:
    """A URL configuration of one view."""

    def __init__(self, router: Router) -> None:
        self.urlpatterns = [path("graphql/", router.graphql_view())]


class Http:
    """One request for each operation, of one of the five kinds."""

    def __init__(self, kind: str, scope: dict[str, Any]) -> None:
        self.kind = kind
        self.scope = scope
        self.opened: list[Exchange] = []

    async def operate(self, query: str, variables: Any = None) -> Any:
        if self.kind in ("sse", "multipart"):
            return await self.streamed(query, variables)
        client = AsyncClient(headers={"Accept": "application/json"})
        wire = {"query": query, "variables": variables}
        if self.kind == "get":
            asked = {"query": query, "variables": json.dumps(variables)}
            response: Any = await client.get("/graphql/", asked)
        else:
            body = json.dumps([wire] if self.kind == "batch" else wire)
            response = await client.post("/graphql/", body, content_type="application/json")
        result = response.json()
        if response.status_code >= 400:
            raise Refused(response.status_code)
        return result[0] if self.kind == "batch" else result

    def exchange(self, query: str, variables: Any = None) -> Exchange:
        accept = SSE if self.kind == "sse" else MULTIPART
        return Exchange(query, accept, variables=variables, **self.scope)

    async def streamed(self, query: str, variables: Any = None) -> Any:
        exchange = self.exchange(query, variables)
        status, _ = await exchange.start()
        text = await exchange.rest()
        if status >= 400:
            raise Refused(status)
        await exchange.leave()
        return self.first(text)

    async def subscribe(self, query: str) -> Any:
        """Open a stream; a refusal in its first result, or None when it runs."""
        exchange = self.exchange(query)
        self.opened.append(exchange)
        await exchange.start()
        text = await unless_subscribed(exchange.rest())
        return None if text is None else self.first(text)

    def first(self, text: str) -> Any:
        found = events(text)[0][1] if self.kind == "sse" else parts(text)[-1]
        return found.get("payload") or found

    def measure(self, query: str) -> int:
        """How long the body of this operation would be."""
        wire = {"query": query, "variables": None}
        if self.kind in ("sse", "multipart"):
            del wire["variables"]
        return len(json.dumps([wire] if self.kind == "batch" else wire))


def http(kind: str) -> Callable[..., AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def opened(router: Router, **scope: Any) -> AsyncIterator[Any]:
        with override_settings(ROOT_URLCONF=Urls(router)):
            client = Http(kind, scope)
            try:
                yield client
            finally:
                for exchange in client.opened:
                    await exchange.leave()

    return opened


# -- native ------------------------------------------------------------------------------------


class Native:
    """A native client: on a router's socket, or of each consumer alone."""

    def __init__(self, ask: Any, payload: Any, leave: Any, *, wrapped: bool) -> None:
        self.ask = ask
        self.leave = leave
        self._payload = payload
        self.wrapped = wrapped

    def measure(self, stream: str, **payload: Any) -> int:
        """How long the frame of a call would be."""
        return len(json.dumps({"stream": stream, "payload": payload} if self.wrapped else payload))

    async def payload(self) -> Any:
        try:
            return await self._payload()
        except (sockets.Closed, alone.Closed) as closed:
            raise Refused(closed.args[0]) from closed

    async def call(self, stream: str, action: str, request_id: Any = 1, **arguments: Any) -> Any:
        """Make a call; the next frame."""
        await self.ask(stream, action, request_id, **arguments)
        return await self.payload()


@asynccontextmanager
async def streams(router: Router, **scope: Any) -> AsyncIterator[Native]:
    client = sockets.NativeClient(router.as_asgi(), **scope)
    try:
        assert (await client.connect())["type"] == "websocket.accept"

        async def payload() -> Any:
            return (await client.frame())["payload"]

        yield Native(client.ask, payload, client.disconnect, wrapped=True)
    finally:
        await client.disconnect()


@asynccontextmanager
async def single(router: Router, **scope: Any) -> AsyncIterator[Native]:
    """Whatever stream is asked first is the consumer that is served."""
    client: alone.Client | None = None

    async def ask(stream: str, action: str, request_id: Any = 1, **arguments: Any) -> None:
        nonlocal client
        if client is None:
            client = alone.Client(CONSUMERS[stream](), alone.scope_of(**scope))
            assert await client.connect()
        await client.send(action, request_id, **arguments)

    async def payload() -> Any:
        assert client is not None
        return await client.frame()

    async def leave() -> None:
        if client is not None:
            await client.disconnect()

    try:
        yield Native(ask, payload, leave, wrapped=False)
    finally:
        await leave()


Opener: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
SOCKETS: dict[str, Opener] = {"websocket": websocket, "legacy": legacy}
STREAMED: dict[str, Opener] = {"sse": http("sse"), "multipart": http("multipart")}
PLAIN: dict[str, Opener] = {"post": http("post"), "get": http("get"), "batch": http("batch")}
GRAPHQL: dict[str, Opener] = {**SOCKETS, **STREAMED, **PLAIN}
NATIVE: dict[str, Opener] = {"streams": streams, "single": single}
OPENERS: dict[str, Opener] = {**GRAPHQL, **NATIVE}
