"""What crosses on the wire, in both GraphQL protocols: ends that meet, and ends that come late."""

from __future__ import annotations

import pytest

from dcrf_graph.protocols.effects import MAX_CLOSE_REASON, Close, Run, Start, Stop
from tests.protocols.dialects import DIALECTS, ERRORS, INIT, RESULT, Dialect, Machine

pytestmark = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)


def begun(dialect: Dialect, machine: Machine, id: str = "1") -> Run:
    """The run that a client has started."""
    [effect] = machine.receive(dialect.start(id))
    assert isinstance(effect, Start)
    return effect.operation


def test_the_clients_end_crosses_the_servers_complete(dialect: Dialect) -> None:
    machine = dialect.ready()
    machine.complete("1", begun(dialect, machine))
    assert machine.receive(dialect.stop()) == []


def test_the_clients_end_crosses_the_servers_error(dialect: Dialect) -> None:
    machine = dialect.ready()
    machine.error("1", ERRORS, begun(dialect, machine))
    assert machine.receive(dialect.stop()) == []


def test_whatever_a_run_reports_after_the_clients_end_is_not_sent(dialect: Dialect) -> None:
    machine = dialect.ready()
    operation = begun(dialect, machine)
    machine.receive(dialect.stop())
    assert machine.next("1", RESULT, operation) == []
    assert machine.error("1", ERRORS, operation) == []
    assert machine.complete("1", operation) == []


@pytest.mark.parametrize("end", ["complete", "error", "stop"])
def test_an_id_is_free_before_the_end_is_read(dialect: Dialect, end: str) -> None:
    """And the late reports of the run before are not taken for those of the next one."""
    machine = dialect.ready()
    earlier = begun(dialect, machine)
    match end:
        case "complete":
            machine.complete("1", earlier)
        case "error":
            machine.error("1", ERRORS, earlier)
        case _:
            machine.receive(dialect.stop())
    later = begun(dialect, machine)
    assert machine.next("1", RESULT, earlier) == []
    assert machine.complete("1", earlier) == []
    [message] = dialect.sent(machine.complete("1", later))
    assert message == {"type": "complete", "id": "1"}


def test_an_end_ends_one_operation_and_not_its_neighbour(dialect: Dialect) -> None:
    machine = dialect.ready()
    first, second = begun(dialect, machine, "1"), begun(dialect, machine, "2")
    assert machine.receive(dialect.stop("1"))[0] == Stop("1", first)
    [message] = dialect.sent(machine.next("2", RESULT, second))
    assert message == {"type": dialect.result, "id": "2", "payload": RESULT}


def test_a_client_goes_while_it_is_being_asked_who_it_is(dialect: Dialect) -> None:
    machine = dialect.machine()
    machine.receive(INIT)
    machine.disconnected()
    assert machine.acknowledge() == []
    assert machine.refuse() == []
    assert machine.init_timeout() == []


def test_a_client_goes_while_an_operation_ends(dialect: Dialect) -> None:
    machine = dialect.ready()
    operation = begun(dialect, machine)
    machine.disconnected()
    assert machine.next("1", RESULT, operation) == []
    assert machine.error("1", ERRORS, operation) == []
    assert machine.complete("1", operation) == []
    assert machine.receive(dialect.stop()) == []


def test_the_server_closes_at_any_time_and_says_why(dialect: Dialect) -> None:
    asked = dialect.machine()
    asked.receive(INIT)
    for machine in (dialect.machine(), asked, dialect.ready()):
        assert machine.close(4500, "Out of order") == [Close(4500, "Out of order")]
        assert machine.receive(dialect.start()) == []


def test_a_reason_is_cut_to_what_a_close_frame_holds(dialect: Dialect) -> None:
    [*_, close] = dialect.ready().refuse("é" * 200)
    assert isinstance(close, Close)
    assert len(close.reason.encode()) == MAX_CLOSE_REASON - 1
