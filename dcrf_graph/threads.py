"""
Which thread runs the synchronous part of a call: one that nobody else uses meanwhile.

Django's ORM is synchronous. Without a context of its own, everything that
``sync_to_async`` runs in a process shares one thread, and one slow query delays
every connection. So each call, and each delivery, runs in a
``ThreadSensitiveContext``: a thread that it gets when its first synchronous
code runs, and gives back when it ends. The thread keeps its database
connections as long as ``CONN_MAX_AGE`` says, as a thread of Django's own
requests does; by default it closes them at the end of each call. A call that was
cancelled, or took too long, leaves its thread at work: no thread can be stopped, but
what its database does for it is cancelled.

Source: docs/decisions/0003-one-thread-context-per-call.md and
docs/decisions/0027-threads-are-kept-as-djangos-are.md, which revisits it;
docs/decisions/0016-cancelling-cancels-the-statement.md.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ClassVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from channels.db import database_sync_to_async
from django.db import connections

from dcrf_graph.interruption import interrupt

KEPT = 16
"""Threads without work that a process keeps; a thread that is one too many ends."""


class CallThread(ThreadPoolExecutor):
    """The one thread of a call, and of the next call when that one has ended."""

    def __init__(self) -> None:
        super().__init__(max_workers=1, thread_name_prefix="dcrf_graph")
        self._last: Future[Any] | None = None
        self._of_another = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function on the thread; before the first one of a call, look after connections."""
        if self._of_another:
            self._of_another = False
            self._last = super().submit(afterwards, fn, *args, **kwargs)
        else:
            self._last = super().submit(fn, *args, **kwargs)
        return self._last

    async def give_back(self) -> None:
        """End the call: wait for what the thread still does, and keep it for another call.

        Cancelling does not shorten the wait.
        """
        used, self._last = self._last, None
        clean = True
        try:
            if used is not None and not used.done():
                clean = False
                clean = await until_done(asyncio.ensure_future(self._end_left(used)))
            elif used is not None and closes_at_once():
                clean = False
                clean = await until_done(super().submit(close_old))
            else:
                self._of_another = used is not None
        finally:
            if clean:
                idle.append(self)
            else:
                self.end()
            if len(idle) > KEPT:
                idle.popleft().end()

    async def _end_left(self, left: Future[Any]) -> bool:
        """End the work that a cancelled call has left behind, then close what it opened.

        In one piece: whoever waits for it may be cancelled once more.
        """
        interrupted = await interrupt(left, self.threads())
        clean = await asyncio.wrap_future(super().submit(close_old))
        if interrupted or not clean:
            await asyncio.wrap_future(super().submit(connections.close_all))
        return clean and not interrupted

    def threads(self) -> list[threading.Thread]:
        """The thread, once it has been needed."""
        return list(self._threads)

    def end(self) -> None:
        """End the thread; an open connection would not end with it."""
        if self._threads:
            super().submit(connections.close_all)
        self.shutdown(wait=False)


idle: deque[CallThread] = deque()
"""Threads between two calls, the coldest first."""

os.register_at_fork(after_in_child=idle.clear)


def closes_at_once() -> bool:
    """Whether a database wants its connections closed after each call."""
    return any(options["CONN_MAX_AGE"] == 0 for options in connections.settings.values())


def close_old() -> bool:
    """Close the connections of this thread that are too old or broken.

    False where a transaction has been left open: the thread is of no use to another call.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            return False
        connection.close_if_unusable_or_obsolete()
    return True


def afterwards(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Look after the connections of this thread, then run a function on it."""
    close_old()
    return fn(*args, **kwargs)


class CallContext(ThreadSensitiveContext):
    """The key of a call's thread, which is false when the call has ended.

    A task that the call has started, and that outlives it, inherits the key: it
    must not bring the thread back, which nobody would end. asgiref asks whether
    the key is true, and where it is not takes the shared thread.
    """

    ended = False
    thread: CallThread | None = None
    delivery: Any = None
    """The delivery that the code with this key is part of, if any."""
    together: ClassVar[bool] = False
    """Whether all calls share the thread that asgiref gives code without a context: in a test."""

    # Every delivery makes one, and few of them need a thread: the attributes are the class's.
    __init__ = object.__init__

    def __bool__(self) -> bool:
        # Asked just before the thread is looked for.
        if self.ended or self.together:
            return False
        if self.thread is None:
            self.thread = idle.pop() if idle else CallThread()
            SyncToAsync.context_to_thread_executor[self] = self.thread
        return True

    def enter(self) -> Any:
        """Be the key of the running context; returns the token that ends that."""
        return SyncToAsync.thread_sensitive_context.set(self)

    async def end(self) -> None:
        """Give the thread back, if there was need of one."""
        self.ended = True
        if self.thread is not None:
            del SyncToAsync.context_to_thread_executor[self]
            await self.thread.give_back()


# What each version of asgiref gives a context to begin with.
for _name, _value in vars(ThreadSensitiveContext()).items():  # type: ignore[no-untyped-call, unused-ignore]
    setattr(CallContext, _name, _value)


@asynccontextmanager
async def own_thread(*, detached: bool = False) -> AsyncIterator[None]:
    """Run the synchronous code inside on a thread that nobody else uses meanwhile.

    Nested uses share the outermost one's thread, unless ``detached`` says that
    the code inside will outlive it. Code that never leaves the loop costs no
    thread.
    """
    inherited = SyncToAsync.thread_sensitive_context
    outer = inherited.get(None)
    if outer is not None and not getattr(outer, "ended", False) and not detached:
        yield
        return
    # ThreadSensitiveContext cannot be entered inside another one, which is what
    # a detached task inherits; as a key it names a thread all the same.
    context = CallContext()
    context.delivery = getattr(outer, "delivery", None)
    token = context.enter()
    try:
        yield
    finally:
        inherited.reset(token)
        await context.end()


def in_database_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """An awaitable form of synchronous code that may use the database.

    Inside a call it runs on the call's thread, whose connection is kept until
    the call ends; elsewhere as Channels does it, which closes old connections
    around each use.
    """

    of_the_call = sync_to_async(function)

    @wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        context = SyncToAsync.thread_sensitive_context.get(None)
        if isinstance(context, CallContext) and not context.ended:
            return await of_the_call(*args, **kwargs)
        elsewhere: Any = database_sync_to_async(function)
        return await elsewhere(*args, **kwargs)

    return run


async def until_done(work: Future[Any] | asyncio.Future[Any]) -> Any:
    """Wait for what a thread or a task does, however often this task is cancelled meanwhile."""
    waiting = asyncio.wrap_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return waiting.result()
