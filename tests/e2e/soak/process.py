"""What the server's process has: by its own count, and by the kernel's."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.e2e.demo import Demo, eventually

QUIET = ["connections", "tasks", "subscriptions", "groups", "events"]


def memory(demo: Demo) -> int:
    """Its resident set, in kB."""
    status = (Path("/proc") / str(demo.process.pid) / "status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(fields["VmRSS"].split()[0])


def use(demo: Demo) -> dict[str, int]:
    """All of it, in kB and numbers, after a collection."""
    counts: dict[str, int] = httpx.get(f"{demo.url}/process/", timeout=30).json()
    counts["files"] = len(list((Path("/proc") / str(demo.process.pid) / "fd").iterdir()))
    counts["memory"] = memory(demo)
    return counts


def settled(demo: Demo) -> dict[str, int]:
    """What it has as soon as nobody is there, or when time is up; the asking is a connection."""
    eventually(lambda: [use(demo)[name] for name in QUIET], [0] * len(QUIET), 30)
    return use(demo)
