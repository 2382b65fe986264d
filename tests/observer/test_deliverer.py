"""One task walks through whoever has something to deliver, and leaves nobody out."""

from __future__ import annotations

import asyncio
import gc
import logging
from contextvars import Context, ContextVar
from functools import partial
from typing import Any

import pytest

from dcrf_graph.observer.deliverer import ANEW, IN_A_ROW, Deliverer, Rest

left_behind: ContextVar[str] = ContextVar("left_behind")


class Line:
    """Something to deliver, again and again; it keeps the task in which it waits."""

    def __init__(self, deliverer: Deliverer, times: int) -> None:
        self.deliverer = deliverer
        self.left = times
        self.tasks: list[asyncio.Task[Any]] = []
        self.over = asyncio.Event()

    @property
    def connection(self) -> Any:
        return self

    def own(self, task: asyncio.Task[Any]) -> None:
        self.tasks.append(task)

    def step(self) -> Rest | None:
        self.left -= 1
        if self.left > 0:
            self.deliverer.add(self)
        else:
            self.over.set()
        return None


class Failing(Line):
    """Cannot even say what is wrong."""

    def step(self) -> Rest | None:
        super().step()
        raise RuntimeError("the client is gone, and so is the log")


class Waiting(Line):
    """Waits for ever, as often as it comes; then it comes again, if it has to."""

    def step(self) -> Rest | None:
        self.left -= 1
        return self.wait(), Context()

    async def wait(self) -> None:
        self.over.set()
        try:
            await asyncio.Event().wait()
        finally:
            if self.left:
                self.deliverer.add(self)


class Leaving(Line):
    """Leaves something in its context, and notes what it found there."""

    found: list[str | None]

    def step(self) -> Rest | None:
        self.found.append(left_behind.get(None))
        left_behind.set("something")
        return super().step()


class Choosy(Line):
    """Delivers only where nobody has set anything."""

    def step(self) -> Rest | None:
        if self.deliverer.variables:
            return ANEW
        return super().step()


class Setting(Line):
    """Sets one variable in its context each time, and says so."""

    def step(self) -> Rest | None:
        left_behind.set("mine")
        self.deliverer.variables = 1
        return super().step()


async def test_what_is_left_in_a_context_is_found_by_nobody() -> None:
    line = Leaving(Deliverer(asyncio.get_running_loop()), 3)
    line.found = []
    line.deliverer.add(line)
    await line.over.wait()
    assert line.found == [None, None, None]


async def test_who_wants_an_empty_context_gets_one_before_all_others() -> None:
    deliverer = Deliverer(asyncio.get_running_loop())
    lines = [Setting(deliverer, 1), Choosy(deliverer, 1), Setting(deliverer, 1)]
    order: list[Line] = []
    for line in lines:
        line.over.set = partial(order.append, line)  # type: ignore[method-assign]
        deliverer.add(line)
    while deliverer.tasks:
        await asyncio.wait(deliverer.tasks)
    assert order == lines


async def test_many_deliveries_in_a_row_let_the_loop_do_something_else() -> None:
    line = Line(Deliverer(asyncio.get_running_loop()), 3 * IN_A_ROW)
    left: list[int] = []
    line.deliverer.add(line)
    asyncio.get_running_loop().call_soon(lambda: left.append(line.left))
    await line.over.wait()
    assert left == [2 * IN_A_ROW]


async def test_a_line_that_fails_costs_no_other_its_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deliverer = Deliverer(asyncio.get_running_loop())
    failing, line = Failing(deliverer, 3), Line(deliverer, 3)
    with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
        deliverer.add(failing)
        deliverer.add(line)
        await asyncio.gather(failing.over.wait(), line.over.wait())
    assert (failing.left, line.left) == (0, 0)


async def test_whoever_waits_keeps_the_task_and_another_goes_on() -> None:
    deliverer = Deliverer(asyncio.get_running_loop())
    waiting, line = Waiting(deliverer, 1), Line(deliverer, 2)
    deliverer.add(waiting)
    deliverer.add(line)
    await asyncio.gather(waiting.over.wait(), line.over.wait())
    [task] = waiting.tasks
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


def test_a_loop_that_ends_while_something_waits_begins_nothing_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What would begin could not be awaited any more, which Python warns of."""
    loop = asyncio.new_event_loop()

    async def begin() -> None:
        waiting = Waiting(Deliverer(loop), 2)
        waiting.deliverer.add(waiting)
        await waiting.over.wait()

    with caplog.at_level(logging.CRITICAL, "asyncio"):
        loop.run_until_complete(begin())
        loop.close()
        gc.collect()
