"""Nothing but a WebSocket and JSON against the running demo: channelsmultiplexer's wire format."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e
PROGRAM = "multiplexed.mjs"


def test_streams_share_a_socket_and_each_reply_names_its_stream(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "streams")
    frames = sorted(seen["frames"], key=lambda frame: frame["payload"]["request_id"])
    assert [frame["payload"]["request_id"] for frame in frames] == seen["ids"]
    assert [frame["stream"] for frame in frames] == ["boards", "labels", "cards"]
    for frame in frames:
        assert set(frame) == {"stream", "payload"}
        assert set(frame["payload"]) == {
            "errors",
            "data",
            "action",
            "response_status",
            "request_id",
        }
    assert seen["protocol"] == ""


def test_a_subscriber_hears_of_a_card_from_its_creation_to_its_deletion(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "activity")
    assert seen["subscribed"]["payload"]["response_status"] == 204
    for action in ("create", "update", "delete"):
        frame = seen[action]
        assert (frame["stream"], frame["payload"]["action"]) == ("cards", action)
        assert frame["payload"]["request_id"] == seen["subscribedAs"]
        assert frame["payload"]["data"]["id"] == seen["id"]
    assert seen["update"]["payload"]["data"]["estimate"] == "2.5"
    assert seen["after"].items() >= {"connections": 2, "subscriptions": 0}.items()


def test_a_message_reaches_who_has_joined_and_a_visitor_may_not_post(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "chat")
    assert seen["posted"]["response_status"] == 201
    assert seen["heard"]["payload"]["action"] == "posted"
    assert seen["heard"]["payload"]["data"] == seen["posted"]["data"]
    assert seen["posted"]["data"]["author"]["username"] == "ada"
    assert seen["refused"]["response_status"] == 403


def test_nonsense_is_answered_with_an_error_and_the_socket_lives(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "nonsense")

    def answer(name: str) -> tuple[Any, ...]:
        frame = seen[name]["answer"]
        payload = frame["payload"]
        return frame["stream"], payload["response_status"], payload["request_id"]

    assert {name: answer(name) for name in seen} == {
        "text": (None, 400, None),
        "bytes": (None, 400, None),
        "list": (None, 400, None),
        "bare": (None, 400, 7),
        "stream": ("shelves", 404, 8),
        "action": ("cards", 403, 9),
        "argument": ("cards", 400, 10),
        "type": ("cards", 400, 11),
        "long": (None, 400, None),
    }
    assert all(seen[name]["answer"]["payload"]["errors"] for name in seen)
    assert [seen[name]["after"] for name in seen] == [5] * len(seen)


def test_native_and_graphql_clients_hear_each_other(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "neighbours")
    native = seen["native"]["payload"]
    key = str(native["data"]["id"])
    assert (native["action"], native["data"]["title"]) == ("create", "Air the attic")
    assert seen["created"] == [{"data": {"cardCreate": {"id": key, "title": "Air the attic"}}}]
    created, deleted = (seen[whose]["data"]["cardActivity"] for whose in ("own", "graphql"))
    assert (created["action"], created["id"]) == ("CREATE", key)
    assert (deleted["action"], deleted["id"]) == ("DELETE", key)
