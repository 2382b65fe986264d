from __future__ import annotations

import json
from typing import Any

import pytest

from dcrf_graph.protocols.effects import (
    Authenticate,
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


def test_a_pong_is_ignored_at_any_time(machine: GraphQLTransportWS) -> None:
    """Asked for or not, with a payload or without."""
    pongs = ['{"type": "pong"}', '{"type": "pong", "payload": {"at": 1}}']
    assert [machine.receive(pong) for pong in pongs] == [[], []]
    machine.receive(INIT)
    assert [machine.receive(pong) for pong in pongs] == [[], []]
    machine.acknowledge()
    machine.keep_alive()
    assert [machine.receive(pong) for pong in pongs] == [[], []]


def test_a_ping_of_the_server_may_carry_a_payload(ready: GraphQLTransportWS) -> None:
    assert sent(ready.keep_alive({"at": 1})) == {"type": "ping", "payload": {"at": 1}}


CREDENTIALS = '{"type": "ping", "payload": {"authenticate": %s}}'


@pytest.mark.parametrize(
    ("written", "payload"), [('{"token": "a"}', {"token": "a"}), ("null", None), ("{}", {})]
)
def test_a_ping_may_show_new_credentials(
    ready: GraphQLTransportWS, written: str, payload: Any
) -> None:
    assert ready.receive(CREDENTIALS % written) == [Authenticate(payload)]
    assert sent(ready.authenticated("2026-11-25")) == {
        "type": "pong",
        "payload": {"authenticate": {"expires": "2026-11-25"}},
    }
    assert sent(ready.not_authenticated({"message": "No."})) == {
        "type": "pong",
        "payload": {"authenticate": {"errors": [{"message": "No."}]}},
    }


def test_credentials_that_are_no_object_close(ready: GraphQLTransportWS) -> None:
    [close] = ready.receive(CREDENTIALS % '"a token"')
    assert close == Close(4400, "payload.authenticate: expected an object or null, got a string")


def test_before_its_introduction_is_granted_a_client_shows_nothing_by_pings(
    machine: GraphQLTransportWS,
) -> None:
    ping = CREDENTIALS % "{}"
    assert sent(machine.receive(ping)) == {"type": "pong", "payload": {"authenticate": {}}}


def test_what_became_of_credentials_is_not_told_to_who_has_left(
    ready: GraphQLTransportWS,
) -> None:
    ready.disconnected()
    assert ready.authenticated(None) == ready.not_authenticated({"message": "No."}) == []


def test_signs_of_life_change_nothing_of_the_acknowledgement(machine: GraphQLTransportWS) -> None:
    machine.receive(INIT)
    assert sent(machine.acknowledge(keep_alive=True)) == {"type": "connection_ack"}


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
