"""The demo under each ASGI server: a query, a mutation, and an event of each kind of stream."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.e2e.demo import QUIET, REST, ROOT, START, Demo, answers, eventually, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.long]

APPLICATION = "examples.board.asgi:application"
SERVERS = {
    "daphne": ["daphne", "-b", "127.0.0.1", "-p", "{port}", APPLICATION],
    "uvicorn": [
        *("uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--lifespan", "off"),
        *("--log-level", "warning", APPLICATION),
    ],
    "hypercorn": ["hypercorn", "-b", "127.0.0.1:{port}", APPLICATION],
    "granian": [
        *("granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", "{port}"),
        *("--log-level", "warning", APPLICATION),
    ],
}
MOVE = "mutation($id: ID!, $to: Int!) { cardMove(id: $id, column: $to) { id } }"
ACTIVITY = "subscription($board: Int!) { cardActivity(board: $board) { id action } }"
PATIENCE = 15.0


WSGI = ["django", "runserver", "--noreload", "--nothreading", "127.0.0.1:{port}"]
"""Django's own server, which speaks WSGI where daphne's is not installed in the project."""


@pytest.fixture(params=SERVERS)
def demo(request: pytest.FixtureRequest, tmp_path: Path, seeded: Path) -> Iterator[Demo]:
    """The demo, served by one of them."""
    yield from served(tmp_path, seeded, SERVERS[request.param])


@pytest.fixture
def wsgi_demo(tmp_path: Path, seeded: Path) -> Iterator[Demo]:
    """The demo under WSGI."""
    yield from served(tmp_path, seeded, WSGI)


def served(tmp_path: Path, seeded: Path, words: list[str]) -> Iterator[Demo]:
    """The demo on a copy of a database, served by a command; it must leave at SIGINT or SIGTERM."""
    shutil.copyfile(seeded, tmp_path / "board.sqlite3")
    port, log = free_port(), tmp_path / "server.log"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "examples.board.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'board.sqlite3'}",
        "REDIS_URL": "",
        "PYTHONUNBUFFERED": "1",
    }
    program, *options = [part.format(port=port) for part in words]
    command = [str(Path(sys.executable).parent / program), *options]
    if program == "django":
        command = [sys.executable, "-m", program, *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    demo = Demo(f"http://127.0.0.1:{port}", process, log)
    try:
        assert eventually(lambda: answers(demo), True, START), log.read_text()
        assert process.poll() is None, log.read_text()
        yield demo
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=REST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """Run a query or a mutation."""
    response = await client.post("/graphql/", json={"query": query, "variables": variables})
    result: dict[str, Any] = response.json()
    assert "errors" not in result, result
    data: dict[str, Any] = result["data"]
    return data


@asynccontextmanager
async def events(client: httpx.AsyncClient, board: int) -> AsyncIterator[AsyncIterator[Any]]:
    """The results of a subscription by server-sent events."""
    payload = {"query": ACTIVITY, "variables": {"board": board}}
    headers = {"Accept": "text/event-stream"}
    async with client.stream("POST", "/graphql/", json=payload, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")

        async def results() -> AsyncIterator[Any]:
            async for line in response.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

        yield results()


@asynccontextmanager
async def frames(url: str, board: int) -> AsyncIterator[AsyncIterator[Any]]:
    """The results of a subscription by graphql-transport-ws."""
    address = f"{url.replace('http', 'ws', 1)}/ws/"
    payload = {"query": ACTIVITY, "variables": {"board": board}}
    async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send('{"type": "connection_init"}')
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

        async def results() -> AsyncIterator[Any]:
            async for text in socket:
                frame = json.loads(text)
                assert frame["type"] == "next", frame
                yield frame["payload"]

        yield results()


async def closing(url: str, subprotocol: str, text: str) -> int | None:
    """The code with which the server closes a socket on which this was sent."""
    address = f"{url.replace('http', 'ws', 1)}/ws/"
    async with connect(address, subprotocols=[Subprotocol(subprotocol)]) as socket:
        # A server that speaks nothing of what was offered does not wait for it.
        with suppress(ConnectionClosed):
            await socket.send(text)
        await socket.wait_closed()
    return socket.close_code


async def subscribed(demo: Demo, count: int) -> None:
    """Wait until there are so many subscriptions."""
    seen = await asyncio.to_thread(
        eventually, lambda: demo.health()["subscriptions"], count, PATIENCE
    )
    assert seen == count


async def test_under_wsgi_there_are_queries_and_mutations_and_no_streams(wsgi_demo: Demo) -> None:
    async with httpx.AsyncClient(base_url=wsgi_demo.url, timeout=PATIENCE) as client:
        cards = (await ask(client, "{ cards { results { id column } } }"))["cards"]["results"]
        moved = await ask(client, MOVE, id=cards[0]["id"], to=int(cards[0]["column"]))
        assert moved["cardMove"] == {"id": cards[0]["id"]}
        headers = {"Accept": "text/event-stream, application/json"}
        payload = {"query": ACTIVITY, "variables": {"board": 1}}
        refused = (await client.post("/graphql/", json=payload, headers=headers)).json()
        assert "needs an ASGI server" in refused["errors"][0]["message"]
    assert await asyncio.to_thread(wsgi_demo.settled) == QUIET


async def test_queries_mutations_and_both_kinds_of_streams(demo: Demo) -> None:
    async with (
        asyncio.timeout(90),
        httpx.AsyncClient(base_url=demo.url, timeout=PATIENCE) as client,
    ):
        cards = (await ask(client, "{ cards { results { id board column } } }"))["cards"]["results"]
        card, board = cards[0], int(cards[0]["board"])
        # What is moved to where it is does not change.
        columns = {int(each["column"]) for each in cards if int(each["board"]) == board}
        other = max(columns - {int(card["column"])})
        async with events(client, board) as heard, frames(demo.url, board) as read:
            await subscribed(demo, 2)
            await ask(client, MOVE, id=card["id"], to=other)
            event = {"data": {"cardActivity": {"id": card["id"], "action": "UPDATE"}}}
            assert await anext(heard) == event
            assert await anext(read) == event
        await subscribed(demo, 0)
        assert await closing(demo.url, "graphql-transport-ws", "no message") == 4400
        assert await closing(demo.url, "soap", "<envelope/>") == 4406
    assert await asyncio.to_thread(demo.settled) == QUIET
    assert demo.troubles() == []
