"""
Where the CPU of a contender goes while events reach many subscribers. Needs py-spy.

    python -m benchmarks.profiles fanout "dcrf_graph, GraphQL" [subscribers]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.contenders import Contender
from benchmarks.crowd import Crowd
from benchmarks.effort import QUICK
from benchmarks.scenarios import distinct, fanout, instance
from benchmarks.servers import serving
from benchmarks.wires import Wire

SECONDS = 8
SHOWN = 30
WAITING = ("_worker (", "Runner.run (")
"""The innermost functions of a thread that has nothing to do."""
WIRES: dict[str, dict[Contender, Wire]] = {
    "fanout": {**fanout.WIRES, **fanout.PEERS},
    "instance": {**instance.WIRES, **instance.PEERS},
    "distinct": {distinct.OURS: distinct.WIRE},
}


async def record(contender: Contender, wire: Wire, size: int) -> list[tuple[list[str], int]]:
    """Stacks, each from the outermost function to the innermost, and how often each was seen."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "stacks"
        async with serving(contender) as server:
            crowd = Crowd(wire, server)
            await crowd.grow(size)
            options = ("--format", "raw", "--rate", "500", "--nonblocking", "--output", output)
            spy = await asyncio.create_subprocess_exec(
                *("py-spy", "record", *options, "--duration", str(SECONDS)),
                *("--pid", str(server.process.pid)),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            while spy.returncode is None:
                await crowd.events(10, budget=1)
        lines = output.read_text().splitlines()
    split = (line.rpartition(" ") for line in lines)
    return [(stack.split(";"), int(count)) for stack, _, count in split]


def show(stacks: list[tuple[list[str], int]]) -> None:
    """Print the functions and modules that take most, alone and with all that they call."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for stack, count in stacks:
        names = [frame.rpartition(":")[0] for frame in stack]
        if names[-1].startswith(WAITING):
            continue
        own[names[-1]] += count
        modules[names[-1].partition("(")[2]] += count
        within.update(dict.fromkeys(names, count))
    total = own.total()
    print(f"{'own':>7}  module")
    for name, count in modules.most_common(SHOWN):
        print(f"{count / total:7.1%}  {name}")
    print()
    print(f"{'own':>7}{'with':>7}")
    for name, count in own.most_common(SHOWN):
        print(f"{count / total:7.1%}{within[name] / total:7.1%}  {name}")
    print(f"\n{'with':>7}")
    for name, count in within.most_common(2 * SHOWN):
        print(f"{count / total:7.1%}  {name}")


def main(scenario: str, name: str, subscribers: str = str(QUICK.many)) -> None:
    """Record one contender, and print."""
    [(contender, wire)] = [
        (each, wire) for each, wire in WIRES[scenario].items() if each.name == name
    ]
    show(asyncio.run(record(contender, wire, int(subscribers))))


if __name__ == "__main__":
    main(*sys.argv[1:])
