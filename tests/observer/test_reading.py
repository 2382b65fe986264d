"""Each handler has its message for itself, whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dcrf_graph.observer.reading import Reading, copier_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def changeable(value: Any) -> Iterator[int]:
    """Whatever of a value can be changed in place."""
    if isinstance(value, dict | list):
        yield id(value)
        for inner in value.values() if isinstance(value, dict) else value:
            yield from changeable(inner)


@given(VALUES)
def test_copies_are_equal_and_have_nothing_in_common_that_can_be_changed(value: Any) -> None:
    make = copier_of(value)
    copies = [value, make(), make()]
    assert [json.dumps(each) for each in copies] == [json.dumps(value)] * 3
    found = [set(changeable(each)) for each in copies]
    assert len(set.union(*found)) == sum(map(len, found))


def test_a_message_with_something_more_in_it_is_no_usual_one() -> None:
    usual = {"type": "a.b", "body": {"tags": []}, "group": "g", "action": "update"}
    assert Reading(json.dumps(usual)).usual
    assert not Reading(json.dumps({**usual, "moved": True})).usual
    assert not Reading(json.dumps({"type": "a.b", "body": {}, "group": "g"})).usual
