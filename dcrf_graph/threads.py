"""
Which thread runs the synchronous part of a call: one of its own.

Django's ORM is synchronous. Without a context of its own, everything that
``sync_to_async`` runs in a process shares one thread, and one slow query delays
every connection. So each call, and each delivery, runs in a
``ThreadSensitiveContext``: a thread that is made when the first synchronous
code needs it, holds one database connection, and is given back, connection
closed, when the call ends.

Source: docs/decisions/0003-one-thread-context-per-call.md
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from channels.db import database_sync_to_async
from django.db import connections


class CallContext(ThreadSensitiveContext):
    """The key of a call's thread, which is false when the call has ended.

    A task that the call has started, and that outlives it, inherits the key: it
    must not bring the thread back, which nobody would end. asgiref asks whether
    the key is true, and where it is not takes the shared thread.
    """

    ended = False

    def __bool__(self) -> bool:
        return not self.ended


@asynccontextmanager
async def own_thread(*, detached: bool = False) -> AsyncIterator[None]:
    """Run the synchronous code inside on a thread that nobody else uses.

    Nested uses share the outermost one's thread, unless ``detached`` says that
    the code inside will outlive it. Code that never leaves the loop costs no
    thread.
    """
    inherited = SyncToAsync.thread_sensitive_context
    if inherited.get(None) and not detached:
        yield
        return
    # ThreadSensitiveContext cannot be entered inside another one, which is what
    # a detached task inherits; as a key it names a thread all the same.
    context = CallContext()  # type: ignore[no-untyped-call]
    token = inherited.set(context)
    try:
        yield
    finally:
        inherited.reset(token)
        context.ended = True
        executor = SyncToAsync.context_to_thread_executor.pop(context, None)
        if executor is not None:
            # The thread ends with the context and would take open connections
            # along; the native async ORM and bare sync_to_async close none.
            closing = executor.submit(connections.close_all)
            executor.shutdown(wait=False)
            await until_done(closing)


def in_database_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """An awaitable form of synchronous code that may use the database.

    Inside a call it runs on the call's thread, whose connection is kept until
    the call ends; elsewhere as Channels does it, which closes old connections
    around each use.
    """

    @wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        context = SyncToAsync.thread_sensitive_context.get(None)
        ours = isinstance(context, CallContext) and not context.ended
        adapter: Any = sync_to_async if ours else database_sync_to_async
        return await adapter(function)(*args, **kwargs)

    return run


async def until_done(work: Future[None]) -> None:
    """Wait for what a thread does, however often this task is cancelled meanwhile."""
    waiting = asyncio.wrap_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    waiting.result()
