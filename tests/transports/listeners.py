"""One user who listens to notes on each transport, and shows credentials as that transport can."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import AccessToken

from dcrf_graph.changes.hub import hub
from dcrf_graph.permissions import BasePermission
from dcrf_graph.routers import Router
from tests.testapp.models import Note
from tests.transports.desk import DeskConsumer, NoteConsumer
from tests.transports.http_stream import PATIENCE, Exchange, events
from tests.transports.sockets import Client, Closed

ACTIVITY = "subscription { noteActivity { data { text } } }"
LAST = "last, after which nothing comes"

make_note = database_sync_to_async(Note.objects.create)


class MayRead(BasePermission):
    """Asks Django's backends, which keep their answer on the user."""

    def has_permission(self, scope: Any, consumer: Any, action: str, **kw: Any) -> bool:  # type: ignore[override]
        return bool(scope["user"].has_perm("testapp.view_note"))


class SecretNoteConsumer(NoteConsumer):
    permission_classes = (MayRead,)


router = Router()
router.register("notes", SecretNoteConsumer)
router.register("desk", DeskConsumer)


def reader(name: str = "ada") -> User:
    """A user who may read notes."""
    user = User.objects.create_user(name, password="difference")
    user.user_permissions.add(Permission.objects.get(codename="view_note"))
    return user


Headers = dict[str, str]


def by_session(user: User) -> Headers:
    """Log in: the cookie of a new session."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"cookie": f"sessionid={session.session_key}"}


def by_token(user: User) -> Headers:
    """DRF's own token."""
    return {"authorization": f"Token {Token.objects.get_or_create(user=user)[0].key}"}


def by_jwt(user: User) -> Headers:
    """A token of simplejwt, which holds for five minutes."""
    return {"authorization": f"Bearer {AccessToken.for_user(user)}"}


@dataclass
class End:
    """How a transport ended: the statuses of its errors, and the code of a socket that closed."""

    errors: list[int] = field(default_factory=list)
    code: int | None = None


def behind_middleware(application: Any) -> Any:
    """Channels' own stack, which finds the user of a session."""
    stack: Any = AuthMiddlewareStack(application)

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await stack({name: scope[name] for name in scope if name != "user"}, receive, send)

    return serve


class Listener:
    """Somebody who listens, from ``begin`` to ``leave``."""

    name: ClassVar[str]

    def __init__(self, headers: Headers) -> None:
        self.headers = headers

    async def begin(self) -> None:
        """Subscribe; what is written afterwards is heard."""
        raise NotImplementedError

    async def text(self) -> str:
        """The text of the note that is heard of next."""
        raise NotImplementedError

    async def end(self) -> End:
        """Wait for the end; fails if a note is heard of."""
        raise NotImplementedError

    def stop(self) -> None:
        """Read no more."""
        raise NotImplementedError

    def go_on(self) -> None:
        """Read on."""
        raise NotImplementedError

    async def leave(self) -> None:
        """Go away."""
        raise NotImplementedError


class SocketListener(Listener):
    """On a WebSocket."""

    subprotocols: ClassVar[list[str]] = []

    def application(self) -> Any:
        return router.as_asgi()

    async def connect(self) -> None:
        """Open the socket, with the headers that it has."""
        given = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        self.client = Client(
            behind_middleware(self.application()),
            headers=[(b"host", b"testserver"), *given],
            subprotocols=self.subprotocols,
        )
        assert (await self.client.connect())["type"] == "websocket.accept"

    async def begin(self) -> None:
        await self.connect()
        await self.subscribe()

    async def subscribe(self) -> None:
        """Ask for the notes."""
        raise NotImplementedError

    def read(self, frame: Any) -> tuple[int, Any]:
        """The status of a frame of the subscription, and the note in it."""
        raise NotImplementedError

    async def text(self) -> str:
        status, note = self.read(await self.client.frame())
        assert status < 400
        return str(note["text"])

    async def end(self) -> End:
        end = End()
        while True:
            try:
                frame = await self.client.frame()
            except Closed as closed:
                end.code = closed.code
                return end
            status, note = self.read(frame)
            if status >= 400:
                end.errors.append(status)
            assert note is None, f"heard of {note}"

    async def refusal(self) -> int:
        """The status of the error that comes; what is no event may come before it."""
        status = 0
        while not status:
            status, note = self.read(await self.client.frame())
            assert note is None
        return status

    async def show(self, data: Any) -> None:
        """Show credentials, or other ones, on the open socket."""
        raise NotImplementedError

    async def renewed(self, data: Any) -> Any:
        """Show credentials: ``{"expires": ...}``, or ``{"errors": [...]}``."""
        raise NotImplementedError

    async def authenticate(self, data: Any) -> Any:
        """Show credentials: the errors, or none."""
        return (await self.renewed(data)).get("errors", [])

    def stop(self) -> None:
        self.client.reads.clear()

    def go_on(self) -> None:
        self.client.reads.set()

    async def leave(self) -> None:
        await self.client.disconnect()


class Native(SocketListener):
    """Native streams."""

    name = "native"
    subscribed = 204

    def wrapped(self, payload: Any) -> Any:
        return {"stream": "notes", "payload": payload}

    def payload(self, frame: Any) -> Any:
        return frame["payload"]

    async def subscribe(self) -> None:
        await self.client.send(self.wrapped({"action": "subscribe_note_activity", "request_id": 1}))
        reply = self.payload(await self.client.frame())
        assert reply["response_status"] == 204, reply

    def read(self, frame: Any) -> tuple[int, Any]:
        payload = self.payload(frame)
        return payload["response_status"], payload["data"]

    async def show(self, data: Any) -> None:
        """Show credentials, or other ones."""
        frame = {"action": "authenticate", "request_id": "who", "data": data}
        await self.client.send(self.wrapped(frame))

    async def renewed(self, data: Any) -> Any:
        await self.show(data)
        reply = self.payload(await self.client.frame())
        assert reply["request_id"] == "who"
        return {"errors": reply["errors"]} if reply["errors"] else reply["data"]


class Single(Native):
    """One consumer, served alone."""

    name = "single"

    def application(self) -> Any:
        return SecretNoteConsumer.as_asgi()

    def wrapped(self, payload: Any) -> Any:
        return payload

    def payload(self, frame: Any) -> Any:
        return frame


class GraphQL(SocketListener):
    """graphql-transport-ws."""

    name = "graphql-transport-ws"
    subprotocols: ClassVar[list[str]] = ["graphql-transport-ws"]
    start, next = "subscribe", "next"

    async def introduce(self, payload: Any = None) -> Any:
        """Say who one is; the answer."""
        await self.client.send({"type": "connection_init", "payload": payload})
        return await self.client.frame()

    async def subscribe(self) -> None:
        assert (await self.introduce())["type"] == "connection_ack"
        before = hub.count()
        await self.client.send({"type": self.start, "id": "1", "payload": {"query": ACTIVITY}})
        await subscribers(before + 1)

    def read(self, frame: Any) -> tuple[int, Any]:
        payload = frame.get("payload") or {}
        if frame["type"] == "error":
            errors = payload if isinstance(payload, list) else [payload]
        elif frame["type"] == self.next:
            errors = payload.get("errors", [])
        else:
            return 0, None
        if errors:
            return errors[0]["extensions"]["status"], None
        return 200, payload["data"]["noteActivity"]["data"]

    async def show(self, data: Any) -> None:
        await self.client.send({"type": "ping", "payload": {"authenticate": data}})

    async def renewed(self, data: Any) -> Any:
        await self.show(data)
        pong = await self.client.frame()
        assert pong["type"] == "pong", pong
        return pong["payload"]["authenticate"]


class Legacy(GraphQL):
    """The older graphql-ws."""

    name = "graphql-ws"
    subprotocols: ClassVar[list[str]] = ["graphql-ws"]
    start, next = "start", "data"

    async def show(self, data: Any) -> None:
        await self.client.send({"type": "connection_init", "payload": data})

    async def renewed(self, data: Any) -> Any:
        await self.show(data)
        answer = await self.client.frame()
        if answer["type"] == "connection_error":
            return {"errors": [answer["payload"]]}
        return answer.get("payload", {"expires": None})


class Streamed(Listener):
    """Server-sent events."""

    name = "sse"
    accept = "text/event-stream"
    part = "\n\n"

    async def begin(self) -> None:
        before = hub.count()
        self.exchange = Exchange(ACTIVITY, self.accept, "POST", None, None, **self.headers)
        status, _ = await self.exchange.start()
        assert status == 200
        await subscribers(before + 1)

    def results(self, body: str) -> list[Any]:
        return [result for name, result in events(body) if name == "next"]

    async def text(self) -> str:
        body = ""
        while not (found := self.results(body)):
            body += await asyncio.wait_for(self.exchange.read(self.part), PATIENCE)
        return str(found[0]["data"]["noteActivity"]["data"]["text"])

    async def end(self) -> End:
        end = End()
        for result in self.results(await asyncio.wait_for(self.exchange.rest(), PATIENCE)):
            assert not result.get("data"), f"heard of {result}"
            end.errors += [error["extensions"]["status"] for error in result["errors"]]
        return end

    def stop(self) -> None:
        self.exchange.stop_reading()

    def go_on(self) -> None:
        self.exchange.go_on_reading()

    async def leave(self) -> None:
        await self.exchange.leave()


class Multipart(Streamed):
    """Apollo's multipart protocol."""

    name = "multipart"
    accept = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json'
    part = "\r\n--graphql"

    def results(self, body: str) -> list[Any]:
        texts = [part for part in body.split("\r\n") if part.startswith('{"payload"')]
        return [json.loads(text)["payload"] for text in texts]


SOCKETS: list[type[Any]] = [Native, Single, GraphQL, Legacy]
STREAMS: list[type[Any]] = [Streamed, Multipart]


async def subscribers(count: int) -> None:
    """Wait until there are so many."""
    async with asyncio.timeout(PATIENCE):
        while hub.count() != count:  # noqa: ASYNC110  (the hub tells nobody)
            await asyncio.sleep(0)
