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
from dcrf_graph.protocols.graphql_ws import GraphQLWS

INIT = '{"type": "connection_init"}'
RESULT: dict[str, Any] = {"data": {"cards": []}}
NO = {"message": "no"}


def start(id: str = "1", **payload: object) -> str:
    return json.dumps(
        {"id": id, "type": "start", "payload": {"query": "{ cards { id } }", **payload}}
    )


def stop(id: str = "1") -> str:
    return json.dumps({"id": id, "type": "stop"})


def frame(effect: Effect) -> dict[str, Any]:
    assert isinstance(effect, Send)
    wire: dict[str, Any] = json.loads(effect.text)
    return wire


def sent(effects: list[Effect]) -> dict[str, Any]:
    """Read the one frame that is sent."""
    [effect] = effects
    return frame(effect)


def started(effects: list[Effect]) -> Start:
    [effect] = effects
    assert isinstance(effect, Start)
    return effect


def refused(reason: str) -> dict[str, Any]:
    return {"type": "connection_error", "payload": {"message": reason}}


@pytest.fixture
def machine() -> GraphQLWS:
    """A socket that has just been opened."""
    return GraphQLWS(max_frame_size=1000)


@pytest.fixture
def ready(machine: GraphQLWS) -> GraphQLWS:
    """A socket whose client has been acknowledged."""
    machine.receive(INIT)
    machine.acknowledge()
    return machine


# Introduction


@pytest.mark.parametrize("payload", [None, {}, {"token": "t"}])
def test_an_introduction_is_handed_to_the_owner(
    machine: GraphQLWS, payload: dict[str, Any] | None
) -> None:
    text = json.dumps({"type": "connection_init", "payload": payload})
    assert machine.receive(text) == [Initialise(payload)]


def test_only_a_pending_introduction_is_acknowledged(machine: GraphQLWS) -> None:
    assert machine.acknowledge() == []
    machine.receive(INIT)
    assert sent(machine.acknowledge()) == {"type": "connection_ack"}
    assert machine.acknowledge() == []


def test_a_refused_client_is_told_why_and_closed(machine: GraphQLWS) -> None:
    machine.receive(INIT)
    error, close = machine.refuse("The token has expired.")
    assert frame(error) == refused("The token has expired.")
    assert close == Close(4403, "The token has expired.")
    assert machine.refuse() == []


def test_a_client_that_says_nothing_is_closed_with_4408(machine: GraphQLWS) -> None:
    assert machine.init_timeout() == [Close(4408, "Connection initialisation timeout")]


def test_a_slow_authentication_is_not_the_fault_of_the_client(machine: GraphQLWS) -> None:
    machine.receive(INIT)
    assert machine.init_timeout() == []


def test_a_second_introduction_while_one_is_pending_closes(machine: GraphQLWS) -> None:
    machine.receive(INIT)
    error, close = machine.receive(INIT)
    assert frame(error) == refused("Too many initialisation requests")
    assert close == Close(4429, "Too many initialisation requests")


def test_another_introduction_shows_new_credentials(ready: GraphQLWS) -> None:
    introduction = '{"type": "connection_init", "payload": {"token": "a"}}'
    assert ready.receive(introduction) == [Authenticate({"token": "a"})]
    assert sent(ready.authenticated(None)) == {"type": "connection_ack"}
    until = {"expires": "2026-11-25"}
    assert sent(ready.authenticated("2026-11-25")) == {"type": "connection_ack", "payload": until}
    assert sent(ready.not_authenticated({"message": "No."})) == refused("No.")
    ready.disconnected()
    assert ready.authenticated(None) == ready.not_authenticated({"message": "No."}) == []


def test_only_an_acknowledged_client_is_kept_alive(machine: GraphQLWS) -> None:
    assert machine.keep_alive() == []
    machine.receive(INIT)
    assert machine.keep_alive() == []
    machine.acknowledge()
    assert sent(machine.keep_alive()) == {"type": "ka"}


def test_the_first_sign_of_life_follows_the_acknowledgement(machine: GraphQLWS) -> None:
    machine.receive(INIT)
    ack, alive = machine.acknowledge({"user": 1}, keep_alive=True)
    assert sent([ack]) == {"type": "connection_ack", "payload": {"user": 1}}
    assert sent([alive]) == {"type": "ka"}


def test_a_query_that_is_no_text_is_an_error_of_its_operation(ready: GraphQLWS) -> None:
    """A parsed document is of the client's interface, never of the wire."""
    text = json.dumps({"type": "start", "id": "7", "payload": {"query": {"kind": "Document"}}})
    answer = sent(ready.receive(text))
    assert (answer["type"], answer["id"]) == ("error", "7")


# Operations


def test_an_operation_before_any_introduction_closes_with_4401(machine: GraphQLWS) -> None:
    error, close = machine.receive(start())
    assert frame(error) == refused("Unauthorized")
    assert close == Close(4401, "Unauthorized")


def test_a_client_need_not_wait_for_the_acknowledgement(machine: GraphQLWS) -> None:
    """The protocol's own client does not."""
    machine.receive(INIT)
    assert started(machine.receive(start())).id == "1"


def test_an_operation_is_started_with_its_request(ready: GraphQLWS) -> None:
    effect = started(ready.receive(start("1", operationName="A", variables={"b": 1})))
    assert effect.id == "1"
    assert effect.request == OperationRequest("{ cards { id } }", "A", {"b": 1}, None)


def test_results_are_sent_under_the_id_and_then_the_end(ready: GraphQLWS) -> None:
    operation = started(ready.receive(start())).operation
    data = {"type": "data", "id": "1", "payload": RESULT}
    assert sent(ready.next("1", RESULT, operation)) == data
    assert sent(ready.next("1", RESULT, operation)) == data
    assert sent(ready.complete("1", operation)) == {"type": "complete", "id": "1"}
    assert ready.next("1", RESULT, operation) == []
    assert ready.complete("1", operation) == []


def test_an_error_ends_the_operation(ready: GraphQLWS) -> None:
    operation = started(ready.receive(start())).operation
    assert sent(ready.error("1", [NO], operation)) == {"type": "error", "id": "1", "payload": NO}
    assert ready.error("1", [NO], operation) == []


def test_several_errors_are_one_that_holds_them_all(ready: GraphQLWS) -> None:
    operation = started(ready.receive(start())).operation
    errors = [{"message": "first"}, {"message": "second"}]
    payload = sent(ready.error("1", errors, operation))["payload"]
    assert payload == {"message": "first", "errors": errors}


def test_a_running_id_is_replaced(ready: GraphQLWS) -> None:
    earlier = started(ready.receive(start())).operation
    stopped, begun = ready.receive(start())
    assert stopped == Stop("1", earlier)
    assert isinstance(begun, Start)
    assert ready.next("1", RESULT, earlier) == []
    assert sent(ready.next("1", RESULT, begun.operation))["payload"] == RESULT


def test_different_ids_run_side_by_side(ready: GraphQLWS) -> None:
    first = started(ready.receive(start("a"))).operation
    second = started(ready.receive(start("b"))).operation
    assert sent(ready.complete("a", first))["id"] == "a"
    assert sent(ready.next("b", RESULT, second))["id"] == "b"


def test_a_client_stops_its_operation_and_is_told_of_its_end(ready: GraphQLWS) -> None:
    operation = started(ready.receive(start())).operation
    stopped, confirmed = ready.receive(stop())
    assert stopped == Stop("1", operation)
    assert sent([confirmed]) == {"type": "complete", "id": "1"}
    assert ready.next("1", RESULT, operation) == []
    assert ready.receive(stop()) == []


def test_a_result_without_json_is_the_fault_of_the_server(ready: GraphQLWS) -> None:
    """It is raised to the owner, and the operation can still be ended properly."""
    operation = started(ready.receive(start())).operation
    with pytest.raises(InvalidMessage):
        ready.next("1", {"data": object()}, operation)
    assert sent(ready.complete("1", operation))["type"] == "complete"


def test_the_id_is_free_even_if_the_error_cannot_be_written(ready: GraphQLWS) -> None:
    operation = started(ready.receive(start())).operation
    with pytest.raises(InvalidMessage):
        ready.error("1", [], operation)
    assert started(ready.receive(start())).id == "1"


# Invalid messages and the end


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "frame: expected JSON, got something else at character 0 (expecting value)"),
        ("[]", "message: expected an object, got an empty list"),
        ('{"type": "subscribe"}', "type: expected one of"),
        ('{"type": "data", "id": "1", "payload": {}}', "type: expected a message of a client"),
        ("[" * 100_000, "frame: expected at most 1000 bytes"),
    ],
)
def test_an_invalid_message_is_answered_and_the_socket_lives(
    ready: GraphQLWS, text: str, reason: str
) -> None:
    answer = sent(ready.receive(text))
    assert answer["type"] == "connection_error"
    assert answer["payload"]["message"].startswith(reason)
    assert started(ready.receive(start())).id == "1"


def test_a_binary_frame_is_answered(machine: GraphQLWS) -> None:
    assert sent(machine.receive(None, b"{}")) == refused("frame: expected text, got binary data")


def test_a_wrong_request_is_answered_under_its_id(ready: GraphQLWS) -> None:
    answer = sent(ready.receive('{"type": "start", "id": "7", "payload": {}}'))
    message = "payload.query: expected a non-empty string, got nothing"
    assert answer == {"type": "error", "id": "7", "payload": {"message": message}}


def test_a_wrong_request_ends_what_runs_under_its_id(ready: GraphQLWS) -> None:
    """The client reads the error as the end of it."""
    operation = started(ready.receive(start())).operation
    stopped, _ = ready.receive('{"type": "start", "id": "1"}')
    assert stopped == Stop("1", operation)
    assert ready.next("1", RESULT, operation) == []


def test_a_client_ends_the_connection(ready: GraphQLWS) -> None:
    operation = started(ready.receive(start())).operation
    assert ready.receive('{"type": "connection_terminate"}') == [Close(1000)]
    assert ready.next("1", RESULT, operation) == []


def test_after_a_close_nothing_has_an_effect(ready: GraphQLWS) -> None:
    operation = started(ready.receive(start())).operation
    assert ready.close(4500, "Internal server error") == [Close(4500, "Internal server error")]
    assert ready.closed
    assert ready.receive(INIT) == []
    assert ready.receive("not json") == []
    assert ready.next("1", RESULT, operation) == []
    assert ready.init_timeout() == []
    assert ready.keep_alive() == []
    assert ready.close(1000) == []


def test_late_results_for_a_client_that_left_are_ignored(ready: GraphQLWS) -> None:
    operation = started(ready.receive(start())).operation
    ready.disconnected()
    assert ready.next("1", RESULT, operation) == []
