"""One channel hears what others say, notices what it misses, and recovers from a failing layer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from dcrf_graph.changes import receiver as receiver_module
from dcrf_graph.changes.change import Event, Gap
from dcrf_graph.changes.envelope import Envelope, body_of, message_of
from dcrf_graph.changes.layers import EVERYBODY
from dcrf_graph.changes.receiver import Receiver
from tests.changes.layers import RecordingLayer

GONE = ConnectionError("the layer is gone")


class NoRegistry:
    """A registrar of a layer that has no registry."""

    def __init__(self) -> None:
        self.left: list[str] = []

    async def join(self, receiver: Receiver, group: str, observer: str) -> bool:
        return False

    def leave(self, receiver: Receiver, group: str) -> None:
        self.left.append(group)


class Registry(NoRegistry):
    """A registrar that keeps who was let in, and fails or waits when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.joined: list[tuple[str, str]] = []
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def join(self, receiver: Receiver, group: str, observer: str) -> bool:
        self.joined.append((group, observer))
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop()
        return True


class Listener:
    """Keeps what a receiver heard."""

    publisher = "mine"

    def __init__(self, registrar: NoRegistry | None = None) -> None:
        self.heard: asyncio.Queue[Envelope | Gap] = asyncio.Queue()
        self.registrar = registrar or NoRegistry()
        self.receiver = Receiver(self, self.registrar)

    def hear(self, envelope: Envelope) -> None:
        self.heard.put_nowait(envelope)

    def miss(self, gap: Gap) -> None:
        self.heard.put_nowait(gap)

    async def next(self) -> int | None:
        """The number of the next envelope; None for a gap."""
        heard = await asyncio.wait_for(self.heard.get(), 10)
        return heard.number if isinstance(heard, Envelope) else None


async def until(true: Callable[[], bool]) -> None:
    """Let the loop turn until something holds, for a bounded number of turns."""
    for _ in range(100):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to hold")


def message(number: int, after: int | None = None, by: str = "publisher") -> dict[str, object]:
    body = body_of([Event("observer", "group", '{"body": 1}')], packed=False)
    return message_of(by, number, number - 1 if after is None else after, body)


async def closed(listener: Listener, layer: RecordingLayer, *groups: str) -> None:
    for group in groups:
        listener.receiver.leave(group)
    await until(lambda: layer.receiving == 0)


async def test_the_first_group_opens_the_channel_and_the_last_closes_it(
    layer: RecordingLayer,
) -> None:
    listener = Listener(Registry())
    for group in ("one", "two", "one"):
        await listener.receiver.join(group, "observer")
    assert [name for name, _ in layer.asked].count("new_channel") == 1
    listener.receiver.leave("one")
    await until(lambda: layer.receiving == 1)
    assert not listener.receiver.closed
    await closed(listener, layer, "two")
    assert listener.receiver.closed
    assert listener.registrar.left == ["one", "two"]


async def test_without_a_registry_a_process_hears_everybody(layer: RecordingLayer) -> None:
    listener = Listener()
    await listener.receiver.join("one", "observer")
    await listener.receiver.join("two", "observer")
    assert layer.members == {EVERYBODY}
    await closed(listener, layer, "one", "two")


async def test_the_group_of_everybody_is_joined_again_before_it_expires(
    layer: RecordingLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_module, "REJOIN", 0)
    listener = Listener()
    await listener.receiver.join("one", "observer")
    layer.failures.append(GONE)
    await until(lambda: layer.asked.count(("group_add", EVERYBODY)) > 3)
    await closed(listener, layer, "one")


async def test_two_who_join_at_once_join_once_and_wait_both(layer: RecordingLayer) -> None:
    registry = Registry()
    registry.gate.clear()
    listener = Listener(registry)
    both = [asyncio.ensure_future(listener.receiver.join("one", "observer")) for _ in range(2)]
    await until(lambda: bool(registry.joined))
    assert not any(each.done() for each in both)
    registry.gate.set()
    await asyncio.gather(*both)
    assert registry.joined == [("one", "observer")]
    await closed(listener, layer, "one")


async def test_whoever_joins_again_after_leaving_asks_again(layer: RecordingLayer) -> None:
    registry = Registry()
    listener = Listener(registry)
    await listener.receiver.join("other", "observer")
    for _ in range(2):
        await listener.receiver.join("one", "observer")
        listener.receiver.leave("one")
    assert registry.joined.count(("one", "observer")) == 2
    await closed(listener, layer, "other")


@pytest.mark.parametrize("failing", ["new_channel", "registry"])
async def test_a_group_that_could_not_be_joined_can_be_joined_later(
    layer: RecordingLayer, failing: str
) -> None:
    registry = Registry()
    listener = Listener(registry)
    (layer if failing == "new_channel" else registry).failures.append(GONE)
    with pytest.raises(ConnectionError):
        await listener.receiver.join("one", "observer")
    await listener.receiver.join("one", "observer")
    await closed(listener, layer, "one")


async def test_a_join_that_nobody_waits_for_any_more_goes_on(layer: RecordingLayer) -> None:
    listener = Listener()
    joining = asyncio.ensure_future(listener.receiver.join("one", "observer"))
    await asyncio.sleep(0)
    joining.cancel()
    await until(lambda: layer.members == {EVERYBODY})
    await closed(listener, layer, "one")


async def test_a_channel_that_opens_after_its_last_group_was_left_is_not_listened_to(
    layer: RecordingLayer,
) -> None:
    listener = Listener(Registry())
    joining = asyncio.ensure_future(listener.receiver.join("one", "observer"))
    await asyncio.sleep(0)
    listener.receiver.leave("one")
    await joining
    assert layer.receiving == 0


async def test_what_is_no_envelope_is_logged_and_the_next_is_heard(
    layer: RecordingLayer, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()
    await listener.receiver.join("one", "observer")
    with caplog.at_level(logging.ERROR):
        for each in ({}, {"body": "nonsense"}, message(7)):
            layer.messages.put_nowait(each)
        assert await listener.next() == 7
    assert caplog.messages == ["Heard something that is not an envelope"] * 2
    await closed(listener, layer, "one")


async def test_a_loss_is_told_before_what_comes_after_it(layer: RecordingLayer) -> None:
    listener = Listener(Registry())
    await listener.receiver.join("one", "observer")
    for each in (message(1), message(3), message(3), message(2), message(4)):
        layer.messages.put_nowait(each)
    assert [await listener.next() for _ in range(4)] == [1, None, 3, 4]
    await closed(listener, layer, "one")


async def test_events_that_cannot_be_read_are_a_loss(layer: RecordingLayer) -> None:
    listener = Listener(Registry())
    await listener.receiver.join("one", "observer")
    layer.messages.put_nowait({**message(1), "body": "of another release"})
    layer.messages.put_nowait(message(2))
    assert [await listener.next() for _ in range(2)] == [None, 2]
    await closed(listener, layer, "one")


async def test_what_comes_back_of_what_one_said_is_dropped(layer: RecordingLayer) -> None:
    listener = Listener(Registry())
    await listener.receiver.join("one", "observer")
    for each in (message(5, by="mine"), message(1)):
        layer.messages.put_nowait(each)
    assert await listener.next() == 1
    await closed(listener, layer, "one")


async def test_a_last_message_that_was_lost_is_found_by_a_mark(
    layer: RecordingLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener(Registry())
    await listener.receiver.join("one", "observer")
    now = [0.0]
    monkeypatch.setattr(listener.receiver.loop, "time", lambda: now[0])
    listener.receiver.check({"publisher": 2})
    now[0] += 10
    listener.receiver.check({})
    assert await listener.next() is None
    monkeypatch.undo()
    await closed(listener, layer, "one")


async def test_a_layer_that_fails_to_receive_is_asked_again(
    layer: RecordingLayer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_module, "RETRY_DELAY", 0)
    listener = Listener()
    await listener.receiver.join("one", "observer")
    await until(lambda: layer.receiving == 1)
    with caplog.at_level(logging.ERROR):
        layer.failures.append(GONE)
        layer.messages.put_nowait(message(1))
        layer.messages.put_nowait(message(2))
        assert [await listener.next(), await listener.next()] == [1, 2]
    assert "The channel layer failed" in caplog.text
    await closed(listener, layer, "one")
