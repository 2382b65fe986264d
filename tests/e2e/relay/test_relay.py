"""Apollo's relayStylePagination and Relay's store page through a list by DRF's cursors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.e2e.demo import Demo
from tests.e2e.relay.project import ROWS

pytestmark = pytest.mark.e2e

LAST = ROWS - 1


@pytest.fixture(params=["apollo", "relay"])
def client(request: pytest.FixtureRequest) -> str:
    """The program of a client; Relay's needs what its compiler makes."""
    if request.param == "relay":
        request.getfixturevalue("compiled")
    return f"relay/{request.param}.mjs"


def check(seen: dict[str, Any], first: int, last: int) -> None:
    """The cache holds the rows of these places, in order, and knows what there is beyond them."""
    assert seen["places"] == list(range(first, last + 1))
    assert len(set(seen["ids"])) == len(seen["ids"])
    start, end = seen["ends"]
    assert seen["pageInfo"] == {
        "hasPreviousPage": first > 0,
        "hasNextPage": last < LAST,
        "startCursor": start,
        "endCursor": end,
    }


def test_pages_are_added_at_the_end_until_there_are_no_more(project: Demo, client: str) -> None:
    steps = project.play(client, "forwards")
    for seen, last in zip(steps, (4, 9, 14, 19, 22), strict=True):
        check(seen, 0, last)


def test_pages_are_added_at_the_start_until_there_are_no_more(project: Demo, client: str) -> None:
    steps = project.play(client, "backwards")
    for seen, first in zip(steps, (18, 13, 8, 3, 0), strict=True):
        check(seen, first, LAST)


def test_pages_are_added_to_both_ends_of_one_from_the_middle(project: Demo, client: str) -> None:
    steps = project.play(client, "middle")
    held = ((9, 13), (4, 13), (4, 18), (0, 18), (0, 22))
    for seen, (first, last) in zip(steps, held, strict=True):
        check(seen, first, last)


def test_relays_compiler_takes_the_schema_without_a_complaint(compiled: str) -> None:
    assert "3 reader, 2 normalization, 3 operation text" in compiled
    assert re.findall("(?i)error|warn.*", compiled) == []
