"""graphql-sse, the client library of the protocol."""

from __future__ import annotations

import pytest

from tests.e2e.demo import Demo

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("packages")]


def test_a_subscription_hears_a_native_change_until_it_is_disposed(demo: Demo) -> None:
    seen = demo.play("http/sse.mjs", "subscription")
    event = {"action": "CREATE", "data": {"title": "Air the attic"}}
    assert seen["event"] == {"data": {"cardActivity": event}}


def test_queries_and_mutations_have_one_result_and_a_wrong_one_its_errors(demo: Demo) -> None:
    seen = demo.play("http/sse.mjs", "queries")
    assert seen["mutation"] == {"data": {"cardPatch": {"title": "Wind the string"}}}
    assert seen["result"]["data"]["labels"]
    assert (seen["end"], seen["after"]) == ("complete", "complete")
    assert seen["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
