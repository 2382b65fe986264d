"""
Cancels what a database does for a thread whose call has left it.

A thread cannot be stopped from outside, but the statement that it waits for can: the database ends
it, and the thread gets an exception where it called. It must not know what a call is.

Source: docs/decisions/0016-cancelling-cancels-the-statement.md
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any
from weakref import WeakKeyDictionary

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

logger = logging.getLogger(__name__)

GRACE = 0.05
"""Seconds that left work has to end by itself, before its statement is cancelled."""
MAX_GRACE = 1.0
"""Seconds until the next statement of work that goes on is cancelled too, at most."""

STOPS = ("cancel_safe", "cancel", "interrupt")
"""How a driver's connection is told to stop, from another thread: psycopg's two ways, SQLite's."""

opened: WeakKeyDictionary[threading.Thread, dict[str, BaseDatabaseWrapper]] = WeakKeyDictionary()
"""The database connections of each thread, by their alias."""


@receiver(connection_created)
def remember(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Note whose a database connection is; the signal comes in the thread that opens it."""
    opened.setdefault(threading.current_thread(), {})[connection.alias] = connection


async def interrupt(work: Future[Any], threads: Iterable[threading.Thread]) -> bool:
    """
    Wait for left work to end, cancelling its statements one after the other.

    Work that never asks the database is only waited for. False if nothing had to be cancelled.
    """
    over = asyncio.gather(asyncio.wrap_future(work), return_exceptions=True)
    threads, interrupted, patience = tuple(threads), False, GRACE
    while not work.done():
        await asyncio.wait({over}, timeout=patience)
        if not work.done():
            interrupted = True
            await asyncio.to_thread(stop_statements, threads)
            patience = min(2 * patience, MAX_GRACE)
    return interrupted


def stop_statements(threads: Iterable[threading.Thread]) -> None:
    """Cancel what databases do for these threads now; nothing happens where they do nothing."""
    for thread in threads:
        for connection in list(opened.get(thread, {}).values()):
            raw: Any = connection.connection
            stop = next((found for name in STOPS if (found := getattr(raw, name, None))), None)
            if stop is not None:
                try:
                    stop()
                except Exception as error:  # the connection was closed meanwhile
                    logger.debug("A statement could not be cancelled: %s", error)
