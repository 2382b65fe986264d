"""subscriptions-transport-ws from npm, which speaks the older graphql-ws, against the demo."""

from __future__ import annotations

import pytest

from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e
PROGRAM = "legacy.mjs"


def test_queries_mutations_and_events_share_a_socket_until_the_client_unsubscribes(
    demo: Demo,
) -> None:
    seen = demo.play(PROGRAM, "oneSocket")
    assert seen["protocol"] == "graphql-ws"
    assert seen["query"] == {"data": {"card": {"title": "Polish the brass"}}}
    assert seen["mutation"]["data"]["cardPatch"]["title"] == "Polish the silver"
    for name, title in (("own", "Polish the silver"), ("native", "Polish the gold")):
        event = {"action": "UPDATE", "id": seen["id"], "data": {"title": title}}
        assert seen[name] == {"data": {"cardActivity": event}}
    assert seen["after"]["data"]["labels"]
    assert seen["rest"] == []


def test_errors_end_their_operation_alone(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "errors")
    [unknown] = seen["unknown"]["end"]["error"]
    assert unknown["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    [result] = seen["forbidden"]["events"]
    assert result["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert seen["forbidden"]["end"] == "complete"
    assert seen["refused"]["events"] == []
    assert seen["refused"]["end"]["error"][0]["extensions"]["code"] == "NOT_FOUND"
    assert seen["after"]["data"]["labels"]


def test_a_lost_connection_comes_back_with_its_subscription(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "reconnection")
    assert seen["sockets"] == 2
    assert seen["event"]["data"]["cardActivity"]["data"]["title"] == "Air the halls"
