"""Apollo Client 4 with its normalized cache against the running demo, beside a native client."""

from __future__ import annotations

import pytest

from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e
PROGRAM = "apollo.mjs"


def test_the_cache_takes_what_a_native_client_changed_without_asking_again(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "cache")
    key, card = seen["id"], {"__typename": "Card", "id": seen["id"], "title": "Buy an atlas"}
    assert seen["first"]["card"] == card | {
        "title": "Buy a globe",
        "status": "ON_TRACK",
        "labels": [],
    }
    assert (seen["event"]["__typename"], seen["event"]["id"]) == ("CardEvent", key)
    changed = seen["changed"]["card"]
    assert changed == seen["event"]["data"]
    assert changed.items() >= (card | {"status": "BLOCKED"}).items()
    assert [label["name"] for label in changed["labels"]] == ["Building", "Catalogue"]
    # One row of the cache, by type and key, is the card of every query that shows it.
    assert seen["key"] == f"Card:{key}"
    assert seen["entity"]["labels"] == [
        {"__ref": f"Label:{label['id']}"} for label in changed["labels"]
    ]
    assert card in seen["relisted"]["cards"]["results"]
    assert seen["requests"] == ["Card", "Ideas"]


def test_a_native_deletion_leaves_the_cached_list_by_the_events_id(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "cache")
    listed = {card["id"] for card in seen["listed"]["cards"]["results"]}
    assert (seen["deletion"]["action"], seen["deletion"]["id"]) == ("DELETE", seen["id"])
    assert {card["id"] for card in seen["left"]["cards"]["results"]} == listed - {seen["id"]}
    assert seen["requestsAfter"] == ["Card", "Ideas"]


def test_an_optimistic_mutation_is_shown_at_once_then_confirmed_or_put_back(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "optimism")
    assert seen["titles"] == [
        "Wax the stairs, soon",
        "Wax the stairs",
        "No title, soon",
        "Wax the stairs",
    ]
    assert seen["data"]["cardPatch"]["title"] == "Wax the stairs"
    [error] = seen["refused"]
    assert error["extensions"]["fields"] == {"title": ["This field may not be blank."]}
    assert seen["requests"] == ["Card", "Rename", "Rename"]


def test_errors_carry_a_code_a_status_and_the_fields(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "errors")
    [visitor], [fields], [missing] = seen["visitor"], seen["fields"], seen["missing"]
    assert visitor["extensions"] == {"code": "UNAUTHENTICATED", "status": 403}
    assert fields["extensions"] == {
        "code": "BAD_USER_INPUT",
        "status": 400,
        "fields": {"estimate": ["Ensure that there are no more than 5 digits in total."]},
    }
    assert (missing["path"], missing["extensions"]["code"]) == (["card"], "NOT_FOUND")
    [invalid] = seen["invalid"]
    assert invalid["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert seen["partial"] == {"labels": 5, "card": None, "error": [missing]}


def test_a_refused_subscription_tells_apollo_and_its_neighbour_goes_on(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "errors")
    [error] = seen["refused"]["error"]
    assert error["extensions"] == {"code": "NOT_FOUND", "status": 404}
    assert seen["open"]["data"]["title"] == "Ring the bell"
