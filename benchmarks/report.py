"""Outcomes as Markdown."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import date

from benchmarks.contenders import OURS, ROOT, Contender
from benchmarks.outcome import Outcome

VERSIONS = """
import importlib.metadata as m, json, platform, sys
versions = {"Python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = m.version(name)
    except m.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""
COMMON = ("Django", "channels", "djangorestframework", "graphql-core", "uvicorn", "uvloop")


def markdown(outcomes: Sequence[Outcome], command: str) -> str:
    """The whole report."""
    contenders = [contender for outcome in outcomes for contender in outcome.measured.contenders]
    parts = [
        "# What it costs",
        f"Written by `{command}` on {date.today()}; {machine()}. CPU is the server's, as the "
        "operating system counts it: the median of the rounds, with the least and the most. "
        "A multiple is taken within a round. [docs/performance.md](../docs/performance.md) says "
        "what the figures mean.",
        *bounds(outcomes),
        *(section(outcome) for outcome in outcomes),
        *versions(contenders),
    ]
    return "\n\n".join(parts) + "\n"


def bounds(outcomes: Iterable[Outcome]) -> list[str]:
    """The lines that have a bound, in one table."""
    lines = [line for outcome in outcomes for line in outcome.lines]
    rows = [
        (
            line.what,
            f"{line.at_most:g} {line.figure.unit}",
            str(line.figure),
            "yes" if line.reached else "**no**",
        )
        for line in lines
    ]
    if not rows:
        return []
    return ["## Figures to reach", table(("what", "at most", "measured", "reached"), rows)]


def section(outcome: Outcome) -> str:
    """One scenario: what was measured, of whom."""
    parts = [f"## {outcome.title}", outcome.text.strip()]
    measured = outcome.measured.rows
    if measured:
        columns = list(dict.fromkeys(name for row in measured.values() for name in row))
        rows = [
            (name, *(str(row[column]) if column in row else "" for column in columns))
            for name, row in measured.items()
        ]
        parts.append(table(("", *columns), rows))
    parts += [f"Not measured: {name}: {why}" for name, why in outcome.measured.failures.items()]
    return "\n\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """The processor, and how many of them."""
    with open("/proc/cpuinfo") as file:
        models = {line.split(":", 1)[1].strip() for line in file if line.startswith("model name")}
    return f"{os.cpu_count()} CPUs ({', '.join(models) or platform.machine()})"


def versions(contenders: Iterable[Contender]) -> list[str]:
    """What each environment holds."""
    pythons = {each.python: each.peer or OURS for each in contenders}
    rows = []
    for python, name in pythons.items():
        command = [str(python), "-c", VERSIONS, *COMMON, *packages(name)]
        found = json.loads(subprocess.check_output(command, cwd=ROOT))
        whose = "dcrf_graph, plain Django and the limits" if name == OURS else name
        rows.append((whose, ", ".join(f"{key} {value}" for key, value in found.items())))
    return ["## Versions", table(("environment", "versions"), rows)] if rows else []


def packages(peer: str) -> list[str]:
    """The packages that an environment is made for."""
    if peer == OURS:
        return ["ariadne", "asgiref", "orjson", "channels_redis"]
    lines = (ROOT / "benchmarks" / "requirements" / f"{peer}.txt").read_text().splitlines()
    return [line.partition("==")[0].partition("[")[0] for line in lines if "==" in line]
