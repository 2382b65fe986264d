"""An observer's event for all who subscribed it, through a handler as in upstream's README."""

from __future__ import annotations

from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.marginal import DELIVERY, EVENT, marginal
from benchmarks.outcome import Line, Outcome
from benchmarks.wires import Bare, Chanx, GraphQL, Native, Wire

LIMIT = Contender("limit: bare ASGI", "benchmarks.apps.limit")
NATIVE = Contender("dcrf_graph, native", "benchmarks.apps.cards")
STREAMS = Contender("dcrf_graph, native streams", "benchmarks.apps.cards_router")
GRAPHQL = Contender("dcrf_graph, GraphQL", "benchmarks.apps.cards_router")
WIRES: dict[Contender, Wire] = {
    LIMIT: Bare(),
    NATIVE: Native(),
    STREAMS: Native(stream="cards"),
    GRAPHQL: GraphQL(),
}
PEERS: dict[Contender, Wire] = {
    Contender(
        "djangochannelsrestframework",
        "benchmarks.peers.upstream",
        "djangochannelsrestframework",
    ): Native(),
    Contender("chanx", "benchmarks.peers.chanx_app", "chanx"): Chanx(),
    Contender(
        "strawberry over Channels", "benchmarks.peers.strawberry_channels", "strawberry"
    ): GraphQL(),
    Contender("Ariadne ASGI", "benchmarks.peers.ariadne_asgi", "ariadne"): GraphQL(),
    Contender(
        "django-channels-graphql-ws",
        "benchmarks.peers.channels_graphql_ws_app",
        "channels-graphql-ws",
    ): GraphQL(),
}
TEXT = """\
One `save()` of a row is sent to all subscribers, about 300 bytes to each, and each of them checks
all of it. *A delivery* is the marginal cost: what an event costs more with {0.many} subscribers
than with {0.few}, for each of the difference. *An event* is what it costs with one subscriber, the
save included.
"""


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure the fan-out of the limit, of this library and of the peers."""
    measured = await marginal({**WIRES, **(PEERS if peers else {})}, effort)
    bounds = {
        "native fan-out": (1.75, NATIVE, DELIVERY),
        "GraphQL fan-out, same operation": (1.75, GRAPHQL, DELIVERY),
        "fixed cost of an event, native": (2.0, NATIVE, EVENT),
        "fixed cost of an event, GraphQL": (2.0, GRAPHQL, EVENT),
    }
    lines = [
        Line(what, bound, measured.over(contender, LIMIT, quantity))
        for what, (bound, contender, quantity) in bounds.items()
    ]
    return Outcome("Fan-out", TEXT.format(effort), measured, lines)
