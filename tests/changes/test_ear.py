"""One channel hears the groups that somebody is in, and recovers from a layer that fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from dcrf_graph.changes import ear as ear_module
from dcrf_graph.changes.change import Event
from dcrf_graph.changes.ear import Ear
from dcrf_graph.changes.envelope import Envelope, encode
from tests.changes.layers import RecordingLayer

GONE = ConnectionError("the layer is gone")


class Listener:
    """Keeps what an ear heard."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Envelope] = asyncio.Queue()
        self.ear = Ear(self.heard.put_nowait)

    async def next(self) -> int:
        """The sequence of the next envelope."""
        return (await asyncio.wait_for(self.heard.get(), 10)).sequence


async def until(true: Callable[[], bool]) -> None:
    """Let the loop turn until something holds, for a bounded number of turns."""
    for _ in range(100):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to hold")


def message(sequence: int) -> dict[str, str]:
    events = [Event("observer", "group", '{"body": 1}')]
    return {"envelope": encode("publisher", sequence, "group", events)}


async def test_the_first_to_join_opens_the_channel_and_the_last_to_leave_closes_it(
    layer: RecordingLayer,
) -> None:
    listener = Listener()
    await listener.ear.join("one")
    await listener.ear.join("two")
    await listener.ear.join("one")
    assert layer.members == {"one", "two"}
    listener.ear.leave("one")
    await until(lambda: layer.members == {"two"})
    assert layer.receiving == 1
    listener.ear.leave("two")
    await until(lambda: layer.receiving == 0)
    assert layer.members == set()
    assert [name for name, _ in layer.asked].count("new_channel") == 1


async def test_two_who_join_at_once_join_once(layer: RecordingLayer) -> None:
    listener = Listener()
    await asyncio.gather(listener.ear.join("one"), listener.ear.join("one"))
    assert layer.asked.count(("group_add", "one")) == 1
    listener.ear.leave("one")
    await until(lambda: not layer.members)


async def test_what_is_no_envelope_is_logged_and_the_next_is_heard(
    layer: RecordingLayer, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()
    await listener.ear.join("one")
    with caplog.at_level(logging.ERROR):
        for each in ({}, {"envelope": "nonsense"}, {"envelope": None}, message(7)):
            layer.messages.put_nowait(each)
        assert await listener.next() == 7
    assert caplog.messages == ["Heard something that is not an envelope"] * 3
    listener.ear.leave("one")
    await until(lambda: layer.receiving == 0)


async def test_whoever_joins_while_the_group_is_left_is_in_it_afterwards(
    layer: RecordingLayer,
) -> None:
    listener = Listener()
    await listener.ear.join("one")
    layer.gate.clear()
    listener.ear.leave("one")
    await until(lambda: ("group_discard", "one") in layer.asked)
    joining = asyncio.ensure_future(listener.ear.join("one"))
    await asyncio.sleep(0)
    layer.gate.set()
    await joining
    assert layer.members == {"one"}
    listener.ear.leave("one")
    await until(lambda: not layer.members)


async def test_joining_and_leaving_in_any_hurry_ends_where_it_was_left(
    layer: RecordingLayer,
) -> None:
    listener = Listener()
    for _ in range(5):
        joining = [asyncio.ensure_future(listener.ear.join("one")) for _ in range(2)]
        await asyncio.sleep(0)
        listener.ear.leave("one")
    staying = asyncio.ensure_future(listener.ear.join("one"))
    await asyncio.wait_for(asyncio.gather(staying, *joining), 10)
    assert layer.members == {"one"}
    listener.ear.leave("one")
    await until(lambda: not layer.members)


@pytest.mark.parametrize("failing", ["new_channel", "group_add"])
async def test_a_group_that_could_not_be_joined_can_be_joined_later(
    layer: RecordingLayer, failing: str
) -> None:
    listener = Listener()
    if failing == "group_add":
        await listener.ear.join("other")
    layer.failures.append(GONE)
    with pytest.raises(ConnectionError):
        await listener.ear.join("one")
    await listener.ear.join("one")
    assert "one" in layer.members
    for group in ("one", "other"):
        listener.ear.leave(group)
    await until(lambda: not layer.members and layer.receiving == 0)


async def test_a_join_that_nobody_waits_for_any_more_goes_on(layer: RecordingLayer) -> None:
    listener = Listener()
    joining = asyncio.ensure_future(listener.ear.join("one"))
    await asyncio.sleep(0)
    joining.cancel()
    await until(lambda: layer.members == {"one"})
    listener.ear.leave("one")
    await until(lambda: not layer.members)


async def test_a_layer_that_fails_to_receive_is_asked_again(
    layer: RecordingLayer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ear_module, "RETRY_DELAY", 0)
    listener = Listener()
    await listener.ear.join("one")
    await until(lambda: layer.receiving == 1)
    with caplog.at_level(logging.ERROR):
        layer.failures.append(GONE)
        layer.messages.put_nowait(message(1))
        layer.messages.put_nowait(message(2))
        assert [await listener.next(), await listener.next()] == [1, 2]
    assert "The channel layer failed" in caplog.text
    listener.ear.leave("one")
    await until(lambda: layer.receiving == 0)
