"""What observers cost those who save and load rows while nobody listens."""

from __future__ import annotations

from typing import Any

from benchmarks.contenders import Contender
from benchmarks.effort import Effort
from benchmarks.figures import lower_quartile
from benchmarks.outcome import Line, Outcome
from benchmarks.servers import Server
from benchmarks.turns import Pieces, take_turns

ROWS = 20_000
SAVE = "a save"
LOAD = f"loading {ROWS:,} rows"
COLLECTOR = "the collector's part"
REST = "the rest"

APP = "benchmarks.apps.saves"
OURS = "benchmarks.apps.observers"


def observed(name: str, count: int, observers: str, peer: str = "") -> Contender:
    environment = {"BENCH_OBSERVERS": observers, "BENCH_COUNT": str(count)}
    return Contender(f"{name}, {count} observer{'s' * (count > 1)}", APP, peer, environment)


PLAIN = Contender("plain Django", APP)
# The collector looks at all that is imported, whenever many rows are loaded.
DRF = Contender(
    "DRF imported, no observer", APP, "", {"BENCH_IMPORT": "rest_framework.serializers"}
)
IMPORTED = Contender(
    "dcrf_graph imported, no observer", APP, "", {"BENCH_OBSERVERS": OURS, "BENCH_COUNT": "0"}
)
ONE = observed("dcrf_graph", 1, OURS)
FIVE = observed("dcrf_graph", 5, OURS)
UPSTREAM = "djangochannelsrestframework"
PEERS = [
    observed(UPSTREAM, count, "benchmarks.peers.upstream_observers", UPSTREAM) for count in (1, 5)
]
TEXT = f"""\
Observers with a serializer and groups, to which nobody has subscribed. *{SAVE.capitalize()}* is
one `save()` in a transaction of its own; *{LOAD}* makes instances of all of them. While it
does, Python's garbage collector walks through all that is alive, once or twice; what is imported
makes that longer, whoever uses it. So its part is shown apart, by its own clock.
"""


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure saving and loading with and without observers."""

    async def turn(server: Server) -> Pieces:
        saves, loads, collected = [], [], []
        for _ in range(2 * effort.pieces):
            yield None
            await server.call("saves", 5)
            save, _ = await cost(server, "saves", effort.saves)
            load, collector = await cost(server, "load")
            saves.append(save / effort.saves)
            loads.append(load)
            collected.append(collector / 1_000)
        yield {
            SAVE: lower_quartile(saves),
            LOAD: lower_quartile(loads),
            COLLECTOR: lower_quartile(collected),
            REST: lower_quartile([a - b for a, b in zip(loads, collected, strict=True)]),
        }

    contenders = [PLAIN, DRF, IMPORTED, ONE, FIVE, *(PEERS if peers else ())]
    measured = await take_turns(contenders, turn, effort.rounds, cards=ROWS)
    measured.compare(PLAIN, SAVE, "over plain Django")
    measured.compare(PLAIN, LOAD, "over plain Django's")
    measured.compare(PLAIN, REST, "the rest, over plain Django's")
    lines = [
        Line("`save()` with 1 observer", 1.15, measured.over(ONE, PLAIN, SAVE)),
        Line("`save()` with 5 observers", 1.3, measured.over(FIVE, PLAIN, SAVE)),
        Line(f"{LOAD} with 5 grouped observers", 1.1, measured.over(FIVE, PLAIN, LOAD)),
    ]
    return Outcome("Saving and loading", TEXT, measured, lines)


async def cost(server: Server, command: str, *arguments: int) -> tuple[float, Any]:
    """The CPU of a command, in microseconds, and what it returns."""
    await server.call("collect")
    begin = server.cpu
    result = await server.call(command, *arguments)
    return (server.cpu - begin) / 1_000, result
