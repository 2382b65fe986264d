"""graphql-ws from npm, which speaks graphql-transport-ws, against the running demo."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e
PROGRAM = "graphql_ws.mjs"


def activity(action: str, key: str, title: str) -> dict[str, Any]:
    """The result that is an event of a card."""
    return {"data": {"cardActivity": {"action": action, "id": key, "data": {"title": title}}}}


def test_one_socket_carries_a_query_a_mutation_and_a_subscription(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "oneSocket")
    key = seen["id"]
    card = {"id": key, "title": "Count the spoons", "status": "ON_TRACK"}
    assert seen["query"] == {"data": {"card": {"__typename": "Card", **card}}}
    changed = card | {"title": "Count the forks", "estimate": None}
    assert seen["mutation"] == {"data": {"cardPatch": changed}}
    assert seen["own"] == activity("UPDATE", key, "Count the forks")
    assert seen["native"] == activity("UPDATE", key, "Count the knives")
    assert seen["ended"] == "complete"
    assert (seen["connected"], seen["protocols"]) == (1, ["graphql-transport-ws"])


def test_of_two_subscriptions_one_goes_on_when_the_other_is_disposed(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "siblings")
    first, second = (event["data"] for event in seen["both"])
    assert first["cardActivity"]["data"] == {"title": "Oil the doors"}
    assert second["cardChanged"]["data"] == {"title": "Oil the doors"}
    assert seen["second"]["data"]["cardChanged"]["data"] == {"title": "Oil the gates"}
    assert seen["first"] == []
    # The socket itself stayed, beside the native neighbour's.
    assert seen["connections"] == 2


def test_errors_say_their_code_and_the_socket_goes_on(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "errors")
    codes = {
        "syntax": seen["syntax"],
        "unknown": seen["unknown"],
        "missing": seen["missing"]["errors"],
        "forbidden": seen["forbidden"]["errors"],
    }
    assert {name: [error["extensions"]["code"] for error in codes[name]] for name in codes} == {
        "syntax": ["GRAPHQL_PARSE_FAILED"],
        "unknown": ["GRAPHQL_VALIDATION_FAILED"],
        "missing": ["NOT_FOUND"],
        "forbidden": ["UNAUTHENTICATED"],
    }
    assert seen["missing"]["data"]["card"] is None
    assert len(seen["missing"]["data"]["labels"]) == 5
    assert len(seen["after"]["data"]["labels"]) == 5


def test_a_refused_subscription_ends_with_errors_and_without_an_event(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "errors")
    [error] = seen["refused"]["error"]
    assert error["extensions"] == {"code": "NOT_FOUND", "status": 404}
    assert error["path"] == ["cardActivity"]
    assert seen["events"] == []


def test_a_lost_connection_comes_back_with_its_subscription(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "reconnection")
    titles = [seen[when]["data"]["cardActivity"]["data"]["title"] for when in ("before", "after")]
    assert titles == ["Iron the curtains", "Hang the curtains"]
    assert seen["connected"] == 2
    assert seen["ends"] == []


def test_a_streamed_list_is_a_subscription_that_ends_with_the_last_page(demo: Demo) -> None:
    pages = demo.play(PROGRAM, "pages")
    count = pages[0]["count"]
    assert [page["offset"] for page in pages] == list(range(0, count, 7))
    assert sum(len(page["results"]) for page in pages) == count
    assert pages[0]["results"][0] == {"verb": "EDITED", "subject": "Number the rooms"}
