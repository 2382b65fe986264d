"""
What a frame costs in the protocols, which have no socket.

The limit of reading a frame is `json.loads` of the same text, that of writing one is `json.dumps`
of the same object.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.outcome import Outcome
from benchmarks.turns import Measured
from dcrf_graph.protocols.effects import Start
from dcrf_graph.protocols.graphql_transport_ws import GraphQLTransportWS
from dcrf_graph.protocols.native import NativeStreams

TEXT = """\
One frame through a protocol's state machine, and `json` doing the same with its text.
"""
LIST = json.dumps({"stream": "cards", "payload": {"action": "list", "request_id": 42}})
SUBSCRIBE = json.dumps(
    {
        "id": "1",
        "type": "subscribe",
        "payload": {
            "query": "subscription($id: ID!) { cardChanged(id: $id) { action id data { title } } }",
            "variables": {"id": "7"},
        },
    }
)
RESULT = {
    "data": {"cardChanged": {"action": "UPDATE", "id": "7", "data": {"title": "Write the manual"}}}
}


def cost(work: Callable[[], object], repetitions: int) -> float:
    """The CPU time of one repetition, in microseconds."""
    begin = time.process_time_ns()
    for _ in range(repetitions):
        work()
    return (time.process_time_ns() - begin) / repetitions / 1_000


def operations() -> tuple[Callable[[], object], Callable[[], object]]:
    """An operation that comes and is completed; and a result for one that runs on."""
    machine = GraphQLTransportWS()
    machine.receive('{"type": "connection_init"}')
    machine.acknowledge()

    def come_and_go() -> None:
        [start] = machine.receive(SUBSCRIBE)
        assert isinstance(start, Start)
        machine.complete(start.id, start.operation)

    other = GraphQLTransportWS()
    other.receive('{"type": "connection_init"}')
    other.acknowledge()
    [running] = other.receive(SUBSCRIBE)
    assert isinstance(running, Start)
    return come_and_go, lambda: other.next(running.id, RESULT, running.operation)


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure reading, writing, and an operation that comes and goes."""
    come_and_go, send_next = operations()
    streams = NativeStreams(["cards"])
    works: dict[str, Callable[[], object]] = {
        "limit: json.loads of a native frame": lambda: json.loads(LIST),
        "native streams: read a frame": lambda: streams.receive(LIST),
        "limit: json.loads of a subscribe message": lambda: json.loads(SUBSCRIBE),
        "graphql-transport-ws: subscribe, complete": come_and_go,
        "limit: json.dumps of a result": lambda: json.dumps(RESULT),
        "graphql-transport-ws: send a result": send_next,
    }
    measured = Measured([])
    for _ in range(effort.rounds):
        for name, work in works.items():
            values = {"CPU": cost(work, 10 * effort.saves)}
            measured.add(Contender(name, __name__), values, "µs")
    return Outcome("Frames", TEXT, measured)
