"""
Start one process per library and settings variant, and read what each recorded.

Upstream runs in an environment of its own (`.venv-upstream`, or the Python in `UPSTREAM_PYTHON`),
this library in the environment of the tests. An environment that is missing is an error which names
the command that makes it, never a skip: without upstream nothing would be compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.comparison.scenario import Recording

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = ("plain", "configured")
TIMEOUT = 240.0
"""Seconds for one process to record all its scenarios; about ten are usual."""


class RecordingFailed(Exception):
    """A recording process could not start, or ended without its recordings."""


@dataclass(frozen=True)
class Recordings:
    """What both libraries recorded, by the scenario's sentence."""

    upstream: dict[str, Recording]
    ours: dict[str, Recording]


def upstream_python() -> str:
    """The Python of upstream's environment."""
    python = Path(os.environ.get("UPSTREAM_PYTHON") or ROOT / ".venv-upstream" / "bin" / "python")
    if not python.exists():
        raise RecordingFailed(f"{python} is missing: run `make .venv-upstream/.stamp`")
    return str(python)


def record_both(names: Sequence[str] = ()) -> Recordings:
    """Record every scenario, or those named, with both libraries at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        libraries = {"djangochannelsrestframework": upstream_python(), "dcrf_graph": sys.executable}
        running = {
            (library, variant): start(python, library, variant, Path(folder), names)
            for library, python in libraries.items()
            for variant in VARIANTS
        }
        recorded: dict[str, dict[str, Recording]] = {library: {} for library in libraries}
        try:
            for (library, variant), process in running.items():
                log = Path(folder, f"{library}-{variant}.log")
                recorded[library].update(read(process, log))
        finally:
            for process in running.values():
                process.kill()
                process.wait()
    return Recordings(upstream=recorded["djangochannelsrestframework"], ours=recorded["dcrf_graph"])


def start(
    python: str, library: str, variant: str, folder: Path, names: Sequence[str]
) -> subprocess.Popen[str]:
    """A process that records one library under one variant of the settings."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.comparison.configuration",
        "COMPARED_LIBRARY": library,
        "COMPARED_SETTINGS": variant,
        "COMPARED_DATABASE": str(folder / f"{library}-{variant}.sqlite3"),
    }
    with (folder / f"{library}-{variant}.log").open("w") as log:
        return subprocess.Popen(
            [python, "-m", "tests.comparison.record", *names],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


def read(process: subprocess.Popen[str], log: Path) -> dict[str, Recording]:
    """The recordings of a process, once it has ended well."""
    out, _ = process.communicate(timeout=TIMEOUT)
    if process.returncode != 0:
        raise RecordingFailed(f"{log.stem} was not recorded:\n{log.read_text()[-4000:]}")
    recordings: dict[str, Recording] = json.loads(out)
    return recordings
