"""What the running router says and accepts is what its JSON Schema says."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dcrf_graph.contracts.frames import frames
from examples.board.api import router
from tests.contracts.recording import Exchange, contract, is_valid, problems, record
from tests.parity.world import Rows

pytestmark = pytest.mark.long

UNHEARD = {"activities.list_cancel.reply"}
"""What need not be heard: a list is mostly done before it can be cancelled."""


def actions_of(stream: str) -> set[str]:
    consumer = router.registry[stream].consumer
    return set(getattr(consumer, "actions", None) or consumer.available_actions)


def parts_of(exchange: Exchange) -> list[tuple[str, dict[str, Any]]]:
    """The payloads of an exchange by the names of their definitions."""
    parts = [("reply", reply) for reply in exchange.replies]
    parts += [("event", event) for event in exchange.events]
    return [
        (f"{exchange.name}.{part}" if not payload["errors"] else "error_frame", payload)
        for part, payload in parts
    ]


def promised(stream: str) -> set[str]:
    """What may be heard of a stream."""
    names = contract()["$defs"]
    return {name for name in names if name.startswith(f"{stream}.")} - {
        f"{stream}.{action}.request" for action in actions_of(stream)
    }


@pytest.mark.parametrize("stream", router.registry)
async def test_every_frame_of_a_stream_is_as_promised(
    stream: str, before: Rows, subtests: pytest.Subtests
) -> None:
    """Replies, refusals, events, and the requests that were accepted; each kind occurs."""
    exchanges = await record(stream)
    heard = set()
    for exchange in exchanges:
        with subtests.test(f"{exchange.name}: {exchange.request}"):
            frame = {"stream": stream, "payload": exchange.request}
            assert not exchange.accepted or problems("client_frame", frame) == []
            for name, payload in parts_of(exchange):
                heard.add(name)
                assert problems(name, payload) == []
    assert promised(stream) - heard <= UNHEARD
    assert {exchange.request["action"] for exchange in exchanges} == actions_of(stream)


def test_the_contract_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(contract())


FRAME = {"stream": "cards", "payload": {"action": "move", "request_id": 7, "pk": 1, "column": 2}}
REPLY = {
    "errors": [],
    "data": {"id": 1, "name": "Urgent", "colour": "rose"},
    "action": "patch",
    "response_status": 200,
    "request_id": 7,
}


def changed(frame: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with something else at ``payload.pk``; None takes it away."""
    found = copy.deepcopy(frame)
    *parents, last = path.split(".")
    place = found
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return found


def test_a_request_as_documented_is_valid() -> None:
    assert is_valid("client_frame", FRAME)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stream", None),
        ("stream", "trucks"),
        ("payload", None),
        ("payload", [1]),
        ("payload.action", None),
        ("payload.action", "fly"),
        ("payload.request_id", [7]),
        ("payload.pk", None),
        ("payload.pk", "one"),
        ("payload.column", 2.5),
        ("payload.colour", "red"),
    ],
)
def test_a_request_that_the_consumer_would_not_understand_is_invalid(path: str, value: Any) -> None:
    assert not is_valid("client_frame", changed(FRAME, path, value))


def test_the_data_of_a_request_is_that_of_its_serializer() -> None:
    create = {"action": "create", "data": {"title": "Paint", "column": 2}}
    assert is_valid("cards.create.request", create)
    assert not is_valid("cards.create.request", changed(create, "data.column", None))
    assert not is_valid("cards.create.request", changed(create, "data.due", "tomorrow"))
    assert not is_valid("cards.create.request", changed(create, "data.title", "x" * 141))
    assert not is_valid("cards.create.request", changed(create, "data.position", 1))


def test_a_patch_may_leave_out_what_a_creation_must_have() -> None:
    assert is_valid("cards.patch.request", {"action": "patch", "pk": 1, "data": {}})


def test_a_subscription_needs_a_request_id_for_its_events() -> None:
    assert not is_valid(
        "cards.subscribe_instance.request", {"action": "subscribe_instance", "pk": 1}
    )


def test_a_reply_as_documented_is_valid() -> None:
    assert is_valid("labels.patch.reply", REPLY)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data", None),
        ("data.id", None),
        ("data.id", "1"),
        ("data.colour", "red"),
        ("errors", ["No."]),
        ("action", "update"),
        ("response_status", 201),
        ("response_status", 404),
        ("request_id", {}),
    ],
)
def test_a_reply_of_another_shape_is_invalid(path: str, value: Any) -> None:
    assert not is_valid("labels.patch.reply", changed(REPLY, path, value))


def test_the_schema_is_the_same_on_every_run() -> None:
    texts = {frames("board", router.registry.values()) for _ in range(2)}
    assert texts == {json.dumps(contract(), indent=2) + "\n"}
