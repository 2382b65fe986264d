"""What a connection keeps in memory that has subscribed and hears nothing."""

from __future__ import annotations

from benchmarks.contenders import Contender
from benchmarks.crowd import Crowd
from benchmarks.effort import Effort
from benchmarks.outcome import Line, Outcome
from benchmarks.scenarios import fanout
from benchmarks.servers import Server
from benchmarks.turns import take_fresh_turns
from benchmarks.wires import Wire

CONNECTION = "a connection"
"""KiB of RAM of the server for each."""
ROUNDS = 2
TEXT = """\
The growth of the server's resident memory from {0.few} connections to {0.idle} more, each with one
subscription, garbage collected, in a new process.
"""


async def run(effort: Effort, peers: bool) -> Outcome:
    """Measure the connections of the fan-out."""
    wires: dict[Contender, Wire] = {**fanout.WIRES, **(fanout.PEERS if peers else {})}

    async def turn(server: Server) -> dict[str, float]:
        crowd = Crowd(wires[server.contender], server)
        before = await at(crowd, effort.few)
        after = await at(crowd, effort.few + effort.idle)
        return {CONNECTION: (after - before) / effort.idle / 1_024}

    rounds = min(ROUNDS, effort.rounds)
    measured = await take_fresh_turns(list(wires), turn, rounds, unit="KiB")
    measured.compare(fanout.LIMIT, CONNECTION, "over the limit")
    lines = [
        Line(f"memory of an idle connection, {name}", 1.4, figure)
        for name, figure in (
            ("native", measured.over(fanout.NATIVE, fanout.LIMIT, CONNECTION)),
            ("GraphQL", measured.over(fanout.GRAPHQL, fanout.LIMIT, CONNECTION)),
        )
    ]
    return Outcome("Memory", TEXT.format(effort), measured, lines)


async def at(crowd: Crowd, size: int) -> int:
    """The bytes that the server takes with so many connections."""
    await crowd.grow(size)
    await crowd.server.call("collect")
    return crowd.server.memory
