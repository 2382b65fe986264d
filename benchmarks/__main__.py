"""
What a frame costs in the protocols, in microseconds of CPU: `make bench`.

The limit of reading a frame is `json.loads` of the same text, that of writing one is `json.dumps`
of the same object. Each line is the median of several runs, with the fastest and the slowest.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

from dcrf_graph.protocols.effects import Start
from dcrf_graph.protocols.graphql_transport_ws import GraphQLTransportWS
from dcrf_graph.protocols.native import NativeStreams

RUNS = 7
REPETITIONS = 5_000

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


def measure(work: Callable[[], object]) -> list[float]:
    """The CPU time of one repetition, in microseconds, for each run."""
    runs = []
    for _ in range(RUNS):
        begin = time.process_time_ns()
        for _ in range(REPETITIONS):
            work()
        runs.append((time.process_time_ns() - begin) / REPETITIONS / 1_000)
    return runs


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


def main() -> None:
    come_and_go, send_next = operations()
    streams = NativeStreams(["cards"])
    packages = ", ".join(f"{name} {version(name)}" for name in ("dcrf-graph", "django", "channels"))
    print(f"Python {platform.python_version()}, {packages}, {os.cpu_count()} CPUs")
    print(f"{RUNS} runs of {REPETITIONS:,} repetitions; microseconds of CPU each\n")
    print(f"{'':44}{'median':>8}{'fastest':>9}{'slowest':>9}")
    for name, work in (
        ("limit: json.loads of a native frame", lambda: json.loads(LIST)),
        ("native streams: read a frame", lambda: streams.receive(LIST)),
        ("limit: json.loads of a subscribe message", lambda: json.loads(SUBSCRIBE)),
        ("graphql-transport-ws: subscribe, complete", come_and_go),
        ("limit: json.dumps of a result", lambda: json.dumps(RESULT)),
        ("graphql-transport-ws: send a result", send_next),
    ):
        runs = measure(work)
        print(f"{name:44}{statistics.median(runs):8.2f}{min(runs):9.2f}{max(runs):9.2f}")


if __name__ == "__main__":
    main()
