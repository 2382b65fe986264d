"""The demo is told to end while a call runs: its reply arrives, then the socket closes."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.demo import Demo
from tests.e2e.http.test_servers import SERVERS, served

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PATIENCE = 20.0
LIST = {"action": "list", "request_id": 1}
CODES = {"uvicorn": 1012, "daphne": 4012, "granian": 1012, "hypercorn": 1012}
"""How each server lets a socket be closed; daphne has a range of its own."""
ONE_PROCESS = {"hypercorn": ["--workers", "0"]}
"""hypercorn's workers are not told by a signal; one process is."""


@pytest.fixture
def demo(request: pytest.FixtureRequest, tmp_path: Path, seeded: Path) -> Iterator[Demo]:
    words = [*SERVERS[request.param], *ONE_PROCESS.get(request.param, [])]
    yield from served(tmp_path, seeded, words)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "board.sqlite3", isolation_level=None)
    yield connection
    connection.close()


async def turned_away(demo: Demo) -> int | None:
    """How a socket is closed that is opened while the process ends.

    A server hands the signal on in its own time: who comes before that is let in, and tries again.
    """
    async with asyncio.timeout(PATIENCE):
        while True:
            async with connect(demo.url.replace("http", "ws", 1) + "/ws/") as socket:
                try:
                    async with asyncio.timeout(1):
                        return (await hear(socket))[1]
                except TimeoutError:
                    continue


async def hear(socket: ClientConnection) -> tuple[list[Any], int | None]:
    """What comes until the end, and the code of the end."""
    frames: list[Any] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                frames.append(json.loads(await socket.recv()))
    except ConnectionClosed as closed:
        return frames, closed.rcvd.code if closed.rcvd is not None else None


@pytest.mark.parametrize("demo", CODES, indirect=True)
async def test_what_runs_is_answered_before_the_end(
    demo: Demo, database: sqlite3.Connection, request: pytest.FixtureRequest
) -> None:
    """A writer of the database holds the call up until the server has been told."""
    async with connect(demo.url.replace("http", "ws", 1) + "/ws/") as socket:
        await socket.send(json.dumps({"stream": "cards", "payload": LIST}))
        card = json.loads(await socket.recv())["payload"]["data"]["results"][0]
        database.execute("BEGIN IMMEDIATE")
        move = {"action": "move", "request_id": 7, "pk": card["id"], "column": card["column"]}
        await socket.send(json.dumps({"stream": "cards", "payload": move}))
        await socket.send(json.dumps({"stream": "users", "payload": LIST}))
        assert json.loads(await socket.recv())["stream"] == "users"  # so the call has begun
        demo.process.send_signal(signal.SIGTERM)
        late = await turned_away(demo)
        database.execute("ROLLBACK")
        frames, code = await hear(socket)
    assert [frame["payload"]["response_status"] for frame in frames] == [200]
    assert code == late == CODES[request.node.callspec.params["demo"]]
    assert demo.process.wait(timeout=PATIENCE) in (0, -signal.SIGTERM)
    assert demo.troubles() == []
