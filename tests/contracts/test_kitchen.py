"""The contracts of an application that has one of everything, and frames of it."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.test import override_settings
from jsonschema import Draft202012Validator, FormatChecker

from dcrf_graph.contracts.asyncapi import asyncapi
from dcrf_graph.contracts.frames import frames
from tests.kitchen.consumers import kitchen
from tests.kitchen.evening import EVENING, ORDER, Ask, happen, stock
from tests.parity.sockets import Socket, arrival, open_socket

pytestmark = pytest.mark.django_db(transaction=True)


@cache
def contract() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(frames("kitchen", kitchen().registry.values()))
    return found


def problems(name: str, frame: Any) -> list[str]:
    """What is wrong with a frame, by one of the contract's definitions."""
    schema = {**contract(), "anyOf": [{"$ref": f"#/$defs/{name}"}]}
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [error.message[:300] for error in validator.iter_errors(frame)]


def references(value: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_contract_is_a_json_schema_without_loose_ends() -> None:
    Draft202012Validator.check_schema(contract())
    names = {reference.removeprefix("#/$defs/") for reference in references(contract())}
    assert names <= set(contract()["$defs"])


def test_the_description_of_its_sockets_has_no_loose_ends() -> None:
    document = json.loads(asyncapi("kitchen", kitchen().registry.values(), kitchen().operations))
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]


class Client:
    """A native client that checks what it sends and what it gets."""

    def __init__(self) -> None:
        self.mail: defaultdict[Any, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

    def hear(self, frame: dict[str, Any]) -> None:
        self.mail[frame["payload"]["request_id"]].put_nowait(frame)

    async def payload(self, request_id: int, name: str) -> dict[str, Any]:
        """The next payload under a request_id, which is to be one of the contract's."""
        frame = await arrival(self.mail[request_id])
        assert problems("server_frame", frame) == [], frame
        payload: dict[str, Any] = frame["payload"]
        assert problems("error_frame" if payload["errors"] else name, payload) == [], payload
        return payload

    async def ask(self, socket: Socket, ask: Ask, request_id: int) -> None:
        """Ask, read every reply, let happen what is to be heard, and hear it."""
        payload = {"action": ask.action, "request_id": request_id, **ask.keys}
        frame = {"stream": ask.stream, "payload": payload}
        assert ask.refused == 400 or problems("client_frame", frame) == []
        socket.send(frame)
        for _ in range(ask.replies):
            reply = await self.payload(request_id, f"{ask}.reply")
            assert (reply["response_status"] < 300) is (ask.refused is None), reply
            assert ask.refused in (None, reply["response_status"])
        if ask.after:
            await sync_to_async(happen)(ask.after)
            await self.payload(request_id, f"{ask}.event")


async def test_every_frame_of_an_evening_is_as_promised(subtests: pytest.Subtests) -> None:
    """Each action of each consumer: its request, all its replies, and its event."""
    await sync_to_async(stock)()
    client = Client()
    with override_settings(ROOT_URLCONF="tests.kitchen.urls"):
        async with open_socket(kitchen().as_asgi(), AnonymousUser(), (), client.hear) as socket:
            for number, ask in enumerate(EVENING):
                with subtests.test(str(ask)):
                    await client.ask(socket, ask, number)


def test_no_action_is_left_out_of_the_evening() -> None:
    streams = contract()["$defs"]["streams"]["properties"]
    actions = {f"{name}.{a}" for name, stream in streams.items() for a in stream["properties"]}
    assert {str(ask) for ask in EVENING} == actions
    heard = {name for name in actions if "event" in streams_of(streams, name)["properties"]}
    assert {str(ask) for ask in EVENING if ask.after} == heard


def streams_of(streams: Any, name: str) -> Any:
    stream, action = name.split(".")
    return streams[stream]["properties"][action]


def test_an_order_of_no_kind_is_not_as_promised() -> None:
    assert problems("Order", ORDER) == []
    assert problems("Order", {**ORDER, "kind": "away"})
    assert problems("Order", {"kind": "in", "guest": "Ada"})
    assert problems("OrderInput", ORDER) == []
    assert problems("OrderInput", {"guest": "Ada", "table": 1})
    assert problems("OrderInput", {**ORDER, "until": None})
