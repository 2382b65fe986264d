"""The GraphQL fan-out to subscribers whose operations differ."""

from __future__ import annotations

from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.marginal import marginal, table_row
from benchmarks.outcome import Line, Outcome
from benchmarks.scenarios.fanout import LIMIT
from benchmarks.wires import GraphQL

PER_OPERATION = 10
"""Subscribers of each operation: of 500, 50 different ones."""
OURS = Contender(
    "dcrf_graph, 50 operations",
    "benchmarks.apps.ours",
    GraphQL("/router", per_operation=PER_OPERATION),
)
TEXT = f"""\
As the GraphQL fan-out, but {PER_OPERATION} subscribers each have an operation of their own: the
same fields in another order. The marginal cost holds what an operation costs: 10 become 50.
"""


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure 50 distinct operations among 500 subscribers."""
    costs = await marginal([LIMIT, OURS], effort)
    limit, ours = costs[LIMIT], costs[OURS]
    return Outcome(
        "Distinct operations",
        TEXT,
        rows={name: table_row(cost, limit) for name, cost in costs.of.items()},
        lines=[
            Line("50 distinct operations among 500", 2.25, ours.delivery.over(limit.delivery)),
        ],
        contenders=costs.contenders,
    )
