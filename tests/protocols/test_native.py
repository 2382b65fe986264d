from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from dcrf_graph.protocols.effects import Dispatch, Send
from dcrf_graph.protocols.native import NativeConsumer, NativeStreams, error_payload
from tests.protocols.dialects import VALUES, refuse_constant
from tests.soak import Count

LIST = {"action": "list", "request_id": 42}


def answer(effects: list[Dispatch | Send]) -> dict[str, Any]:
    """Read the one frame that is sent back."""
    [effect] = effects
    assert isinstance(effect, Send)
    frame: dict[str, Any] = json.loads(effect.text)
    return frame


@pytest.fixture
def consumer() -> NativeConsumer:
    return NativeConsumer(max_frame_size=1000)


@pytest.fixture
def streams() -> NativeStreams:
    return NativeStreams(["cards", "boards"], max_frame_size=1000)


def test_an_error_frame_has_the_shape_of_every_reply() -> None:
    assert error_payload(["no"], 403, action="list", request_id=7) == {
        "errors": ["no"],
        "data": None,
        "action": "list",
        "response_status": 403,
        "request_id": 7,
    }


# One consumer


def test_a_frame_reaches_the_consumer_as_it_is(consumer: NativeConsumer) -> None:
    assert consumer.receive(json.dumps(LIST)) == [Dispatch("", LIST)]


def test_an_object_without_an_action_is_the_business_of_the_consumer(
    consumer: NativeConsumer,
) -> None:
    assert consumer.receive("{}") == [Dispatch("", {})]


@pytest.mark.parametrize("text", ["not json", "[]", "7", "null", "[" * 900, '{"a": NaN}'])
def test_a_frame_that_is_no_object_is_answered_with_400(
    consumer: NativeConsumer, text: str
) -> None:
    frame = answer(consumer.receive(text))
    assert frame["response_status"] == 400
    assert frame["errors"][0].startswith("frame: expected ")


def test_a_binary_frame_is_answered_with_400(consumer: NativeConsumer) -> None:
    frame = answer(consumer.receive(None, b"\x00"))
    assert frame == error_payload(["frame: expected text, got binary data"], 400)


def test_a_frame_that_is_too_long_is_answered_with_413(consumer: NativeConsumer) -> None:
    frame = answer(consumer.receive("x" * 1001))
    assert frame == error_payload(["frame: expected at most 1000 bytes, got 1001 bytes"], 413)


def test_the_next_frame_after_nonsense_works(consumer: NativeConsumer) -> None:
    consumer.receive("\ud800")
    assert consumer.receive(json.dumps(LIST)) == [Dispatch("", LIST)]


@pytest.mark.parametrize("flaw", ["NaN", "1e999", '"\\ud800"', "[" * 140 + "]" * 140])
@pytest.mark.parametrize("request_id", [7, "seven", 7.5, None, True])
def test_the_request_id_of_a_refused_frame_is_echoed_where_it_can_be_read(
    consumer: NativeConsumer, flaw: str, request_id: object
) -> None:
    text = f'{{"action": "create", "request_id": {json.dumps(request_id)}, "data": {flaw}}}'
    assert answer(consumer.receive(text))["request_id"] == request_id


@pytest.mark.parametrize("request_id", ["NaN", "1e999", "[NaN]", "{}"])
def test_a_request_id_that_cannot_be_echoed_is_null(
    consumer: NativeConsumer, request_id: str
) -> None:
    text = f'{{"request_id": {request_id}, "data": NaN}}'
    assert answer(consumer.receive(text))["request_id"] is None


# Streams


def test_an_envelope_is_opened_for_its_stream(streams: NativeStreams) -> None:
    text = json.dumps({"stream": "cards", "payload": LIST})
    assert streams.receive(text) == [Dispatch("cards", LIST)]


def test_an_unknown_stream_is_answered_with_404_under_its_name(streams: NativeStreams) -> None:
    text = json.dumps({"stream": "birds", "payload": LIST})
    reason = "stream: expected one of boards, cards, got another name"
    assert answer(streams.receive(text)) == {
        "stream": "birds",
        "payload": error_payload([reason], 404, request_id=42),
    }


@pytest.mark.parametrize("payload", [None, 7, [LIST]])
def test_a_payload_that_is_no_object_is_answered_with_400(
    streams: NativeStreams, payload: object
) -> None:
    frame = answer(streams.receive(json.dumps({"stream": "cards", "payload": payload})))
    assert frame["stream"] == "cards"
    assert frame["payload"]["errors"][0].startswith("payload: expected an object, got ")


def test_a_frame_without_an_envelope_is_answered_with_its_request_id(
    streams: NativeStreams,
) -> None:
    frame = answer(streams.receive(json.dumps(LIST)))
    reason = "stream: expected a string, got null"
    assert frame == {"stream": None, "payload": error_payload([reason], 400, request_id=42)}


def test_a_refused_envelope_is_answered_under_its_stream_and_its_request_id(
    streams: NativeStreams,
) -> None:
    """A client that has one handler for each stream would hear nothing otherwise."""
    text = '{"stream": "cards", "payload": {"request_id": 7, "data": NaN}}'
    frame = answer(streams.receive(text))
    assert (frame["stream"], frame["payload"]["request_id"]) == ("cards", 7)


@pytest.mark.parametrize("stream", ['"birds"', "7", "[]", "{}", "null", "NaN"])
def test_a_refused_envelope_of_no_known_stream_is_answered_under_null(
    streams: NativeStreams, stream: str
) -> None:
    text = f'{{"stream": {stream}, "payload": {{"request_id": 7, "data": NaN}}}}'
    frame = answer(streams.receive(text))
    assert (frame["stream"], frame["payload"]["request_id"]) == (None, 7)


@pytest.mark.parametrize("text", ["", "[]", "[" * 900, "x" * 1001])
def test_nonsense_is_answered_in_an_envelope_without_a_stream(
    streams: NativeStreams, text: str
) -> None:
    frame = answer(streams.receive(text))
    assert frame["stream"] is None
    assert frame["payload"]["response_status"] == (413 if text.startswith("x") else 400)


def test_a_ready_payload_is_wrapped_without_being_read(streams: NativeStreams) -> None:
    payload = '{"data":1.50}'
    assert streams.envelope("cards", payload) == Send(
        f'{{"stream": "cards", "payload": {payload}}}'
    )


NAMES = st.sampled_from(["stream", "payload", "request_id", "action", "data"])
FRAMES = st.one_of(
    st.text(st.characters(), max_size=30),
    st.binary(max_size=30),
    VALUES.map(json.dumps),
    st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES), max_size=4).map(json.dumps),
    st.integers(1, 400).map(lambda levels: "[" * levels),
)
REQUEST_IDS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20)
ANY = Count("frames of any kind to each native protocol", full=50_000, part=150)


def received(machine: NativeConsumer | NativeStreams, frame: str | bytes) -> Dispatch | Send:
    """The one effect of a frame; a frame that is sent back is strict JSON."""
    text, data = (frame, None) if isinstance(frame, str) else (None, frame)
    [effect] = machine.receive(text, data)
    if isinstance(effect, Send):
        answer = json.loads(effect.text, parse_constant=refuse_constant)
        payload = answer if isinstance(machine, NativeConsumer) else answer["payload"]
        assert payload["response_status"] in (400, 404, 413)
        assert payload["errors"]
    return effect


@ANY.mark
@ANY.settings
@given(frame=FRAMES)
def test_any_frame_has_exactly_one_effect(frame: str | bytes) -> None:
    """A dispatch or a frame of strict JSON, never an exception."""
    for machine in (NativeConsumer(200), NativeStreams({"cards"}, 200)):
        received(machine, frame)


class NativeConversation(RuleBasedStateMachine):
    """Any frames in any order: what came before never changes what a frame means."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = NativeStreams(["cards", "boards"], max_frame_size=1000)
        self.alone = NativeConsumer(max_frame_size=1000)

    @rule(frame=FRAMES)
    def anything_arrives(self, frame: str | bytes) -> None:
        fresh = NativeStreams(["cards", "boards"], 1000), NativeConsumer(1000)
        assert received(self.streams, frame) == received(fresh[0], frame)
        assert received(self.alone, frame) == received(fresh[1], frame)

    @rule(stream=st.sampled_from(["cards", "boards"]), request_id=REQUEST_IDS)
    def a_call_arrives(self, stream: str, request_id: object) -> None:
        call = {"action": "list", "request_id": request_id}
        frame = json.dumps({"stream": stream, "payload": call})
        assert received(self.streams, frame) == Dispatch(stream, call)
        assert received(self.alone, json.dumps(call)) == Dispatch("", call)

    @rule(stream=st.text(max_size=20), request_id=REQUEST_IDS)
    def a_call_of_nobody_arrives(self, stream: str, request_id: object) -> None:
        frame = json.dumps({"stream": f"no {stream}", "payload": {"request_id": request_id}})
        effect = received(self.streams, frame)
        assert isinstance(effect, Send)
        assert json.loads(effect.text)["payload"]["request_id"] == request_id

    @rule(stream=st.text(), payload=st.dictionaries(st.text(), st.integers(), max_size=3))
    def a_stream_answers(self, stream: str, payload: dict[str, int]) -> None:
        sent = self.streams.envelope(stream, json.dumps(payload))
        assert json.loads(sent.text) == {"stream": stream, "payload": payload}


CONVERSATIONS = Count("conversations in each native protocol", full=5_000, part=50)
TestConversations = CONVERSATIONS.mark(NativeConversation.TestCase)
TestConversations.settings = settings(CONVERSATIONS.settings, stateful_step_count=30)
