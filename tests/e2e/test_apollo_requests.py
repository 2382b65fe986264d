"""Apollo Client's files (apollo-upload-client) and persisted queries, against the running demo."""

from __future__ import annotations

import pytest

from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e
PROGRAM = "apollo_requests.mjs"


def test_files_reach_a_serializer_where_the_request_is_not_a_simple_one(extended: Demo) -> None:
    seen = extended.play(PROGRAM, "uploads")
    assert seen["one"] == ["word.txt: 7, A word."]
    assert seen["several"] == ["a.txt: 2, Ä", "b.txt: 3, two", "c.txt: 5, three"]
    assert seen["none"] == ["BAD_USER_INPUT"]
    assert seen["simple"] == ["FORBIDDEN"]


def test_a_document_is_sent_once_and_then_its_hash(demo: Demo) -> None:
    seen = demo.play(PROGRAM, "persisted")
    assert seen["first"] == seen["second"] > 0
    hashed, whole, again = seen["requests"]
    assert hashed == {"method": "GET", "document": False, "status": 200}
    assert (whole["document"], whole["status"]) == (True, 200)
    assert again == hashed
