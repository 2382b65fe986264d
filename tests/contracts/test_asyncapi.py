"""The AsyncAPI document names every stream, action, reply and event of the router.

That it is one is the official parser's to say, in `tests/e2e/codegen`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from dcrf_graph.contracts.asyncapi import asyncapi
from examples.board.api import router


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        asyncapi("board", router.registry.values(), router.operations)
    )
    return found


def references(node: Any) -> Iterator[str]:
    """Every ``$ref`` inside."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        yield node["$ref"]
    for child in children:
        yield from references(child)


def found(reference: str) -> Any:
    node: Any = document()
    for key in reference.removeprefix("#/").split("/"):
        node = node[key]
    return node


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(document())):
        assert found(reference)


def test_the_socket_and_every_stream_are_channels() -> None:
    assert list(document()["channels"]) == [
        "socket",
        *(f"streams.{name}" for name in router.registry),
    ]


def test_every_field_of_graphql_is_named_beside_the_action_that_it_calls() -> None:
    operations = document()["operations"].values()
    named = {
        operation["x-graphql"]["field"] for operation in operations if "x-graphql" in operation
    }
    assert named == {operation.name for operation in router.operations}


def test_an_action_has_its_request_its_reply_and_its_refusal() -> None:
    move = document()["operations"]["cards.move"]
    assert move["action"] == "receive"
    assert move["summary"].startswith("Put a card at a position")
    (request,) = move["messages"]
    assert found(found(request["$ref"])["$ref"])["payload"] == {
        "type": "object",
        "properties": {
            "stream": {"const": "cards"},
            "payload": {"$ref": "#/components/schemas/cards.move.request"},
        },
        "required": ["stream", "payload"],
    }
    assert [each["$ref"].rpartition("/")[2] for each in move["reply"]["messages"]] == [
        "cards.move.reply",
        "cards.error",
    ]


def test_a_subscribing_action_is_also_one_that_sends_events() -> None:
    events = document()["operations"]["chat.join.events"]
    assert events["action"] == "send"
    assert [each["$ref"].rpartition("/")[2] for each in events["messages"]] == [
        "chat.join.event",
        "chat.gap",
        "chat.error",
    ]


def test_a_streamed_list_says_that_it_answers_more_than_once() -> None:
    assert "several replies" in document()["operations"]["activities.list"]["description"]
    assert "description" not in document()["operations"]["cards.list"]


def test_actions_that_graphql_leaves_out_are_there() -> None:
    assert {"chat.leave", "activities.list_cancel"} <= document()["operations"].keys()
