"""A list of 100 rows, each with its owner nested in it."""

from __future__ import annotations

from benchmarks.asks import REST, Action, Ask, BareHTTP, GraphQLHTTP, GraphQLSocket
from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.figures import lower_quartile
from benchmarks.outcome import Line, Outcome
from benchmarks.reader import Reader
from benchmarks.servers import Server
from benchmarks.turns import Pieces, take_turns

CARDS = 100
OWNERS = 100
LIST = "a list"
"""The cost of one list, in microseconds of server CPU."""

LIMIT = Contender("limit: bare ASGI, socket", "benchmarks.apps.list_limit")
HTTP_LIMIT = Contender("limit: bare ASGI, HTTP", "benchmarks.apps.list_limit")
NATIVE = Contender("dcrf_graph, native, socket", "benchmarks.apps.lists")
GRAPHQL = Contender("dcrf_graph, GraphQL, socket", "benchmarks.apps.lists")
HTTP = Contender("dcrf_graph, GraphQL, HTTP", "benchmarks.apps.lists")
ASKS: dict[Contender, Ask] = {
    LIMIT: Ask(),
    NATIVE: Action(),
    GRAPHQL: GraphQLSocket("/router"),
    HTTP_LIMIT: BareHTTP(),
    HTTP: GraphQLHTTP("/graphql/"),
}
PEERS: dict[Contender, Ask] = {
    Contender(
        "djangochannelsrestframework, socket",
        "benchmarks.peers.upstream_list",
        "djangochannelsrestframework",
    ): Action(),
    Contender(
        "Django REST Framework, HTTP", "benchmarks.peers.drf_list", "djangorestframework"
    ): REST("/cards/"),
    Contender("graphene-django, HTTP", "benchmarks.peers.graphene_list", "graphene"): GraphQLHTTP(
        "/graphql/"
    ),
    Contender("Ariadne ASGI, HTTP", "benchmarks.peers.ariadne_asgi", "ariadne"): GraphQLHTTP("/"),
    Contender(
        "strawberry-django, HTTP",
        "benchmarks.peers.strawberry_django_list",
        "strawberry",
        {"BENCH_APPS": "strawberry_django"},
    ): GraphQLHTTP("/graphql/"),
}
TEXT = """\
100 cards with their owner nested, about 30 KiB, read one list after the other on one connection;
all of it is checked. The limit is `values()` in one thread hop, and orjson. Over HTTP Django's
handler, its resolver and a view come on top.
"""


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure lists of this library and of the peers, each beside the limit of its transport."""
    asks = {**ASKS, **(PEERS if peers else {})}

    def turn(server: Server) -> Pieces:
        return measure(Reader(asks[server.contender], server, CARDS, OWNERS), effort)

    measured = await take_turns(list(asks), turn, effort.rounds, cards=CARDS)
    for contender, ask in asks.items():
        limit = LIMIT if ask.transport == "socket" else HTTP_LIMIT
        if row := measured.rows.get(contender.name):
            row["over the limit"] = measured.over(contender, limit, LIST)
    lines = [
        Line("list of 100 rows with owner, native", 1.8, measured.over(NATIVE, LIMIT, LIST)),
        Line("list of 100 rows with owner, GraphQL", 1.8, measured.over(GRAPHQL, LIMIT, LIST)),
    ]
    return Outcome("Lists", TEXT, measured, lines)


async def measure(reader: Reader, effort: Effort) -> Pieces:
    """One turn of one contender."""
    await reader.open()
    costs = []
    for _ in range(effort.pieces):
        yield None
        costs.append(await per_list(reader, effort.lists))
    await reader.close()
    yield {LIST: lower_quartile(costs)}


async def per_list(reader: Reader, count: int) -> float:
    """The CPU of one list, in microseconds, when the server is warm again."""
    await reader.read()
    await reader.server.quiet()
    begin = reader.server.cpu
    for _ in range(count):
        await reader.read()
    await reader.server.quiet()
    return (reader.server.cpu - begin) / count / 1_000
