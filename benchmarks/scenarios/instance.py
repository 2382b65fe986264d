"""`subscribe_instance` of one row, by one viewer and by many, each of whom has to be logged in."""

from __future__ import annotations

from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.marginal import DELIVERY, marginal
from benchmarks.outcome import Line, Outcome
from benchmarks.scenarios import fanout
from benchmarks.wires import SELECTION, GraphQL, Native, Wire

PER_VIEWER = 5
"""Clients of one user where there are many users: of 500 subscribers, 100."""
ONE_VIEWER = 100_000
SUBSCRIBE = {"action": "subscribe_instance", "pk": 1}
DOCUMENT = f"subscription {{ cardChanged(id: 1) {{ action data {{ {SELECTION} }} }} }}"
APP = "benchmarks.apps.rows"
WIRES: dict[Contender, Wire] = {
    Contender("dcrf_graph, native, 1 viewer", APP): Native(call=SUBSCRIBE, per_viewer=ONE_VIEWER),
    Contender("dcrf_graph, GraphQL, 1 viewer", APP): GraphQL(
        "/router", DOCUMENT, per_viewer=ONE_VIEWER
    ),
    Contender("dcrf_graph, native, 100 viewers", APP): Native(
        call=SUBSCRIBE, per_viewer=PER_VIEWER
    ),
    Contender("dcrf_graph, GraphQL, 100 viewers", APP): GraphQL(
        "/router", DOCUMENT, per_viewer=PER_VIEWER
    ),
}
BOUNDS = dict(zip(WIRES, (1.75, 1.75, 2.5, 2.5), strict=True))
PEERS: dict[Contender, Wire] = {
    Contender(
        "djangochannelsrestframework, 1 viewer",
        "benchmarks.peers.upstream_rows",
        "djangochannelsrestframework",
    ): Native(call=SUBSCRIBE, per_viewer=ONE_VIEWER),
}
TEXT = f"""\
As the fan-out, but through `subscribe_instance`, with `IsAuthenticated` and a plain queryset. Many
viewers have {PER_VIEWER} sockets each, so that the marginal cost holds what a viewer costs: 20
become 100.
"""


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure the row observer of this library, and upstream's."""
    limit = fanout.LIMIT
    wires = {limit: fanout.WIRES[limit], **WIRES, **(PEERS if peers else {})}
    measured = await marginal(wires, effort)
    lines = [
        Line(
            f"`subscribe_instance`, {contender.name.partition(', ')[2]}",
            bound,
            measured.over(contender, limit, DELIVERY),
        )
        for contender, bound in BOUNDS.items()
    ]
    return Outcome("Single rows", TEXT, measured, lines)
