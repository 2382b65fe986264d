"""A flag lets those who wait go on, and forgets those who have given up."""

from __future__ import annotations

import asyncio

import pytest

from dcrf_graph.flag import Flag


async def test_whoever_waits_goes_on_when_it_is_set_and_the_next_do_not_wait() -> None:
    flag = Flag()
    waiting = [asyncio.ensure_future(flag.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not flag.is_set()
    flag.set()
    await asyncio.gather(*waiting)
    await flag.wait()


async def test_whoever_gives_up_hinders_nobody() -> None:
    flag = Flag()
    one, other = asyncio.ensure_future(flag.wait()), asyncio.ensure_future(flag.wait())
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    flag.set()
    await other


async def test_a_cleared_flag_makes_wait_again() -> None:
    flag = Flag(True)
    flag.clear()
    waiting = asyncio.ensure_future(flag.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    flag.set()
    await waiting
