"""Readers who stop reading while 100,000 events pass: bounded, told, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.e2e.demo import Demo, eventually
from tests.e2e.soak.process import QUIET, memory, settled, use
from tests.e2e.soak.readers import FIELDS, PROTOCOLS, Reader, reader
from tests.soak import Count

pytestmark = [pytest.mark.e2e, pytest.mark.long]

EVENTS = Count("events past readers who do not read", full=100_000, part=6_000)
RATE = 1_000
"""Events per second, at most: a minute and more for all of them."""
AT_ONCE = 20
"""Events of one transaction."""
ROWS = 100
"""What the events are about, one after the other."""
MEMORY = 64_000
"""Kilobytes by which the process may grow: 2 for each event that may wait, of 8 subscriptions, and
for reasons of its allocator. What is not bounded has grown by more after 10,000 events."""


class Writer:
    """Makes numbered events, and looks at the memory of the server while it does."""

    def __init__(self, demo: Demo, call: Callable[..., Any]) -> None:
        self.demo = demo
        self.call = call
        self.written = 0
        self.memory: list[int] = []

    async def write(self, count: int) -> None:
        """Make so many events, no faster than the rate."""
        first, loop = self.written, asyncio.get_running_loop()
        begin = loop.time()
        while (done := self.written - first) < count:
            await asyncio.sleep(max(0.0, begin + done / RATE - loop.time()))
            number = min(AT_ONCE, count - done)
            await self.call("write", first=self.written, count=number)
            self.written += number
            self.memory.append(memory(self.demo))


@asynccontextmanager
async def writing(demo: Demo) -> AsyncIterator[Writer]:
    """A client whose calls make events."""
    address = f"{demo.url.replace('http', 'ws', 1)}/readers/"
    async with connect(address, ping_interval=None) as client:

        async def call(action: str, **arguments: Any) -> None:
            payload = {"action": action, "request_id": 1, **arguments}
            await client.send(json.dumps({"stream": "writer", "payload": payload}))
            answer = json.loads(await client.recv())["payload"]
            assert answer["response_status"] == 204, answer

        await call("prepare", rows=ROWS)
        yield Writer(demo, call)


async def subscribed(demo: Demo, stack: AsyncExitStack, before: int = 0) -> list[Reader]:
    """A reader for each policy and protocol, as soon as all have subscribed."""
    readers = [
        await stack.enter_async_context(reader(demo.url, policy, protocol))
        for policy in FIELDS
        for protocol in PROTOCOLS
    ]
    await confirmed(demo, before + len(readers))
    return readers


async def confirmed(demo: Demo, count: int) -> None:
    """Wait until there are so many subscriptions."""
    assert await asyncio.to_thread(eventually, lambda: use(demo)["subscriptions"], count) == count


async def passing(writer: Writer, readers: list[Reader], count: int) -> range:
    """So many events, each of which all of the readers hear, in order and in no other way."""
    numbers = range(writer.written, writer.written + count)

    async def read(each: Reader) -> None:
        before = len(each.heard)
        await each.read(lambda: len(each.heard) == before + count)
        assert each.heard[before:] == list(numbers), each.name

    async with asyncio.TaskGroup() as group:
        group.create_task(writer.write(count))
        for each in readers:
            group.create_task(read(each))
    return numbers


def delays(readers: list[Reader], numbers: range) -> tuple[float, float]:
    """The median and the worst of how long it took to hear of these events, in milliseconds."""
    took = [
        1000 * delay
        for each in readers
        for number, delay in zip(each.heard, each.delays, strict=True)
        if number in numbers
    ]
    return median(took), max(took)


async def read_on(each: Reader, numbers: range) -> None:
    """Read what there is of events that have passed; what it is, the policy says."""
    last = list(numbers[-ROWS:])

    def enough() -> bool:
        if each.policy == "latest":
            return sorted(each.heard[-ROWS:]) == last
        return each.heard[-1:] == last[-1:]

    await each.read(enough)
    read = len(each.heard)
    if each.policy == "drop_oldest":
        # It was told of one gap, in its place, and of how many events.
        ((read, missed),) = each.gaps
        assert each.heard[read:] == list(numbers[read + missed :]), each.name
        assert len(each.heard) + missed == len(numbers), each.name
    elif each.policy == "latest":
        # Of each row it has heard the last.
        read -= ROWS
        assert not each.gaps
    assert each.heard[:read] == list(numbers[:read]), each.name
    # It had stopped.
    assert 0 < read < len(numbers) - ROWS, each.name
    assert each.ended == (429 if each.policy == "end" else None), each.name
    assert each.closed == (1013 if each.policy == "disconnect" else None), each.name


async def scene(demo: Demo) -> tuple[list[int], dict[str, Any]]:
    """Events pass the readers alone, then others too who do not read, who then read on."""
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(writing(demo))
        quick = await subscribed(demo, stack)
        alone = await passing(writer, quick, EVENTS.now // 5)
        slow = await subscribed(demo, stack, len(quick))
        grown = [await asyncio.to_thread(lambda: use(demo)["memory"])]
        writer.memory.clear()
        # Before anybody reads on, everybody else has heard everything.
        numbers = await passing(writer, quick, EVENTS.now)
        grown += writer.memory
        for each in slow:
            await read_on(each, numbers)
        figures = {
            "delays without them": delays(quick, alone),
            "delays": delays(quick, numbers),
            "read, missed": {each.name: (len(each.heard), each.missed) for each in slow},
        }
        back = [each for each in slow if each.closed is None]
        for each in back:
            if each.ended is not None:
                await each.subscribe()
        await confirmed(demo, len(quick) + len(back))
        await passing(writer, quick + back, ROWS)
    return grown, figures


@EVENTS.mark
def test_readers_who_stop_reading_are_told_and_nobody_else_notices(
    board: Demo, record_property: Callable[[str, object], None]
) -> None:
    grown, figures = asyncio.run(scene(board))
    after = settled(board)
    sizes = f"memory in kB: {grown[0]}, at most {max(grown)}, then {after['memory']}"
    record_property("figures", f"{sizes}\n" + "\n".join(f"{k}: {v}" for k, v in figures.items()))
    assert max(grown) <= grown[0] + MEMORY, sizes
    assert after["memory"] <= grown[0] + MEMORY, sizes
    assert [after[name] for name in QUIET] == [0] * len(QUIET), after
    (alone, _), (accompanied, _) = figures["delays without them"], figures["delays"]
    assert accompanied <= 10 * alone + 500, figures
    assert board.troubles() == []
