"""What crosses the channel layer is one text that says who sent it, or is refused."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from dcrf_graph.changes.change import Event
from dcrf_graph.changes.envelope import Envelope, decode, encode

TEXT = json.dumps({"body": {"pk": 1}})
EVENT = Event("observer", "group", TEXT, "update", 1, "default", "testapp.note")


def test_events_come_out_as_they_went_in() -> None:
    events = [EVENT, Event("observer", "group", TEXT)]
    text = encode("publisher", 7, "group", events)
    assert decode(text) == Envelope("publisher", 7, "group", tuple(events))


@pytest.mark.parametrize(
    ("pk", "read"),
    [
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.50"), "1.50"),
        (gettext_lazy("Yes"), "Yes"),
        ((1, "a"), [1, "a"]),
    ],
)
def test_keys_that_json_has_no_type_for_cross_as_text(pk: Any, read: Any) -> None:
    event = Event("observer", "group", TEXT, pk=pk)
    assert decode(encode("publisher", 1, "group", [event])).events[0].pk == read


def test_the_row_itself_stays_in_its_process() -> None:
    event = Event("observer", "group", TEXT, instance=object())
    assert decode(encode("publisher", 1, "group", [event])).events[0].instance is None


def envelope(**changes: Any) -> str:
    content = json.loads(encode("publisher", 1, "group", [EVENT]))
    return json.dumps({**content, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "1",
        "null",
        "{}",
        "[" * 100_000,
        envelope(version=2),
        envelope(publisher=None),
        envelope(sequence="1"),
        envelope(group=["group"]),
        envelope(events=None),
        envelope(events=["text"]),
        envelope(events=[[]]),
        envelope(events=[[1, 2, 3, 4, 5, 6]]),
    ],
)
def test_anything_else_is_no_envelope(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own sentence, or ours
        decode(text)


SCALARS = st.none() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(), each))


@given(JSON)
def test_no_json_at_all_raises_anything_but_a_value_error(content: Any) -> None:
    for text in (json.dumps(content), envelope(events=content)):
        try:
            decode(text)
        except ValueError:
            continue
