"""Apollo Client over HTTP alone: its multipart protocol for subscriptions."""

from __future__ import annotations

import pytest

from tests.e2e.demo import Demo

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("packages")]


def test_a_subscription_hears_a_native_change_until_it_is_unsubscribed(demo: Demo) -> None:
    event = demo.play("http/apollo.mjs", "subscription")["event"]
    assert (event["action"], event["data"]["title"]) == ("CREATE", "Wind the clock")


def test_a_refused_subscription_gets_the_errors_of_its_payload_and_ends(demo: Demo) -> None:
    seen = demo.play("http/apollo.mjs", "refusal")
    assert seen["codes"] == ["NOT_FOUND"]
    assert seen["end"] == "complete"
