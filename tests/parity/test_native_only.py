"""What only a native client can say, and what becomes of the nearest thing in GraphQL."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from examples.board.api import router
from tests.parity.clients import NativeClient, SocketClient
from tests.parity.native_only import ACTIONS, FRAMES, Inexpressible
from tests.parity.sockets import arrival
from tests.parity.world import Rows, dump, visitor


async def native_reply(stream: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The reply to one frame, asked by the author."""
    async with NativeClient().connect(router, visitor("author")) as session:
        arguments = {key: value for key, value in payload.items() if key != "action"}
        return await session.ask(stream, payload["action"], arguments)


async def graphql_message(document: str) -> dict[str, Any]:
    """The first message that answers a document, asked by the author."""
    async with SocketClient().connect(router, visitor("author")) as session:
        assert session.socket is not None
        session.socket.send({"type": "subscribe", "id": "1", "payload": {"query": document}})
        message: dict[str, Any] = await arrival(session.mail["1"])
        return message


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.title)
async def test_what_graphql_cannot_say_is_refused_before_anything_is_called(
    frame: Inexpressible, before: Rows
) -> None:
    message = await graphql_message(frame.document)
    assert message["type"] == "error"
    assert {error["extensions"]["code"] for error in message["payload"]} == {frame.code}
    assert await sync_to_async(dump)() == before
    reply = await native_reply(frame.stream, frame.payload)
    assert reply["response_status"] == frame.status, frame.reason


@pytest.mark.parametrize("place", ACTIONS, ids=".".join)
async def test_what_ends_something_has_no_field(place: tuple[str, str], before: Rows) -> None:
    """Where there is nothing to end, natively that is no error, or there is nothing to find."""
    stream, action = place
    arguments: dict[str, Any] = {"pk": 1, "board": 1, "card": 101}
    reply = await native_reply(stream, {"action": action, **arguments})
    assert reply["response_status"] in (204, 404)
    assert not any((o.stream, o.action) == place for o in router.operations), ACTIONS[place]
