"""`subscribe_instance` of one row, by one viewer and by many, each of whom has to be logged in."""

from __future__ import annotations

from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.marginal import marginal, table_row
from benchmarks.outcome import Line, Outcome
from benchmarks.scenarios.fanout import LIMIT
from benchmarks.wires import SELECTION, GraphQL, Native

PER_VIEWER = 5
"""Clients of one user where there are many users: of 500 subscribers, 100."""
ONE_VIEWER = 100_000
SUBSCRIBE = {"action": "subscribe_instance", "pk": 1}
DOCUMENT = f"subscription {{ cardChanged(id: 1) {{ action data {{ {SELECTION} }} }} }}"


def native(per_viewer: int, name: str) -> Contender:
    return Contender(name, "benchmarks.apps.ours", Native("/rows", SUBSCRIBE, None, per_viewer))


def graphql(per_viewer: int, name: str) -> Contender:
    wire = GraphQL("/rows/router", DOCUMENT, per_viewer=per_viewer)
    return Contender(name, "benchmarks.apps.ours", wire)


BOUNDS = {
    native(ONE_VIEWER, "dcrf_graph, native, 1 viewer"): 1.75,
    graphql(ONE_VIEWER, "dcrf_graph, GraphQL, 1 viewer"): 1.75,
    native(PER_VIEWER, "dcrf_graph, native, 100 viewers"): 2.5,
    graphql(PER_VIEWER, "dcrf_graph, GraphQL, 100 viewers"): 2.5,
}
PEERS: tuple[Contender, ...] = ()
TEXT = f"""\
As the fan-out, but through `subscribe_instance`, with `IsAuthenticated` and a plain queryset. Many
viewers have {PER_VIEWER} sockets each, so that the marginal cost holds what a viewer costs: 20
become 100.
"""


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure the row observer of this library, and upstream's."""
    costs = await marginal([LIMIT, *BOUNDS, *(PEERS if peers else ())], effort)
    limit = costs[LIMIT]
    return Outcome(
        "Single rows",
        TEXT,
        rows={name: table_row(cost, limit) for name, cost in costs.of.items()},
        lines=[
            Line(
                f"`subscribe_instance`, {contender.name.partition(', ')[2]}",
                bound,
                costs[contender].delivery.over(limit.delivery),
            )
            for contender, bound in BOUNDS.items()
        ],
        contenders=costs.contenders,
        failures=costs.failures,
    )
