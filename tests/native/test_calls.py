"""Turns: who may run when, among the calls of one consumer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dcrf_graph.calls import Call, Turns, calling, current_call

WRITE, READ = False, True


class Line:
    """Holds the turns it is given until told to let go, and writes down who runs."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.running: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.ends: dict[str, asyncio.Event] = {}

    async def ask(self, name: str, *, shared: bool) -> None:
        """Ask for a turn; who may run has begun when this returns."""
        turn = self.turns.ask(shared=shared)
        self.ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._hold(name, turn))
        await self.settle()

    async def _hold(self, name: str, turn: asyncio.Future[None]) -> None:
        async with self.turns.take(turn):
            self.running.append(name)
            try:
                await self.ends[name].wait()
            finally:
                self.running.remove(name)

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self.tasks[name]
        await self.settle()

    async def cancel(self, name: str) -> None:
        self.tasks[name].cancel()
        await asyncio.wait([self.tasks[name]])
        await self.settle()

    @staticmethod
    async def settle() -> None:
        """Let every task that can go on do so; nothing here waits for anything else."""
        for _ in range(10):
            await asyncio.sleep(0)


async def test_writes_run_alone_in_the_order_of_arrival() -> None:
    line = Line()
    for name in "abc":
        await line.ask(name, shared=WRITE)
    order = []
    for name in "abc":
        order.append(list(line.running))
        await line.end(name)
    assert order == [["a"], ["b"], ["c"]]


async def test_reads_overlap() -> None:
    line = Line()
    for name in "abc":
        await line.ask(name, shared=READ)
    assert line.running == ["a", "b", "c"]


async def test_no_read_overtakes_an_earlier_write() -> None:
    line = Line()
    await line.ask("first read", shared=READ)
    await line.ask("write", shared=WRITE)
    await line.ask("late read", shared=READ)
    assert line.running == ["first read"]
    await line.end("first read")
    assert line.running == ["write"]
    await line.end("write")
    assert line.running == ["late read"]


async def test_a_write_waits_for_every_read_before_it() -> None:
    line = Line()
    await line.ask("a", shared=READ)
    await line.ask("b", shared=READ)
    await line.ask("write", shared=WRITE)
    await line.end("a")
    assert line.running == ["b"]
    await line.end("b")
    assert line.running == ["write"]


@pytest.mark.parametrize("shared", [WRITE, READ])
async def test_who_is_cancelled_while_waiting_leaves_the_line(shared: bool) -> None:
    line = Line()
    await line.ask("holder", shared=WRITE)
    await line.ask("waiting", shared=shared)
    await line.ask("behind", shared=WRITE)
    await line.cancel("waiting")
    await line.end("holder")
    assert line.running == ["behind"]


@pytest.mark.parametrize("shared", [WRITE, READ])
async def test_who_is_cancelled_while_running_lets_the_next_one_run(shared: bool) -> None:
    line = Line()
    await line.ask("holder", shared=shared)
    await line.ask("behind", shared=WRITE)
    await line.cancel("holder")
    assert line.running == ["behind"]


async def test_a_reader_that_is_cancelled_does_not_end_the_turn_of_another() -> None:
    line = Line()
    await line.ask("a", shared=READ)
    await line.ask("b", shared=READ)
    await line.ask("write", shared=WRITE)
    await line.cancel("a")
    assert line.running == ["b"]


@pytest.mark.parametrize("shared", [WRITE, READ])
async def test_a_turn_that_came_and_was_never_taken_can_be_given_up(shared: bool) -> None:
    """A task can be cancelled before its first step: nothing of it runs, not even its cleanup."""
    line = Line()
    never_taken = line.turns.ask(shared=shared)
    await line.ask("behind", shared=WRITE)
    assert line.running == []
    line.turns.give_up(never_taken)
    await line.settle()
    assert line.running == ["behind"]


async def test_giving_up_twice_or_after_the_turn_is_harmless() -> None:
    line = Line()
    turn = line.turns.ask(shared=WRITE)
    async with line.turns.take(turn):
        pass
    await line.ask("next", shared=WRITE)
    line.turns.give_up(turn)
    line.turns.give_up(turn)
    await line.ask("behind", shared=READ)
    assert line.running == ["next"]


async def test_giving_up_lets_those_behind_move_on() -> None:
    line = Line()
    await line.ask("read", shared=READ)
    write = line.turns.ask(shared=WRITE)
    await line.ask("late read", shared=READ)
    assert line.running == ["read"]
    line.turns.give_up(write)
    await line.settle()
    assert line.running == ["read", "late read"]


async def test_a_call_is_current_inside_and_in_the_tasks_it_starts() -> None:
    async def seen() -> Any:
        return current_call.get()

    call = Call("list", 7)
    with calling(call):
        task = asyncio.create_task(seen())
    assert await task is call
    assert current_call.get() is None


@pytest.mark.parametrize(
    ("frame", "answered"),
    [({"request_id": 7}, True), ({"request_id": 8}, False), ({}, False), ([7], False)],
)
def test_a_call_is_answered_by_a_frame_with_its_request_id(frame: Any, answered: bool) -> None:
    call = Call("list", 7)
    call.note(frame)
    assert call.answered is answered
