"""
One client per wire protocol, all of one small kind: `Client` connects, `Session` asks and watches.

Arguments are given as a native frame has them; what comes back is said in GraphQL's terms
(`translation`), so that answers of different clients can be compared with ``==``. A refusal is an
answer, not an exception. The clients know the protocols and no consumer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from django.test import AsyncRequestFactory

from dcrf_graph.graphql.operations import Operation
from dcrf_graph.routers import Router
from tests.parity.sockets import Socket, arrival, open_socket
from tests.parity.translation import (
    Answer,
    data_of,
    document,
    event_of,
    graphql_refusal,
    native_refusal,
    root_field,
    variables_of,
)

Arguments = Mapping[str, Any]


class Watch(Protocol):
    """A subscription that has been asked for; a refused one says so by its first event."""

    def waits(self) -> bool:
        """Whether there is something to read."""

    async def next(self) -> Answer | None:
        """The next event; None at the end, where the protocol has one."""

    async def end(self) -> None:
        """Unsubscribe, and wait until that is so."""


class Session(Protocol):
    """One connection of one user."""

    async def call(self, operation: Operation, arguments: Arguments) -> Answer:
        """Ask once."""

    async def watch(self, operation: Operation, arguments: Arguments) -> Watch:
        """Subscribe; what is changed when this has returned will be heard."""

    async def pages(self, operation: Operation, arguments: Arguments) -> list[Answer]:
        """Everything that a streamed list answers."""

    async def turn(self, stream: str) -> None:
        """Wait for a call on a stream: those that were made before have had their turn."""


class Client(Protocol):
    """A protocol."""

    name: str
    kinds: frozenset[str]

    def connect(self, router: Router, user: Any) -> AbstractAsyncContextManager[Session]:
        """Open a session, which closes at the end."""


ENDING = {
    "subscribe_instance": "unsubscribe_instance",
    "subscribe_list": "unsubscribe_list",
    "subscribe_card_activity": "unsubscribe_card_activity",
    "subscribe_comment_activity": "unsubscribe_comment_activity",
    "join": "leave",
}
"""The native action that ends what another one has begun; in GraphQL all are `complete`."""


# -- native streams ------------------------------------------------------------------------------


class NativeSession:
    """Frames of the router's socket: ``{"stream", "payload": {"action", "request_id", ...}}``."""

    def __init__(self, router: Router, user: Any) -> None:
        self.router, self.anonymous = router, not user.is_authenticated
        self.mail: defaultdict[Any, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self.request_ids = itertools.count(1)
        self.socket: Socket | None = None

    def hear(self, frame: dict[str, Any]) -> None:
        self.mail[frame["payload"]["request_id"]].put_nowait(frame["payload"])

    def send(self, stream: str, action: str, arguments: Arguments, id: int) -> None:
        assert self.socket is not None
        payload = {"action": action, "request_id": id, **arguments}
        self.socket.send({"stream": stream, "payload": payload})

    async def ask(self, stream: str, action: str, arguments: Arguments) -> dict[str, Any]:
        """Send a frame and wait for its reply."""
        id = next(self.request_ids)
        self.send(stream, action, arguments, id)
        reply: dict[str, Any] = await arrival(self.mail[id])
        return reply

    def answer(self, operation: Operation, frame: dict[str, Any], arguments: Arguments) -> Answer:
        status = frame["response_status"]
        if status >= 400:
            # A view that refuses says why in its data, as upstream's do.
            errors = frame["errors"] or errors_in(frame["data"])
            return Answer(refusal=native_refusal(status, errors, anonymous=self.anonymous))
        assert frame["errors"] == []
        if operation.shape == "key":
            assert (status, frame["data"]) == (204, None)
            return Answer(str(arguments["pk"]))
        return Answer(data_of(frame["data"], root_field(self.router.schema, operation).type))

    async def call(self, operation: Operation, arguments: Arguments) -> Answer:
        frame = await self.ask(operation.stream, operation.action, arguments)
        assert frame["action"] == operation.action
        return self.answer(operation, frame, arguments)

    async def watch(self, operation: Operation, arguments: Arguments) -> Watch:
        id = next(self.request_ids)
        self.send(operation.stream, operation.action, arguments, id)
        watch = NativeWatch(self, operation, arguments, id)
        reply = await arrival(self.mail[id])
        # The reply to the subscription of a list is the list.
        if reply["response_status"] >= 400 or operation.shape == "live":
            self.mail[id].put_nowait(reply)
        else:
            assert reply["response_status"] in (201, 204)
        return watch

    async def pages(self, operation: Operation, arguments: Arguments) -> list[Answer]:
        id = next(self.request_ids)
        self.send(operation.stream, operation.action, arguments, id)
        answers = []
        while True:
            frame = await arrival(self.mail[id])
            answers.append(self.answer(operation, frame, arguments))
            page = frame["data"]
            if page is None or page["offset"] + page["limit"] >= page["count"]:
                break
        # This is answered last: nothing was to come after the last page.
        self.send(operation.stream, "list_cancel", {}, id)
        assert (await arrival(self.mail[id]))["action"] == "list_cancel"
        return answers

    async def turn(self, stream: str) -> None:
        await self.ask(stream, "list", {})


def errors_in(data: Any) -> list[Any]:
    return [data] if isinstance(data, dict) else list(data or ())


class NativeWatch:
    """The frames of one request_id."""

    def __init__(
        self, session: NativeSession, operation: Operation, arguments: Arguments, id: int
    ) -> None:
        self.session, self.operation, self.arguments, self.id = session, operation, arguments, id

    def waits(self) -> bool:
        return not self.session.mail[self.id].empty()

    async def next(self) -> Answer | None:
        frame = await arrival(self.session.mail[self.id])
        if frame["response_status"] >= 400:
            return self.session.answer(self.operation, frame, self.arguments)
        return Answer(event_of(self.operation, self.session.router.schema, frame))

    async def end(self) -> None:
        action = ENDING[self.operation.action]
        self.session.send(self.operation.stream, action, self.arguments, self.id)
        assert (await arrival(self.session.mail[self.id]))["response_status"] == 204


class NativeClient:
    """Native streams over the router's socket."""

    name = "native"
    kinds = frozenset({"query", "mutation", "subscription"})

    @asynccontextmanager
    async def connect(self, router: Router, user: Any) -> AsyncIterator[NativeSession]:
        session = NativeSession(router, user)
        async with open_socket(router.as_asgi(), user, [], session.hear) as session.socket:
            yield session


# -- GraphQL -------------------------------------------------------------------------------------


def answer_of(operation: Operation, result: Mapping[str, Any]) -> Answer:
    """A result, or the errors of a request that was refused before it was executed."""
    if errors := result.get("errors"):
        [error] = errors[:1] if result.get("data") is None else errors
        assert not any((result.get("data") or {}).values())
        return Answer(refusal=graphql_refusal(error))
    data = result["data"][operation.name]
    if operation.shape in ("event", "live"):
        # Natively a handler is told it, and its frame says what it likes of that.
        data = {name: value for name, value in data.items() if name != "changedFields"}
    return Answer(data)


def request_of(router: Router, operation: Operation, arguments: Arguments) -> dict[str, Any]:
    variables = variables_of(router.schema, operation, arguments)
    return {"query": document(router.schema, operation, variables), "variables": variables}


class SocketSession:
    """Messages of ``graphql-transport-ws``."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.mail: defaultdict[Any, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self.ids = map(str, itertools.count(1))
        self.socket: Socket | None = None

    def hear(self, message: dict[str, Any]) -> None:
        self.mail[message.get("id")].put_nowait(message)

    def start(self, operation: Operation, arguments: Arguments) -> str:
        assert self.socket is not None
        id, payload = next(self.ids), request_of(self.router, operation, arguments)
        self.socket.send({"type": "subscribe", "id": id, "payload": payload})
        return id

    async def call(self, operation: Operation, arguments: Arguments) -> Answer:
        answers = await self.pages(operation, arguments)
        assert len(answers) == 1
        return answers[0]

    async def pages(self, operation: Operation, arguments: Arguments) -> list[Answer]:
        watch = SocketWatch(self, operation, self.start(operation, arguments))
        answers = []
        while (answer := await watch.next()) is not None:
            answers.append(answer)
        return answers

    async def watch(self, operation: Operation, arguments: Arguments) -> Watch:
        watch = SocketWatch(self, operation, self.start(operation, arguments))
        # The protocol acknowledges no subscription, but calls on a stream take turns.
        await self.turn(operation.stream)
        return watch

    async def turn(self, stream: str) -> None:
        queries = (o for o in self.router.operations if (o.stream, o.kind) == (stream, "query"))
        await self.call(next(queries), {})


class SocketWatch:
    """The messages of one operation id."""

    def __init__(self, session: SocketSession, operation: Operation, id: str) -> None:
        self.session, self.operation, self.id = session, operation, id
        self.ended = False

    def waits(self) -> bool:
        return not self.session.mail[self.id].empty()

    async def next(self) -> Answer | None:
        if self.ended:
            return None
        message = await arrival(self.session.mail[self.id])
        match message["type"]:
            case "next":
                return answer_of(self.operation, message["payload"])
            case "error":
                self.ended = True
                return answer_of(self.operation, {"errors": message["payload"]})
            case kind:
                assert kind == "complete"
                self.ended = True
                return None

    async def end(self) -> None:
        assert self.session.socket is not None
        self.session.socket.send({"type": "complete", "id": self.id})
        await self.session.turn(self.operation.stream)


class SocketClient:
    """GraphQL over the router's socket."""

    name = "graphql-transport-ws"
    kinds = frozenset({"query", "mutation", "subscription"})

    @asynccontextmanager
    async def connect(self, router: Router, user: Any) -> AsyncIterator[SocketSession]:
        session = SocketSession(router)
        protocol = [self.name]
        async with open_socket(router.as_asgi(), user, protocol, session.hear) as session.socket:
            session.socket.send({"type": "connection_init"})
            assert (await arrival(session.mail[None]))["type"] == "connection_ack"
            yield session


class HTTPSession:
    """One request per call; the user is whom the middleware would have found."""

    def __init__(self, router: Router, user: Any) -> None:
        self.router, self.user, self.view = router, user, router.graphql_view()

    async def call(self, operation: Operation, arguments: Arguments) -> Answer:
        body = json.dumps(request_of(self.router, operation, arguments))
        request = AsyncRequestFactory().post("/graphql/", body, content_type="application/json")
        request.user = self.user
        response = await self.view(request)
        return answer_of(operation, json.loads(response.content))

    async def watch(self, operation: Operation, arguments: Arguments) -> Watch:
        raise AssertionError("a subscription has no place in one response")

    async def pages(self, operation: Operation, arguments: Arguments) -> list[Answer]:
        raise AssertionError("a subscription has no place in one response")

    async def turn(self, stream: str) -> None:
        """Requests have nothing to wait for."""


class HTTPClient:
    """GraphQL over HTTP."""

    name = "http"
    kinds = frozenset({"query", "mutation"})

    @asynccontextmanager
    async def connect(self, router: Router, user: Any) -> AsyncIterator[HTTPSession]:
        yield HTTPSession(router, user)


CLIENTS: tuple[Client, ...] = (NativeClient(), SocketClient(), HTTPClient())


def clients_of(kind: str) -> list[Client]:
    """The clients that can ask for operations of a kind, the native one first."""
    return [client for client in CLIENTS if kind in client.kinds]
