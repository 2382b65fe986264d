"""
Runs the deliveries of one event loop, and lets none of them wait for another.

One task walks through whoever has something to deliver. A delivery that never
has to wait costs no task, no thread and no turn of the loop. One that does wait
(a slow handler, a client that does not read) keeps the task that it began in,
and another goes on with the rest. Which task that is makes no difference to a
handler: it runs in one task from its begin to its end. Nor does its context: what
a handler leaves in there is seen by nobody else, for who comes next gets another task.

Source: docs/decisions/0023-deliveries-run-until-they-wait.md and
docs/decisions/0040-a-delivery-is-one-step.md, which revisits it; what was tried since is in
docs/decisions/0048-an-event-goes-into-each-queue.md. The context:
docs/decisions/0050-deliveries-share-a-context-that-nothing-is-left-in.md.
"""

from __future__ import annotations

import asyncio
import logging
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

logger = logging.getLogger(__name__)

IN_A_ROW = 1024
"""Deliveries that may follow each other until the loop does something else."""


Rest = tuple[Coroutine[Any, Any, None], Context | None]
"""What of a delivery has to wait, and the context to run it in: None is the running one."""


ANEW: Rest = cast(Rest, object())
"""What a step returns that wants a context in which nothing is set; it is asked again there."""


class Line(Protocol):
    """What waits in order for its deliveries: a subscription."""

    @property
    def connection(self) -> Any:
        """What owns a delivery that waits."""

    def step(self) -> Rest | None:
        """
        Deliver what waits first.

        Who sets variables in the running context says so in the deliverer's ``variables``.
        Returns what of it has to wait, if anything. When that is over too, the line adds itself
        again, if more is there.
        """


DONE: Any = object()
"""What a driver yields when its work is over."""
Driver = Generator[Any, Any, None]
"""Runs one coroutine after the other: ``send(work)`` gives what that wants, or ``DONE``."""


@types.coroutine
def drive() -> Driver:
    """Run coroutines, without the exception that the end of each costs who runs it by hand."""
    work = yield
    while True:
        yield from work
        work = yield DONE


def new_driver() -> Driver:
    """A driver that has nothing to do yet; one whose work failed is of no more use."""
    driver = drive()
    driver.send(None)
    return driver


async def awaiting(work: Any) -> Any:
    """What a handler returned that is no coroutine itself, e.g. a future."""
    return await work


@types.coroutine
def resumed(driver: Driver, wanted: Any) -> Generator[Any, Any, None]:
    """Go on with what a driver runs, and that wants what it has yielded."""
    while wanted is not DONE:
        try:
            value = yield wanted
        except GeneratorExit:
            driver.close()
            raise
        except BaseException as error:
            wanted = driver.throw(error)
        else:
            wanted = driver.send(value)


class Deliverer:
    """
    The lines of one loop that have something to deliver, and who walks through them.

    ``ready`` are the lines, ``walker`` the task, if anything is ready. ``variables`` is how many
    variables the deliveries themselves have set in its context: each sets them anew.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.driver = new_driver()
        self.ready: deque[Line] = deque()
        self.walker: asyncio.Task[None] | None = None
        self.variables = 0

    def add(self, line: Line) -> None:
        """Deliver what waits in a line; it must not be added again before it has been empty."""
        self.ready.append(line)
        if self.walker is None:
            self.start()

    @property
    def tasks(self) -> set[asyncio.Task[Any]]:
        """What goes on with what is ready, if anything is; it belongs to no connection."""
        if self.walker is None or self._loop.is_closed():
            return set()
        return {self.walker}

    def start(self) -> None:
        """Walk through what is ready; to be called where something is, and nobody does."""
        if self._loop.is_closed():
            return  # what waited on it ends now, and nothing comes after it
        # An empty context: no request of whoever caused the change leaks in.
        context = Context()
        self.variables = 0
        self.walker = self._loop.create_task(self._walk(context), context=context)

    async def _walk(self, context: Context) -> None:
        this = asyncio.current_task()
        assert this is not None
        line: Line

        def waits() -> None:
            # Whoever waits keeps this task.
            line.connection.own(this)
            self.walker = None
            if self.ready:
                self.start()

        ready, cancelling = self.ready, this.cancelling
        try:
            while True:
                for _ in range(IN_A_ROW):
                    if self.walker is not this or not ready:
                        return
                    line = ready.popleft()
                    try:
                        rest = line.step()
                        if rest is ANEW:
                            ready.appendleft(line)
                            return
                        if rest is not None:
                            await begun(*rest, waits)
                    except Exception:
                        # A reply failed, and so did the one that should say so: the next may not.
                        logger.exception("An event was not delivered")
                    except asyncio.CancelledError:
                        if this.cancelling():
                            raise
                        # The handler waited for something that somebody else has cancelled.
                        logger.exception("An event was not delivered")
                    if cancelling() or len(context) != self.variables:
                        # A handler has cancelled its task, or set a variable (a language, say):
                        # what waits next is to know nothing of that.
                        return
                await asyncio.sleep(0)
        finally:
            if self.walker is this:
                self.walker = None
            if self.ready and self.walker is None:
                self.start()


def here(step: Callable[[Any], Any], value: Any) -> Any:
    """Run a step in the running context."""
    return step(value)


@types.coroutine
def begun(
    work: Coroutine[Any, Any, None], context: Context | None, waits: Callable[[], None]
) -> Generator[Any, Any, None]:
    """Run a coroutine in a context; ``waits`` is called when it first has to wait."""
    run = here if context is None else context.run
    try:
        waiting = run(work.send, None)
    except StopIteration:
        return
    waits()
    while True:
        try:
            value = yield waiting
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:
            step: Any = work.throw
            value = error
        else:
            step = work.send
        try:
            waiting = run(step, value)
        except StopIteration:
            return


_deliverers: WeakKeyDictionary[asyncio.AbstractEventLoop, Deliverer] = WeakKeyDictionary()


def deliverer() -> Deliverer:
    """The deliverer of the running loop."""
    loop = asyncio.get_running_loop()
    found = _deliverers.get(loop)
    if found is None:
        found = _deliverers[loop] = Deliverer(loop)
    return found


_apart: set[asyncio.Task[Any]] = set()


def running_apart(task: asyncio.Task[Any]) -> None:
    """Keep a task that deliveries of several connections wait for."""
    _apart.add(task)
    task.add_done_callback(_apart.discard)


def delivering() -> set[asyncio.Task[Any]]:
    """What walks through ready subscriptions now, on any loop; it belongs to no connection."""
    apart = {task for task in _apart if not task.get_loop().is_closed()}
    return apart.union(*(each.tasks for each in list(_deliverers.values())))
