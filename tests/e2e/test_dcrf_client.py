"""dcrf-client from npm, the client of upstream's consumers, against the running demo.

By the router, and by channelsmultiplexer, for which it was written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e
PROGRAM = "dcrf_client.mjs"

Play: TypeAlias = Callable[[str], Any]
"""Plays a scenario."""


@pytest.fixture(params=["router", "channelsmultiplexer"])
def play(request: pytest.FixtureRequest) -> Play:
    """By either of both."""
    if request.param == "router":
        demo: Demo = request.getfixturevalue("demo")
        return lambda scenario: demo.play(PROGRAM, scenario)
    extended: Demo = request.getfixturevalue("extended")
    return lambda scenario: extended.play(PROGRAM, scenario, SOCKET_PATH="/multiplexed/")


def test_it_creates_lists_retrieves_updates_patches_and_deletes(play: Play) -> None:
    seen = play("everyAction")
    columns = seen["columns"]
    card = seen["created"]
    assert (card["title"], card["column"], card["board"]) == (
        "Lend umbrellas",
        columns["Ideas"],
        seen["board"],
    )
    assert seen["listed"] == {"keys": ["count", "results", "limit", "offset"], "card": card}
    assert seen["labels"] == ["Building", "Catalogue", "Events", "People", "Urgent"]
    assert seen["retrieved"] == card
    updated = {"column": columns["Next"], "title": "Lend sun hats", "estimate": "1.5"}
    assert seen["updated"] == card | updated | {"position": seen["next"]}
    assert seen["patched"] == seen["updated"] | {"status": "blocked"}
    assert seen["moved"] == seen["patched"] | {"column": columns["Done"], "position": 0}
    assert seen["deleted"] is None
    assert seen["gone"]["response_status"] == 404


def test_a_refused_request_rejects_with_the_reply_and_the_client_goes_on(demo: Demo) -> None:
    """By the router alone: channelsmultiplexer closes at a stream that it does not know."""
    seen = demo.play(PROGRAM, "refusals")
    assert {name: seen[name]["response_status"] for name in seen if name != "after"} == {
        "missing": 404,
        "invalid": 400,
        "action": 405,
        "stream": 404,
        "visitor": 403,
    }
    assert seen["missing"]["errors"] == ["Not found"]
    assert seen["invalid"]["errors"] == [
        {"column": ["This field is required."], "estimate": ["A valid number is required."]}
    ]
    assert seen["after"] == 5


def test_a_subscription_calls_back_for_updates_and_the_deletion_until_it_is_cancelled(
    play: Play,
) -> None:
    seen = play("subscription")
    assert seen["update"]["action"] == "update"
    assert seen["update"]["data"]["id"] == seen["id"]
    assert seen["update"]["data"]["title"] == "Plant two trees"
    assert seen["second"] == seen["update"]
    # `pk` on the wire, as upstream has it; the client's `pkField` makes it `id`.
    assert seen["delete"] == {"action": "delete", "data": {"id": seen["id"]}}
    assert seen["rest"] == []
    assert seen["cancelled"] == []


def test_a_lost_connection_comes_back_with_its_subscriptions(play: Play) -> None:
    seen = play("reconnection")
    assert seen["sockets"] == 2
    assert seen["status"] == 201
    assert seen["update"]["data"]["title"] == "Wind the clock"
