from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dcrf_graph.protocols.effects import (
    Close,
    Effect,
    Initialise,
    OperationRequest,
    Send,
    Start,
    Stop,
)
from dcrf_graph.protocols.frames import InvalidMessage
from dcrf_graph.protocols.graphql_transport_ws import GraphQLTransportWS
from tests.protocols.bounds import BOUNDED
from tests.soak import Count

INIT = '{"type": "connection_init"}'
RESULT: dict[str, Any] = {"data": {"cards": []}}


def subscribe(id: str = "1", **payload: object) -> str:
    return json.dumps(
        {"id": id, "type": "subscribe", "payload": {"query": "{ cards { id } }", **payload}}
    )


def complete(id: str = "1") -> str:
    return json.dumps({"id": id, "type": "complete"})


def sent(effects: list[Effect]) -> dict[str, Any]:
    """Read the one frame that is sent."""
    [effect] = effects
    assert isinstance(effect, Send)
    frame: dict[str, Any] = json.loads(effect.text)
    return frame


def started(effects: list[Effect]) -> Start:
    [effect] = effects
    assert isinstance(effect, Start)
    return effect


@pytest.fixture
def machine() -> GraphQLTransportWS:
    """A socket that has just been opened."""
    return GraphQLTransportWS(max_frame_size=1000)


@pytest.fixture
def ready(machine: GraphQLTransportWS) -> GraphQLTransportWS:
    """A socket whose client has been acknowledged."""
    machine.receive(INIT)
    machine.acknowledge()
    return machine


# Connection initialisation


@pytest.mark.parametrize("payload", [None, {}, {"token": "t"}])
def test_an_introduction_is_handed_to_the_owner(
    machine: GraphQLTransportWS, payload: dict[str, Any] | None
) -> None:
    text = json.dumps({"type": "connection_init", "payload": payload})
    assert machine.receive(text) == [Initialise(payload)]


def test_an_acknowledgement_may_carry_a_payload(machine: GraphQLTransportWS) -> None:
    machine.receive(INIT)
    assert sent(machine.acknowledge({"user": 1})) == {
        "type": "connection_ack",
        "payload": {"user": 1},
    }


def test_only_a_pending_introduction_is_acknowledged(machine: GraphQLTransportWS) -> None:
    assert machine.acknowledge() == []
    machine.receive(INIT)
    assert sent(machine.acknowledge()) == {"type": "connection_ack"}
    assert machine.acknowledge() == []


def test_an_acknowledgement_without_json_leaves_the_introduction_pending(
    machine: GraphQLTransportWS,
) -> None:
    machine.receive(INIT)
    with pytest.raises(InvalidMessage):
        machine.acknowledge({"user": object()})
    assert sent(machine.acknowledge()) == {"type": "connection_ack"}


def test_a_refused_client_is_closed_with_4403(machine: GraphQLTransportWS) -> None:
    machine.receive(INIT)
    assert machine.refuse() == [Close(4403, "Forbidden")]
    assert machine.acknowledge() == []


def test_a_client_whose_rights_expire_is_closed_with_4403(ready: GraphQLTransportWS) -> None:
    assert ready.refuse("Session expired") == [Close(4403, "Session expired")]


def test_a_client_that_says_nothing_is_closed_with_4408(machine: GraphQLTransportWS) -> None:
    assert machine.init_timeout() == [Close(4408, "Connection initialisation timeout")]


def test_a_slow_authentication_is_not_the_fault_of_the_client(machine: GraphQLTransportWS) -> None:
    machine.receive(INIT)
    assert machine.init_timeout() == []
    machine.acknowledge()
    assert machine.init_timeout() == []


def test_a_second_introduction_closes_with_4429(ready: GraphQLTransportWS) -> None:
    assert ready.receive(INIT) == [Close(4429, "Too many initialisation requests")]


def test_a_second_introduction_while_one_is_pending_closes_with_4429(
    machine: GraphQLTransportWS,
) -> None:
    machine.receive(INIT)
    assert machine.receive(INIT) == [Close(4429, "Too many initialisation requests")]


# Ping and pong


def test_a_ping_is_answered_at_any_time_with_its_payload(machine: GraphQLTransportWS) -> None:
    ping = '{"type": "ping", "payload": {"at": 1}}'
    pong = {"type": "pong", "payload": {"at": 1}}
    assert sent(machine.receive(ping)) == pong
    machine.receive(INIT)
    assert sent(machine.receive(ping)) == pong
    machine.acknowledge()
    assert sent(machine.receive(ping)) == pong


def test_a_pong_is_ignored(machine: GraphQLTransportWS) -> None:
    assert machine.receive('{"type": "pong", "payload": {}}') == []


def test_only_an_acknowledged_client_is_asked_for_a_sign_of_life(
    machine: GraphQLTransportWS,
) -> None:
    assert machine.keep_alive() == []
    machine.receive(INIT)
    assert machine.keep_alive() == []
    machine.acknowledge()
    assert sent(machine.keep_alive()) == {"type": "ping"}


# Operations


def test_an_operation_before_any_introduction_closes_with_4401(
    machine: GraphQLTransportWS,
) -> None:
    assert machine.receive(subscribe()) == [Close(4401, "Unauthorized")]


def test_an_operation_while_the_introduction_is_pending_closes_with_4401(
    machine: GraphQLTransportWS,
) -> None:
    machine.receive(INIT)
    assert machine.receive(subscribe()) == [Close(4401, "Unauthorized")]


def test_an_operation_is_started_with_its_request(ready: GraphQLTransportWS) -> None:
    start = started(ready.receive(subscribe("1", operationName="A", variables={"b": 1})))
    assert start.id == "1"
    assert start.request == OperationRequest("{ cards { id } }", "A", {"b": 1}, None)


def test_results_are_sent_under_the_id_and_then_the_end(ready: GraphQLTransportWS) -> None:
    operation = started(ready.receive(subscribe())).operation
    frame = {"type": "next", "id": "1", "payload": RESULT}
    assert sent(ready.next("1", RESULT, operation)) == frame
    assert sent(ready.next("1", RESULT, operation)) == frame
    assert sent(ready.complete("1", operation)) == {"type": "complete", "id": "1"}
    assert ready.next("1", RESULT, operation) == []
    assert ready.complete("1", operation) == []


def test_an_error_ends_the_operation(ready: GraphQLTransportWS) -> None:
    operation = started(ready.receive(subscribe())).operation
    errors = [{"message": "Cannot query field"}]
    assert sent(ready.error("1", errors, operation)) == {
        "type": "error",
        "id": "1",
        "payload": errors,
    }
    assert ready.error("1", errors, operation) == []
    assert ready.complete("1", operation) == []


def test_a_running_id_closes_with_4409(ready: GraphQLTransportWS) -> None:
    ready.receive(subscribe("a"))
    assert ready.receive(subscribe("a")) == [Close(4409, "Subscriber for a already exists")]


def test_a_long_id_does_not_break_the_close_frame(ready: GraphQLTransportWS) -> None:
    ready.receive(subscribe("é" * 100))
    [close] = ready.receive(subscribe("é" * 100))
    assert isinstance(close, Close)
    assert len(close.reason.encode()) <= 123


def test_different_ids_run_side_by_side(ready: GraphQLTransportWS) -> None:
    first = started(ready.receive(subscribe("a"))).operation
    second = started(ready.receive(subscribe("b"))).operation
    assert sent(ready.complete("a", first))["id"] == "a"
    assert sent(ready.next("b", RESULT, second))["id"] == "b"


def test_a_client_stops_its_operation(ready: GraphQLTransportWS) -> None:
    operation = started(ready.receive(subscribe())).operation
    assert ready.receive(complete()) == [Stop("1", operation)]
    assert ready.next("1", RESULT, operation) == []


def test_a_late_or_unknown_complete_is_ignored(ready: GraphQLTransportWS) -> None:
    operation = started(ready.receive(subscribe())).operation
    ready.complete("1", operation)
    assert ready.receive(complete()) == []
    assert ready.receive(complete("never")) == []


def test_a_complete_before_the_introduction_is_ignored(machine: GraphQLTransportWS) -> None:
    assert machine.receive(complete()) == []


def test_a_freed_id_is_used_again_and_the_earlier_run_stays_silent(
    ready: GraphQLTransportWS,
) -> None:
    earlier = started(ready.receive(subscribe())).operation
    ready.receive(complete())
    later = started(ready.receive(subscribe())).operation
    assert ready.next("1", RESULT, earlier) == []
    assert ready.error("1", [{"message": "no"}], earlier) == []
    assert ready.complete("1", earlier) == []
    assert sent(ready.next("1", RESULT, later))["payload"] == RESULT


def test_a_result_without_json_is_the_fault_of_the_server(ready: GraphQLTransportWS) -> None:
    """It is raised to the owner, and the operation can still be ended properly."""
    operation = started(ready.receive(subscribe())).operation
    with pytest.raises(InvalidMessage):
        ready.next("1", {"data": object()}, operation)
    assert sent(ready.complete("1", operation))["type"] == "complete"


def test_the_id_is_free_even_if_the_error_cannot_be_written(ready: GraphQLTransportWS) -> None:
    operation = started(ready.receive(subscribe())).operation
    with pytest.raises(InvalidMessage):
        ready.error("1", [], operation)
    assert started(ready.receive(subscribe())).id == "1"


# Invalid messages and the end


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "frame: expected JSON, got something else at character 0 (expecting value)"),
        ("[]", "message: expected an object, got an empty list"),
        ('{"type": "start"}', "type: expected one of"),
        ('{"type": "next", "id": "1", "payload": {}}', "type: expected a message of a client"),
        ('{"type": "subscribe", "id": "1"}', "payload: expected an object"),
        ("[" * 100_000, "frame: expected at most 1000 bytes"),
    ],
)
def test_an_invalid_message_closes_with_4400_and_names_the_field(
    machine: GraphQLTransportWS, text: str, reason: str
) -> None:
    [close] = machine.receive(text)
    assert isinstance(close, Close)
    assert close.code == 4400
    assert close.reason.startswith(reason)


def test_a_binary_frame_closes_with_4400(machine: GraphQLTransportWS) -> None:
    assert machine.receive(None, b"{}") == [Close(4400, "frame: expected text, got binary data")]


def test_after_a_close_nothing_has_an_effect(ready: GraphQLTransportWS) -> None:
    operation = started(ready.receive(subscribe())).operation
    assert ready.close(4500, "Internal server error") == [Close(4500, "Internal server error")]
    assert ready.closed
    assert ready.receive(INIT) == []
    assert ready.receive("not json") == []
    assert ready.next("1", RESULT, operation) == []
    assert ready.complete("1", operation) == []
    assert ready.init_timeout() == []
    assert ready.refuse() == []


def test_late_results_for_a_client_that_left_are_ignored(ready: GraphQLTransportWS) -> None:
    operation = started(ready.receive(subscribe())).operation
    ready.disconnected()
    assert ready.next("1", RESULT, operation) == []


CONVERSATIONS = Count("conversations in graphql-transport-ws", full=20_000, part=100)
IDS = st.sampled_from(["1", "2"])
FRAMES = st.one_of(
    st.text(max_size=20),
    st.just(INIT),
    IDS.map(subscribe),
    IDS.map(complete),
    st.sampled_from(['{"type": "ping"}', '{"type": "pong"}', '{"type": "next"}']),
)


@BOUNDED
@given(st.text(), st.none() | st.binary())
def test_any_first_frame_has_effects_and_no_exception(text: str, data: bytes | None) -> None:
    for frame in (text, None):
        effects = GraphQLTransportWS().receive(frame, data)
        assert all(isinstance(effect, Close | Send | Initialise) for effect in effects)


class Conversation(RuleBasedStateMachine):
    """Any client and any owner, in any order; a model of the running ids watches them."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = GraphQLTransportWS()
        self.running: dict[str, object] = {}
        self.runs: list[tuple[str, object]] = []
        self.over = False

    def carry_out(self, effects: list[Effect]) -> None:
        assert not (self.over and effects)
        for effect in effects:
            match effect:
                case Close():
                    self.over = True
                    self.running.clear()
                case Start(id, _, operation):
                    assert id not in self.running
                    self.running[id] = operation
                    self.runs.append((id, operation))
                case Stop(id, operation):
                    assert self.running.pop(id) is operation

    @rule(frame=FRAMES)
    def a_frame_arrives(self, frame: str) -> None:
        self.carry_out(self.machine.receive(frame))

    @rule()
    def the_owner_asks_for_a_sign_of_life(self) -> None:
        self.carry_out(self.machine.keep_alive())

    @rule()
    def the_owner_acknowledges(self) -> None:
        self.carry_out(self.machine.acknowledge())

    @rule(which=st.integers(0, 5), how=st.sampled_from(["next", "error", "complete"]))
    def a_run_reports(self, which: int, how: str) -> None:
        if which >= len(self.runs):
            return
        id, operation = self.runs[which]
        alive = self.running.get(id) is operation
        if how == "next":
            effects = self.machine.next(id, RESULT, operation)
        elif how == "error":
            effects = self.machine.error(id, [{"message": "no"}], operation)
        else:
            effects = self.machine.complete(id, operation)
        assert bool(effects) == alive
        if alive and how != "next":
            del self.running[id]

    @invariant()
    def the_machine_knows_whether_it_is_over(self) -> None:
        assert self.machine.closed == self.over


TestAnyConversation = CONVERSATIONS.mark(Conversation.TestCase)
TestAnyConversation.settings = settings(CONVERSATIONS.settings, stateful_step_count=30)
