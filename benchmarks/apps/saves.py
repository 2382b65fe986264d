"""
`save()` and loading with as many observers as BENCH_OBSERVERS says, to which nobody listens.

Without any it is plain Django: the library is not imported.
"""

from __future__ import annotations

import os
from typing import Any

from asgiref.sync import sync_to_async

from benchmarks.world.changes import save
from benchmarks.world.models import Card

if observers := int(os.environ["BENCH_OBSERVERS"]):
    from benchmarks.apps.observers import observe

    observe(observers)


async def application(scope: Any, receive: Any, send: Any) -> None:
    raise NotImplementedError("nobody connects")


async def saves(count: int) -> None:
    """So many saves in one thread hop, each in a transaction of its own."""

    def work() -> None:
        for position in range(count):
            save(position)

    await sync_to_async(work)()


async def load() -> int:
    """Load every row into an instance."""
    return len(await sync_to_async(lambda: list(Card.objects.all()))())


commands = {"saves": saves, "load": load}
