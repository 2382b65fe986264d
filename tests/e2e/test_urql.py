"""urql from npm, with subscriptions over graphql-ws and over HTTP, against the running demo."""

from __future__ import annotations

import pytest

from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("scenario", ["overSocket", "overHttp"])
def test_queries_mutations_events_and_errors(demo: Demo, scenario: str) -> None:
    seen = demo.play("urql.mjs", scenario)
    assert "application/graphql-response+json" in seen["accept"]
    assert "text/event-stream" in seen["accept"]
    assert seen["first"] == "Chase the cat"
    assert seen["again"] == "Chase the dog"
    assert seen["mutation"]["data"]["cardPatch"]["title"] == "Chase the dog"
    for name, title in (("own", "Chase the dog"), ("native", "Chase the bird")):
        event = seen[name]["data"]["cardActivity"]
        assert (event["action"], event["id"]) == ("UPDATE", seen["id"])
        assert event["data"]["title"] == title
    assert seen["error"]["data"]["card"] is None
    assert seen["error"]["data"]["labels"]
    assert seen["error"]["codes"] == ["NOT_FOUND"]
    assert seen["invalid"] == {"data": None, "codes": ["GRAPHQL_VALIDATION_FAILED"]}
    assert seen["refused"] == {"data": None, "codes": ["NOT_FOUND"]}
