"""
The transaction that a test is in, as the application sees it: committed where it would be.

Django's ``TestCase``, and pytest-django's ``db``, run a test in a transaction
that is rolled back. The threads of calls have connections of their own, which
see nothing of it; its ``on_commit`` callbacks never run. While a client is open
in such a test, calls and deliveries use the test's own connection instead, one
after the other on the thread of the test's own ORM calls, and callbacks run
where the outermost block but the test's has ended. In a test without such a
transaction nothing is done: everything is as in production.

Source: docs/decisions/0046-a-test-has-one-connection.md
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async
from django.db import connections

from dcrf_graph.changes.journal import Callback, Once
from dcrf_graph.threads import CallContext

logger = logging.getLogger(__name__)

Commit = Callable[[], Awaitable[None]]

COMMITTING = ("on_commit", "savepoint_commit")
"""The methods of a connection after which callbacks may be due."""
CLOSING = "close_if_unusable_or_obsolete"
"""The method that the end of a call closes a connection by."""


class Enclosing(Executor):
    """
    The open transaction of a test, on each of its connections.

    It is what thread-sensitive code of the loop is submitted to: such a piece of code has
    committed what it wrote when it ends.

    Args:
        found: the connections, each of which is in an atomic block of the test.
        lent: whether they belong to the thread of the loop, where no ORM code may run.
    """

    def __init__(self, found: list[Any], *, lent: bool) -> None:
        self.loop = asyncio.get_running_loop()
        # How deep in blocks the test is, and how many callbacks waited before.
        self._found = [(each, len(each.atomic_blocks), len(each.run_on_commit)) for each in found]
        self._lent = lent
        self._replaced: dict[str, Any] = {}
        executors: dict[Any, Any] = AsyncToSync.loop_thread_executors
        self._usual = executors.get(self.loop)
        self._thread: Executor = self._usual or SyncToAsync.single_thread_executor

    async def begin(self) -> None:
        """Have the application use these connections."""
        if self._lent:
            await sync_to_async(self._lend)()
        for found in self._found:
            connection = found[0]
            for name in COMMITTING:
                setattr(connection, name, partial(self._then_commit, found, name))
            # Channels closes old connections around its calls, and asks not whether a
            # transaction is open on one.
            setattr(connection, CLOSING, lambda: None)
        executors: dict[Any, Any] = AsyncToSync.loop_thread_executors
        executors[self.loop] = self
        CallContext.together = True

    async def end(self) -> None:
        """Leave the connections to the test."""
        CallContext.together = False
        executors: dict[Any, Any] = AsyncToSync.loop_thread_executors
        executors.pop(self.loop, None)
        if self._usual is not None and not self.loop.is_closed():
            executors[self.loop] = self._usual
        for connection, _, _ in self._found:
            for name in (*COMMITTING, CLOSING):
                vars(connection).pop(name, None)
        if self._lent:
            await asyncio.wrap_future(self._thread.submit(self._take_back))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function where the test's own ORM code runs, and commit what it wrote."""
        return self._thread.submit(self._run, fn, *args, **kwargs)

    def _run(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        finally:
            self.commit()

    def commit(self) -> None:
        """Run the callbacks of what would have been committed by now."""
        for found in self._found:
            commit(*found)

    def _then_commit(self, found: Any, name: str, *args: Any, **kwargs: Any) -> None:
        # As with autocommit, which runs a callback at once, and at the end of a block.
        getattr(type(found[0]), name)(found[0], *args, **kwargs)
        commit(*found)

    def _lend(self) -> None:
        here = {each.alias: each for each in connections.all(initialized_only=True)}
        for connection, _, _ in self._found:
            connection.inc_thread_sharing()
            self._replaced[connection.alias] = here.get(connection.alias)
            connections[connection.alias] = connection

    def _take_back(self) -> None:
        for connection, _, _ in self._found:
            connection.dec_thread_sharing()
            before = self._replaced.pop(connection.alias)
            if before is None:
                del connections[connection.alias]
            else:
                connections[connection.alias] = before


def commit(connection: Any, depth: int, waited: int) -> None:
    """Run the callbacks that a commit would run, unless a block is open that is not the test's.

    As in Django, one that raises is the end of the others; but ours run.
    """
    if len(connection.atomic_blocks) != depth or connection.needs_rollback:
        return
    due = connection.run_on_commit[waited:]
    del connection.run_on_commit[waited:]
    while due:
        _, function, robust = due.pop(0)
        try:
            function()
        except Exception:
            if robust:
                logger.exception("A robust on_commit callback failed")
                continue
            for _, other, _ in due:
                if isinstance(other, Callback | Once):
                    other()
            raise


def in_block() -> list[Any]:
    """The connections of this thread on which a transaction is open."""
    return [each for each in connections.all(initialized_only=True) if each.in_atomic_block]


async def enclosing() -> Enclosing | None:
    """The transaction of the running test, if it is in one."""
    found = await sync_to_async(in_block)()
    if found:
        return Enclosing(found, lent=False)
    # A test that pytest runs in the loop itself: what its fixtures began belongs to this thread.
    # Where a loop runs, Django's connections are the task's, so for a moment none does.
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)
    try:
        found = in_block()
    finally:
        asyncio._set_running_loop(loop)
    return Enclosing(found, lent=True) if found else None


class Sharing:
    """What the clients of one loop have in common, while there are any."""

    now: Sharing | None = None

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.clients = 0
        self._lock = asyncio.Lock()
        self._begun = False
        self._transaction: Enclosing | None = None

    async def begin(self) -> Commit:
        """Be used by one more client; the first looks for the transaction of the test."""
        self.clients += 1
        async with self._lock:
            if not self._begun:
                self._transaction = await enclosing()
                if self._transaction is not None:
                    await self._transaction.begin()
                self._begun = True
        transaction = self._transaction
        return nothing_to_commit if transaction is None else sync_to_async(transaction.commit)

    async def end(self) -> None:
        """Be used by one client less; the last leaves everything as it was."""
        self.clients -= 1
        async with self._lock:
            if self._begun and not self.clients:
                self._begun = False
                await self.leave()
        if not self.clients and Sharing.now is self:
            Sharing.now = None

    async def leave(self) -> None:
        """Leave the connections to the test."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            if not self.loop.is_closed():
                await sync_to_async(transaction.commit)()
            await transaction.end()


@asynccontextmanager
async def as_if_committed() -> AsyncIterator[Commit]:
    """Let the application see what the test wrote; gives what commits the rest of it by now."""
    here = Sharing.now
    if here is not None and here.loop is not asyncio.get_running_loop():
        Sharing.now = None
        await here.leave()  # A test has ended without closing its client.
        here = None
    if here is None:
        here = Sharing.now = Sharing()
    try:
        yield await here.begin()
    finally:
        await here.end()


async def nothing_to_commit() -> None:
    """What a test without a transaction wrote has been committed."""
