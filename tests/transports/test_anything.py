"""Any input at each of the entry points, from end to end: an answer or a close, and no exception.

The example board is served by its own application. After each bundle of inputs what still runs has
to end, and a good request has to be answered: a call that hangs, or a fault that is answered with
"internal error", fails, and so does anything that is logged as an error.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.asgi import get_asgi_application
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.board.api import router
from tests.parity.world import restore, visitor
from tests.protocols.dialects import DIALECTS, INIT, Dialect
from tests.soak import Count
from tests.transports.anything import (
    IDS,
    NATIVE_FRAMES,
    STREAMS,
    graphql_frames,
    http_requests,
)
from tests.transports.sockets import PATIENCE, Client, Closed, quiet

pytestmark = pytest.mark.django_db(transaction=True)

BUNDLE = 20
"""Inputs of one connection."""
LAST = "the last one"
SUBSCRIBES = "subscription"
CODES = {4400, 4401, 4403, 4409, 4429, 1000}


class Bundles(Count):
    """A count of inputs, which come in bundles."""

    @property
    def settings(self) -> settings:
        return settings(
            super().settings,
            max_examples=max(self.now // BUNDLE, 1),
            suppress_health_check=list(HealthCheck),
        )


FRAMES = Bundles("frames of any kind to the board's streams", full=50_000, part=120)
MESSAGES = Bundles("frames of any kind to the board's GraphQL sockets", full=50_000, part=120)
REQUESTS = Bundles("HTTP requests of any kind to the board's view", full=20_000, part=80)


@pytest.fixture
def runner(caplog: pytest.LogCaptureFixture) -> Iterator[asyncio.Runner]:
    """One loop for all examples, over the rows of the parity suite."""
    restore()
    caplog.set_level(logging.ERROR)
    logging.getLogger("django.request").setLevel(logging.ERROR)
    with override_settings(ROOT_URLCONF="examples.board.urls"), asyncio.Runner() as runner:
        yield runner
    assert [record.getMessage() for record in caplog.records] == []


def check(result: Any) -> None:
    """Nothing in an answer says that the server failed."""
    text = json.dumps(result)
    assert "INTERNAL_SERVER_ERROR" not in text, text
    assert '"response_status": 500' not in text, text


async def send_frames(frames: list[str | bytes]) -> None:
    client = Client(router.as_asgi(), user=visitor("author"))
    try:
        assert (await client.connect())["type"] == "websocket.accept"
        for frame in frames:
            await client.send(frame)
        # Writes, as far as anybody knows: they wait for everything before them.
        waited = {name for name in STREAMS if any(f'"{name}"' in str(each) for each in frames)}
        waited.add("labels")
        for stream in waited:
            payload = {"action": "nothing", "request_id": LAST}
            await client.send({"stream": stream, "payload": payload})
        while waited:
            frame = await client.frame()
            check(frame)
            if frame["payload"]["request_id"] == LAST:
                assert frame["payload"]["response_status"] in (405, 403)
                waited.discard(frame["stream"])
    finally:
        await client.disconnect()
    await quiet()


async def hear_until(client: Client, last: Callable[[Any], bool]) -> int | None:
    """Read until this frame; the code with which the server closes, None where it does not."""
    try:
        while not last(frame := await client.frame()):
            check(frame)
        check(frame)
    except Closed as closed:
        return closed.code
    return None


def subscribed(frames: list[str | bytes]) -> list[str]:
    """The ids under which there may be subscriptions."""
    return [
        id for id in IDS if any(f'"id": "{id}"' in str(f) and SUBSCRIBES in str(f) for f in frames)
    ]


async def converse(frames: list[str | bytes], dialect: Dialect) -> None:
    client = Client(router.as_asgi(), user=visitor("author"), subprotocols=[dialect.name])
    try:
        await client.connect()
        await client.send(INIT)
        for frame in frames:
            await client.send(frame)
        await client.send(dialect.start(LAST, query="{ labels { name } }"))
        code = await hear_until(client, lambda frame: is_end(frame, LAST))
        if code is None:
            for id in subscribed(frames):
                await client.send(dialect.stop(id))
            # Answered by the one protocol, the end of the other.
            await client.send("{")
            code = await hear_until(client, lambda frame: "at character 1 " in str(frame)) or 4400
            # Everything else ends by itself.
            await quiet()
        assert code in CODES
    finally:
        await client.disconnect()
    await quiet()


def is_end(frame: Any, id: str) -> bool:
    return frame.get("id") == id and frame["type"] in ("complete", "error")


async def request(application: Any, cookie: str, asked: dict[str, Any]) -> None:
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    answer: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    headers = {"host": "testserver", "cookie": f"sessionid={cookie}", **asked["headers"]}
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked["method"],
        "path": "/graphql/",
        "query_string": asked["query_string"],
        "headers": [(name.encode(), value.encode("latin1")) for name, value in headers.items()],
    }
    await inbox.put({"type": "http.request", "body": asked["body"], "more_body": False})
    async with asyncio.timeout(PATIENCE):
        served = asyncio.ensure_future(application(scope, inbox.get, answer.put))
        head = await answer.get()
        assert head["status"] < 500, head
        type_ = dict(head["headers"]).get(b"Content-Type", b"").decode()
        body = b""
        while not type_.startswith(("text/event-stream", "multipart/mixed")):
            message = await answer.get()
            body += message["body"]
            if not message.get("more_body", False):
                break
        await inbox.put({"type": "http.disconnect"})
        await served
    if "json" in type_ and body:
        check(json.loads(body))
    await quiet()


def try_all(count: Bundles, of: st.SearchStrategy[Any], attempt: Callable[[Any], None]) -> None:
    """Generate bundles and try them; now and then the rows are put back that they have deleted."""
    number = itertools.count()

    @count.settings
    @given(st.lists(of, min_size=BUNDLE, max_size=BUNDLE))
    def each(bundle: list[Any]) -> None:
        if next(number) % 10 == 0:
            restore()
        attempt(bundle)

    each()


@FRAMES.mark
def test_any_native_frame_is_answered(runner: asyncio.Runner) -> None:
    try_all(FRAMES, NATIVE_FRAMES, lambda bundle: runner.run(send_frames(bundle)))


@MESSAGES.mark
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
def test_any_graphql_frame_is_answered_or_closes(runner: asyncio.Runner, dialect: Dialect) -> None:
    frames = graphql_frames(dialect.starting, dialect.stopping)
    try_all(MESSAGES, frames, lambda bundle: runner.run(converse(bundle, dialect)))


@REQUESTS.mark
def test_any_http_request_is_answered(runner: asyncio.Runner) -> None:
    application = get_asgi_application()

    def ask(bundle: list[dict[str, Any]]) -> None:
        cookie = session_of(User.objects.get(username="author"))
        for asked in bundle:
            runner.run(request(application, cookie, asked))

    try_all(REQUESTS, http_requests(), ask)


def session_of(user: User) -> str:
    """The cookie of a user who is logged in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)
