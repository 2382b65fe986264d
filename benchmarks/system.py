"""What the operating system knows of a process (Linux)."""

from __future__ import annotations

import time
from pathlib import Path


def cpu(pid: int) -> int:
    """Nanoseconds of CPU that all threads of a process have used, in user and kernel mode.

    The clock that ``clock_getcpuclockid(3)`` gives for another process.
    """
    return time.clock_gettime_ns((~pid << 3) | 2)


def memory(pid: int) -> int:
    """Bytes of a process that are in RAM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has no memory any more")
