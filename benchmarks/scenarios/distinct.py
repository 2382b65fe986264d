"""The GraphQL fan-out to subscribers whose operations differ."""

from __future__ import annotations

from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.marginal import DELIVERY, marginal
from benchmarks.outcome import Line, Outcome
from benchmarks.scenarios.fanout import LIMIT, WIRES
from benchmarks.wires import GraphQL

PER_OPERATION = 10
"""Subscribers of each operation: of 500, 50 different ones."""
OURS = Contender("dcrf_graph, 50 operations", "benchmarks.apps.cards_router")
WIRE = GraphQL(per_operation=PER_OPERATION)
TEXT = f"""\
As the GraphQL fan-out, but {PER_OPERATION} subscribers each have an operation of their own: the
same fields in another order. The marginal cost holds what an operation costs: 10 become 50.
"""


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure 50 distinct operations among 500 subscribers."""
    wires = {LIMIT: WIRES[LIMIT], OURS: WIRE}
    measured = await marginal(wires, effort)
    ratio = measured.over(OURS, LIMIT, DELIVERY)
    line = Line("50 distinct operations among 500", 2.25, ratio)
    return Outcome("Distinct operations", TEXT, measured, [line])
