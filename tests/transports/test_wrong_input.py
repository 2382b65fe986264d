"""A wrong value is told with its place, whatever carries the operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import AsyncClient, override_settings
from django.urls import path

from tests.transports.desk import desk_router
from tests.transports.sockets import GRAPHQL, Client

router = desk_router()
urlpatterns = [path("graphql/", router.graphql_view())]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("desk", "nothing_left", "urls"),
]

CHANGED = "subscription ($id: ID!) { noteChanged(id: $id) { action } }"
CREATE = "mutation ($note: NoteInput!) { noteCreate(data: $note) { text } }"
WRONG = {"query": CREATE, "variables": {"note": {"text": ["a"]}}}


@pytest.fixture
def urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


async def over_http(operation: Any, accept: str) -> Any:
    """The errors of an answer, which may be JSON, one event, or a part."""
    response: Any = await AsyncClient().post(
        "/graphql/", operation, content_type="application/json", headers={"accept": accept}
    )
    if response.streaming:
        text = b"".join([part async for part in response.streaming_content]).decode()
    else:
        text = response.content.decode()
    result, _ = json.JSONDecoder().raw_decode(text, text.index('{"errors"'))
    return result["errors"]


async def over_a_socket(operation: Any, protocol: str, begin: str) -> Any:
    client = Client(router.as_asgi(), subprotocols=[protocol])
    try:
        await client.connect()
        await client.send({"type": "connection_init"})
        assert (await client.frame())["type"] == "connection_ack"
        await client.send({"type": begin, "id": "1", "payload": operation})
        while (frame := await client.frame())["type"] != "error":
            pass
        return frame["payload"]
    finally:
        await client.disconnect()


ACCEPT = {
    "json": "application/json",
    "response": "application/graphql-response+json",
    "sse": "text/event-stream",
    "multipart": "multipart/mixed;subscriptionSpec=1.0,application/json",
}


async def told_over(transport: str, operation: Any) -> Any:
    if transport in ACCEPT:
        (error,) = await over_http(operation, ACCEPT[transport])
    elif transport == GRAPHQL:
        (error,) = await over_a_socket(operation, GRAPHQL, "subscribe")
    else:
        error = await over_a_socket(operation, transport, "start")
    return error["extensions"]


@pytest.mark.parametrize("transport", [*ACCEPT, GRAPHQL, "graphql-ws"])
async def test_a_wrong_value_is_told_with_its_place(transport: str) -> None:
    told = await told_over(transport, WRONG)
    assert (told["code"], told["path"]) == ("BAD_USER_INPUT", ["note", "text"])
    assert list(told["fields"]) == ["text"]


@pytest.mark.parametrize("transport", ["sse", "multipart", GRAPHQL, "graphql-ws"])
async def test_so_is_that_of_a_subscription(transport: str) -> None:
    told = await told_over(transport, {"query": CHANGED, "variables": {"id": None}})
    assert told["path"] == ["id"]
