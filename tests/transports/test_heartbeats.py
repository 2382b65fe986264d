"""Signs of life: each connection in its own time, and not a timer for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dcrf_graph.transports.heartbeats import SHARES, Heart, heart
from tests.transports.desk import desk_router
from tests.transports.sockets import graphql


class Timer:
    def __init__(self, clock: Clock, when: float, call: Callable[[], Any]) -> None:
        self.clock, self.when, self.call = clock, when, call

    def cancel(self) -> None:
        self.clock.timers.remove(self)


class Clock:
    """The time and the timers of the running loop, which go as fast as they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.timers: list[Timer] = []

    def call_at(self, when: float, call: Any, **kwargs: Any) -> Timer:
        self.timers.append(Timer(self, when, call))
        return self.timers[-1]

    def go(self, to: float) -> None:
        while self.timers and (due := min(self.timers, key=lambda each: each.when)).when <= to:
            self.ring(due, due.when)
        self.now = to

    def ring(self, timer: Timer, now: float) -> None:
        self.now = now
        timer.cancel()
        timer.call()


class Member:
    def __init__(self, clock: Clock, interval: float) -> None:
        self.clock = clock
        self.began = clock.now
        self.signs: list[float] = []
        self.heart: Heart = heart(interval)
        self.heart.join(self)

    def beat(self) -> None:
        self.signs.append(self.clock.now)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, loop = Clock(), asyncio.get_running_loop()
    monkeypatch.setattr(loop, "time", lambda: clock.now)
    monkeypatch.setattr(loop, "call_at", clock.call_at)
    return clock


def come(clock: Clock, count: int, interval: float) -> Iterator[Member]:
    for number in range(count):
        clock.go(1_000.0 + number * 7 * interval / count)
        yield Member(clock, interval)


async def test_the_first_sign_comes_within_the_interval_and_the_others_after_it(
    clock: Clock,
) -> None:
    members = list(come(clock, 100, 16.0))
    clock.go(clock.now + 160.0)
    for member in members:
        first = member.signs[0] - member.began
        assert 15.0 <= first <= 16.0
        between = zip(member.signs, member.signs[1:], strict=False)
        assert {after - before for before, after in between} == {16.0}
        member.heart.leave(member)


async def test_a_thousand_connections_have_few_timers_and_none_when_they_have_left(
    clock: Clock,
) -> None:
    members = list(come(clock, 1_000, 12.0))
    assert len(clock.timers) == SHARES
    for member in members:
        member.heart.leave(member)
    assert not clock.timers


async def test_who_has_left_gives_no_sign_and_the_others_do(clock: Clock) -> None:
    leaves, stays = Member(clock, 12.0), Member(clock, 12.0)
    leaves.heart.leave(leaves)
    leaves.heart.leave(leaves)
    clock.go(clock.now + 12.0)
    assert (leaves.signs, len(stays.signs)) == ([], 1)
    stays.heart.leave(stays)


async def test_who_comes_when_all_have_left_gives_signs(clock: Clock) -> None:
    first = Member(clock, 12.0)
    first.heart.leave(first)
    second = Member(clock, 12.0)
    clock.go(clock.now + 12.0)
    assert len(second.signs) == 1
    second.heart.leave(second)


async def test_different_intervals_have_nothing_in_common(clock: Clock) -> None:
    fast, slow = Member(clock, 1.0), Member(clock, 2.0)
    clock.go(1_002.0)
    assert (len(fast.signs), len(slow.signs)) == (2, 1)
    for member in (fast, slow):
        member.heart.leave(member)


async def test_a_socket_that_has_left_is_given_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    call_at, timers = loop.call_at, list[asyncio.TimerHandle]()

    def recorded(*args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        timers.append(call_at(*args, **kwargs))
        return timers[-1]

    monkeypatch.setattr(loop, "call_at", recorded)
    async with graphql(desk_router()):
        assert not all(timer.cancelled() for timer in timers)
    assert all(timer.cancelled() for timer in timers)


async def test_a_loop_that_was_busy_for_long_makes_up_for_no_sign(clock: Clock) -> None:
    member = Member(clock, 10.0)
    [timer] = clock.timers
    clock.ring(timer, clock.now + 100.0)
    clock.go(clock.now + 9.0)
    assert len(member.signs) == 2
    member.heart.leave(member)
