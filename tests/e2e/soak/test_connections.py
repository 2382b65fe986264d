"""Ten thousand clients that connect, subscribe, hear and are killed: the server is as before."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect

from examples.board.seed import PASSWORDS
from tests.e2e.codegen.tools import sign_in
from tests.e2e.demo import Demo
from tests.e2e.soak.clients import World, cycle
from tests.e2e.soak.process import QUIET, settled
from tests.soak import Count

pytestmark = [pytest.mark.e2e, pytest.mark.long]

CYCLES = Count("clients that were killed at a random moment", full=10_000, part=100)
WARM = 100 if CYCLES.now < 1_000 else 500
"""Cycles after which caches, pools and threads are what they will be."""
AT_ONCE = 16
SEED = 20
MEMORY = 12_000
"""Kilobytes by which a process may grow for reasons of its allocator."""
QUARTERS = 4
"""The memory is looked at after each: what leaks grows in the last one as in the first."""


@asynccontextmanager
async def world_of(demo: Demo) -> AsyncIterator[World]:
    """The board, and a native client who changes a card whenever somebody wants it."""
    headers = {"Cookie": await asyncio.to_thread(sign_in, demo.url, "ada", PASSWORDS["ada"])}
    address = f"{demo.url.replace('http', 'ws', 1)}/ws/"
    async with connect(address, additional_headers=headers, ping_interval=None) as writer:
        line = asyncio.Lock()

        async def call(stream: str, action: str, **more: Any) -> Any:
            payload = {"action": action, "request_id": 1, **more}
            async with line:
                await writer.send(json.dumps({"stream": stream, "payload": payload}))
                answer = json.loads(await writer.recv())["payload"]
            assert answer["response_status"] == 200, answer
            return answer["data"]

        boards = [row["id"] for row in await call("boards", "list") if row["public"]]
        cards = await call("cards", "list")
        card = next(row for row in cards["results"] if row["board"] == boards[0])
        numbers = iter(range(10**9))

        async def change() -> None:
            title = f"Card number {next(numbers)}"
            await call("cards", "patch", pk=card["id"], data={"title": title})

        yield World(demo.url, boards[0], change)


async def live(demo: Demo, count: int, dice: random.Random) -> Counter[str]:
    """So many lives, several at once."""
    lived: Counter[str] = Counter()
    left = iter(range(count))
    async with world_of(demo) as world:

        async def one_after_the_other() -> None:
            for _ in left:
                lived[await cycle(world, dice)] += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(one_after_the_other())
    return lived


@CYCLES.mark
def test_nothing_is_left_of_clients_that_were_killed(
    board: Demo, record_property: Callable[[str, object], None]
) -> None:
    dice = random.Random(SEED)
    asyncio.run(live(board, WARM, dice))
    before = after = settled(board)
    memory, lived = [before["memory"]], Counter[str]()
    for _ in range(QUARTERS):
        lived += asyncio.run(live(board, CYCLES.now // QUARTERS, dice))
        after = settled(board)
        memory.append(after["memory"])
    figures = ", ".join(f"{name} {before[name]} -> {after[name]}" for name in before)
    record_property("figures", f"{dict(lived)}\n{figures}\nmemory in kB: {memory}")
    assert [after[name] for name in QUIET] == [0] * len(QUIET), figures
    for name in ("tasks of the loop", "channels of the layer", "groups of the layer"):
        assert after[name] <= before[name], figures
    assert after["threads"] <= before["threads"] + 16, figures
    assert after["files"] <= before["files"] + 32, figures
    assert memory[-1] <= memory[0] + MEMORY, memory
    assert memory[-1] <= memory[-2] + MEMORY // QUARTERS, memory
    assert board.troubles() == []
