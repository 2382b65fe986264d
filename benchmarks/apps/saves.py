"""
`save()` and loading with observers to which nobody listens.

    BENCH_OBSERVERS  the module that declares them; without one it is plain Django
    BENCH_COUNT      how many
    BENCH_IMPORT     a module that is imported, and not used
"""

from __future__ import annotations

import gc
import importlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async

from benchmarks.world.changes import save
from benchmarks.world.models import Card

if module := os.environ.get("BENCH_IMPORT"):
    importlib.import_module(module)
if module := os.environ.get("BENCH_OBSERVERS"):
    importlib.import_module(module).observe(int(os.environ["BENCH_COUNT"]))


async def application(scope: Any, receive: Any, send: Any) -> None:
    raise NotImplementedError("nobody connects")


async def saves(count: int) -> None:
    """So many saves in one thread hop, each in a transaction of its own."""

    def work() -> None:
        for position in range(count):
            save(position)

    await sync_to_async(work)()


@contextmanager
def collecting() -> Iterator[list[int]]:
    """How long Python's collector works inside: nanoseconds of CPU, one for each of its turns."""
    turns: list[int] = []
    begin = 0

    def note(phase: str, info: Any) -> None:
        nonlocal begin
        if phase == "start":
            begin = time.thread_time_ns()
        else:
            turns.append(time.thread_time_ns() - begin)

    gc.callbacks.append(note)
    try:
        yield turns
    finally:
        gc.callbacks.remove(note)


async def load() -> int:
    """Load every row into an instance; nanoseconds of it that were the collector's."""
    with collecting() as turns:
        await sync_to_async(lambda: list(Card.objects.all()))()
    return sum(turns)


commands = {"saves": saves, "load": load}
