"""The contracts of an application that has one of everything, and frames of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import pytest
import pytest_asyncio
from django.contrib.auth.models import AnonymousUser
from django.test import override_settings
from jsonschema import Draft202012Validator, FormatChecker

from dcrf_graph.contracts.asyncapi import asyncapi
from dcrf_graph.contracts.frames import frames
from tests.kitchen.consumers import kitchen
from tests.parity.sockets import arrival, open_socket

pytestmark = pytest.mark.django_db(transaction=True)

SUPPLIER = {"name": "A", "code": "a"}
ORDER = {"kind": "in", "guest": "Ada", "table": 1}
TABLE = {"number": 1, "seats": 4, "near": "door"}


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

    def __init__(self, socket: Any, heard: asyncio.Queue[Any]) -> None:
        self.socket = socket
        self.heard = heard

    async def ask(self, stream: str, action: str, **keys: Any) -> Any:
        """The data of an action that has to succeed."""
        frame = {"stream": stream, "payload": {"action": action, "request_id": 1, **keys}}
        assert problems("client_frame", frame) == []
        self.socket.send(frame)
        answer = await arrival(self.heard)
        assert answer["payload"]["errors"] == []
        assert answer["payload"]["response_status"] < 300, answer
        assert problems("server_frame", answer) == []
        assert problems(f"{stream}.{action}.reply", answer["payload"]) == []
        return answer["payload"]["data"]


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    with override_settings(ROOT_URLCONF="tests.kitchen.urls"):
        application = kitchen().as_asgi()
        async with open_socket(application, AnonymousUser(), (), heard.put_nowait) as socket:
            yield Client(socket, heard)


async def test_rows_are_answered_as_promised(client: Client) -> None:
    await client.ask("guests", "add_supplier", supplier=SUPPLIER)
    await client.ask("suppliers", "patch", code="a", data={"country": "NL"})
    await client.ask("suppliers", "retrieve", code="a")
    await client.ask("suppliers", "list", query={"page": "1"})
    await client.ask("tags", "create", data={"name": "hot"})
    await client.ask("tags", "list")


@pytest.mark.parametrize(
    ("stream", "action", "keys"),
    [
        ("dishes", "measure", {"pk": 1}),
        ("dishes", "suggest_tags", {"text": "a"}),
        ("dishes", "search", {"text": "a"}),
        ("dishes", "warm_up", {"pk": 1}),
        ("dishes", "preheat", {"degrees": 180.5}),
        ("dishes", "burn", {}),
        ("dishes", "tick", {"until": 2}),
        ("dishes", "watch_orders", {}),
        ("guests", "book", {"booking": {"guests": 2, "day": "2026-11-22", "table": TABLE}}),
        ("guests", "add_supplier", {"supplier": SUPPLIER}),
        ("guests", "order", {"order": ORDER}),
    ],
)
async def test_answers_are_as_promised(
    stream: str, action: str, keys: dict[str, Any], client: Client
) -> None:
    await client.ask(stream, action, **keys)


async def test_wrapped_views_answer_as_promised(client: Client) -> None:
    made = await client.ask("vendors", "create", data=SUPPLIER)
    await client.ask("vendors", "list", query={"search": "A"})
    key = {"pk": made["id"]}
    await client.ask("partners", "patch", parameters=key, data={"country": "NL"})
    assert (await client.ask("partners", "retrieve", parameters=key))["country"] == "NL"


def test_an_order_of_no_kind_is_not_as_promised() -> None:
    assert problems("Order", ORDER) == []
    assert problems("Order", {**ORDER, "kind": "away"})
    assert problems("Order", {"kind": "in", "guest": "Ada"})
