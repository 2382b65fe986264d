"""What crosses the channel layer is one message that says who sent it, or is refused."""

from __future__ import annotations

import json
import uuid
import zlib
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrf_graph.changes.change import Event
from dcrf_graph.changes.envelope import MAX_BODY, Envelope, body_of, message_of, read

TEXT = json.dumps({"body": {"pk": 1, "title": "ä\n€"}}, ensure_ascii=False)
EVENT = Event("observer", "group", TEXT, "update", 1, "default", "testapp.note")

both = pytest.mark.parametrize("packed", [True, False], ids=["bytes", "text"])


def there_and_back(*events: Event, packed: bool = False) -> tuple[Event, ...]:
    message = message_of("publisher", 7, 5, body_of(events, packed=packed))
    envelope = read(message)
    assert (envelope.publisher, envelope.number, envelope.after) == ("publisher", 7, 5)
    assert envelope.events is not None
    return envelope.events


@both
def test_events_come_out_as_they_went_in(packed: bool) -> None:
    events = (EVENT, Event("observer", "other group", "{}"), EVENT)
    assert there_and_back(*events, packed=packed) == events
    assert there_and_back(packed=packed) == ()


@pytest.mark.parametrize(
    ("pk", "seen"),
    [
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.50"), "1.50"),
        (gettext_lazy("Yes"), "Yes"),
        ((1, "a"), [1, "a"]),
    ],
)
def test_keys_that_json_has_no_type_for_cross_as_text(pk: Any, seen: Any) -> None:
    assert there_and_back(Event("observer", "group", TEXT, pk=pk))[0].pk == seen


def test_the_row_itself_stays_in_its_process() -> None:
    assert there_and_back(Event("observer", "group", TEXT, instance=object()))[0].instance is None


def test_an_event_of_300_bytes_is_no_larger_on_the_way() -> None:
    """With its two names, which are hashed, and the name of its observer."""
    row = {f"field_{n}": uuid.UUID(int=n * 7**30 % 2**128).hex[:16] for n in range(8)}
    group = "DCRF-" + uuid.UUID(int=7**44 % 2**128).hex * 2
    message = json.dumps({"type": "card.activity", "body": row, "action": "update", "group": group})
    observer = "*-ModelObserver-shop.board.consumers.CardConsumer.card_activity"
    event = Event(observer, group, message, "update", 12345, "default", "board.card")
    assert len(message) > 300
    assert len(body_of([event], packed=True)) < 400


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"by": "publisher", "body": ""},
        {"by": None, "number": [1, 0], "body": ""},
        {"by": "publisher", "number": ["1", 0], "body": ""},
        {"by": "publisher", "number": 1, "body": ""},
    ],
)
def test_what_nobody_published_is_no_envelope(message: Any) -> None:
    with pytest.raises(ValueError, match="not an envelope"):
        read(message)


BODY = body_of([EVENT], packed=False)
assert isinstance(BODY, str)
BODIES: list[Any] = [
    None,
    1,
    "",
    "no json",
    "[]",
    "[" * 100_000,
    BODY.replace("[2,", "[3,", 1),
    BODY[:-1],
    BODY + " ",
    BODY.replace('"observer"', "1", 1),
    '[2, ["text"]]\n',
    "[2, [[1, 2, 3, 4, 5, 6, 7]]]\n",
    b"",
    b"no bytes",
    zlib.compress(BODY.encode())[:-5],
    zlib.compress(b"\xff"),
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_events_that_cannot_be_read_are_lost_and_their_number_is_not(body: Any) -> None:
    """Those of another release, for one: then the receiver knows that it has missed something."""
    assert read(message_of("publisher", 7, 5, body)) == Envelope("publisher", 7, 5, None)


def test_a_body_that_unpacks_to_more_than_anybody_sends_is_not_unpacked() -> None:
    body = zlib.compress(bytes(MAX_BODY + 1), 1)
    assert read(message_of("publisher", 7, 5, body)).events is None


SCALARS = st.none() | st.integers() | st.text() | st.binary()
JSON = st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(), each))


@settings(deadline=None)
@given(JSON)
def test_nothing_at_all_raises_anything_but_a_value_error(content: Any) -> None:
    text = json.dumps([2, content], default=str) + "\n"
    for body in (content, text, zlib.compress(text.encode())):
        assert read(message_of("publisher", 1, 0, body)).number == 1
    for message in ({"by": content}, {"by": "p", "number": [content]}):
        with pytest.raises(ValueError, match="not an envelope"):
            read(message)
