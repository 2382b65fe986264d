"""An observer's event for all who subscribed it, through a handler as in upstream's README."""

from __future__ import annotations

from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.marginal import marginal, table_row
from benchmarks.outcome import Line, Outcome
from benchmarks.wires import Bare, GraphQL, Native

LIMIT = Contender("limit: bare ASGI", "benchmarks.apps.limit", Bare())
OURS = (
    Contender("dcrf_graph, native", "benchmarks.apps.ours", Native()),
    Contender("dcrf_graph, GraphQL", "benchmarks.apps.ours", GraphQL("/router")),
    Contender(
        "dcrf_graph, native streams", "benchmarks.apps.ours", Native("/router", stream="cards")
    ),
)
TEXT = """\
One `save()` of a row is sent to all subscribers, about 300 bytes to each, and each of them checks
all of it. *A delivery* is the marginal cost: what an event costs more with {0.many} subscribers
than with {0.few}, for each of the difference. *An event* is what it costs with one subscriber, the
save included.
"""


PEERS: tuple[Contender, ...] = ()


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure the fan-out of the limit, of this library and of the peers."""
    costs = await marginal([LIMIT, *OURS, *(PEERS if peers else ())], effort)
    limit, native, graphql = (costs[each] for each in (LIMIT, *OURS[:2]))
    return Outcome(
        "Fan-out",
        TEXT.format(effort),
        rows={name: table_row(cost, limit) for name, cost in costs.of.items()},
        lines=[
            Line("native fan-out", 1.75, native.delivery.over(limit.delivery)),
            Line("GraphQL fan-out, same operation", 1.75, graphql.delivery.over(limit.delivery)),
            Line("fixed cost of an event, native", 2.0, native.alone.over(limit.alone)),
            Line("fixed cost of an event, GraphQL", 2.0, graphql.alone.over(limit.alone)),
        ],
        contenders=costs.contenders,
        failures=costs.failures,
    )
