"""
Measures what the library costs, next to the least it can cost and to its peers: `make bench`.

    python -m benchmarks                    everything, peers too, into benchmarks/report.md
    python -m benchmarks fanout --quick     one scenario, fewer rounds, to the terminal
    python -m benchmarks fanout --peers     with those peers whose environments were made
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import ROOT
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.outcome import Outcome
from benchmarks.report import markdown
from benchmarks.scenarios import SCENARIOS

REPORT = ROOT / "benchmarks" / "report.md"


async def measure(
    names: list[str], effort: Effort, peers: bool, write: Callable[[list[Outcome]], None]
) -> None:
    """Run scenarios one after the other; a dot on stderr is one turn of one contender."""
    outcomes: list[Outcome] = []
    for name in names:
        begin = time.monotonic()
        print(f"{name} ", end="", file=sys.stderr, flush=True)
        outcomes.append(await SCENARIOS[name](effort, peers))
        print(f" {time.monotonic() - begin:.0f} s", file=sys.stderr)
        write(outcomes)


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(SCENARIOS)}; none is all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--peers", action="store_true", help="measure other libraries too")
    parser.add_argument("--report", type=Path, help="where to write; with all scenarios report.md")
    options = parser.parse_args()
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(unknown)}; expected {', '.join(SCENARIOS)}")
    everything = not options.scenarios
    names = options.scenarios or list(SCENARIOS)
    effort = QUICK if options.quick else FULL
    report = options.report or (REPORT if everything and not options.quick else None)
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])

    def write(outcomes: list[Outcome]) -> None:
        text = markdown(outcomes, command)
        if report:
            report.write_text(text)
        if len(outcomes) == len(names):
            print(text)

    asyncio.run(measure(names, effort, options.peers or everything, write))


if __name__ == "__main__":
    main()
