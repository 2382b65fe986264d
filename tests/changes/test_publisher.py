"""Commits leave in order, from any thread, and the last of them before the process does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from channels.exceptions import ChannelFull

from dcrf_graph.changes import destinations, post
from dcrf_graph.changes.change import Event
from dcrf_graph.changes.envelope import read
from dcrf_graph.changes.layers import EVERYBODY
from dcrf_graph.changes.publisher import MAX_WAITING, Publisher, ThreadlessLoop
from tests.changes.layers import RecordingLayer


class Nobody:
    """A process without subscriptions."""

    def wanted(self) -> frozenset[str]:
        return frozenset()

    def missed(self, observer: str | None = None) -> None:
        raise AssertionError("there is nobody to miss anything")


@pytest.fixture
def publisher(layer: RecordingLayer) -> Iterator[Publisher]:
    publisher = Publisher("publisher", Nobody())
    yield publisher
    publisher.close()


def commit(*messages: str) -> list[Event]:
    return [Event("observer", "group", message) for message in messages]


def said(layer: RecordingLayer) -> list[str]:
    """The messages that the layer has taken, in order."""
    envelopes = [read(message) for _, message in layer.sent]
    return [event.message for each in envelopes for event in each.events or ()]


def test_a_host_is_looked_up_where_no_thread_can_be_started() -> None:
    class Ending(ThreadlessLoop):
        def run_in_executor(self, *args: Any) -> Any:  # type: ignore[override]
            raise RuntimeError("cannot schedule new futures after shutdown")

    loop = Ending()
    try:
        addresses = loop.run_until_complete(loop.getaddrinfo("localhost", 6379))
        assert {address[4][1] for address in addresses} == {6379}
    finally:
        loop.close()


def test_commits_leave_in_order_and_without_a_registry_to_everybody(
    layer: RecordingLayer, publisher: Publisher
) -> None:
    expected = [str(number) for number in range(200)]
    for each in expected:
        publisher.send(commit(each))
    assert publisher.drain()
    assert said(layer) == expected
    assert {group for group, _ in layer.sent} == {EVERYBODY}


def test_each_message_names_the_one_before_it(layer: RecordingLayer, publisher: Publisher) -> None:
    for each in "abc":
        publisher.send(commit(each))
        assert publisher.drain()
    envelopes = [read(message) for _, message in layer.sent]
    assert [(each.number, each.after) for each in envelopes] == [(1, 0), (2, 1), (3, 2)]


def test_whatever_thread_hands_over_one_thread_sends(
    layer: RecordingLayer, publisher: Publisher
) -> None:
    threads = [
        threading.Thread(target=publisher.send, args=(commit(str(number)),)) for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    publisher.close()
    assert sorted(map(int, said(layer))) == list(range(20))
    assert not [each for each in threading.enumerate() if "publisher" in each.name]


async def test_one_loop_sends_whoever_publishes_and_from_wherever(
    layer: RecordingLayer, publisher: Publisher
) -> None:
    """A loop for each call would cost milliseconds, and a connection to Redis."""
    loops: set[Any] = set()
    take = layer.group_send

    async def group_send(group: str, message: Any) -> None:
        loops.add(asyncio.get_running_loop())
        await take(group, message)

    layer.group_send = group_send  # type: ignore[method-assign]
    publisher.send(commit("from a coroutine"))
    for _ in range(5):
        await asyncio.to_thread(publisher.send, commit("from a thread"))
        assert await asyncio.to_thread(publisher.drain)
    assert len(said(layer)) == 6
    assert len(loops - {asyncio.get_running_loop()}) == len(loops) == 1


def test_a_layer_that_fails_costs_one_message_and_leaves_a_hole(
    layer: RecordingLayer, publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    layer.failures.append(ConnectionError("the layer is gone"))
    with caplog.at_level(logging.ERROR):
        for text in ("lost", "sent"):
            publisher.send(commit(text))
            assert publisher.drain()
    [(_, message)] = layer.sent
    assert (read(message).number, read(message).after) == (2, 1)
    assert "did not take a message" in caplog.text


def test_what_no_message_can_hold_leaves_a_hole(
    layer: RecordingLayer, publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        publisher.send([Event("observer", "group", "{}", using=object())])  # type: ignore[arg-type]
        assert publisher.drain()
        publisher.send(commit("sent"))
        assert publisher.drain()
    [(_, message)] = layer.sent
    assert read(message).after == 1


def test_a_channel_that_is_full_is_tried_again(layer: RecordingLayer, publisher: Publisher) -> None:
    layer.failures += [ChannelFull(), ChannelFull()]
    publisher.send(commit("sent"))
    assert publisher.drain()
    assert said(layer) == ["sent"]


def test_a_channel_that_stays_full_costs_what_waits_for_it(
    layer: RecordingLayer,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(destinations, "FULL_PATIENCE", -1)
    layer.failures.append(ChannelFull())
    with caplog.at_level(logging.ERROR):
        publisher.send(commit("lost"))
        assert publisher.drain()
    publisher.send(commit("sent"))
    assert publisher.drain()
    assert said(layer) == ["sent"]


def test_after_closing_it_can_be_used_again(layer: RecordingLayer, publisher: Publisher) -> None:
    for text in ("one", "two"):
        publisher.send(commit(text))
        publisher.close()
    publisher.close()
    assert said(layer) == ["one", "two"]


def test_without_a_registry_it_says_again_what_it_sent_last(
    layer: RecordingLayer, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a last message that was lost is missed, and the mark that was lost, too."""
    monkeypatch.setattr(post, "MARK_EVERY", 0.01)
    marks = threading.Semaphore(0)
    take = layer.group_send

    async def group_send(group: str, message: Any) -> None:
        await take(group, message)
        if read(message).events == ():
            marks.release()

    layer.group_send = group_send  # type: ignore[method-assign]
    publisher.send(commit("sent"))
    assert all(marks.acquire(timeout=10) for _ in range(3))
    assert {read(message).number for _, message in layer.sent} == {1}


def test_a_layer_that_takes_nothing_lets_no_more_than_so_many_wait(
    layer: RecordingLayer, publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    taking, may_take = threading.Event(), threading.Event()

    async def stuck(group: str, message: object) -> None:
        taking.set()
        may_take.wait(10)

    layer.group_send = stuck  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        publisher.send(commit("first"))
        assert taking.wait(10)
        for _ in range(MAX_WAITING + 1):
            publisher.send(commit("next"))
    assert "dropped 1 events" in caplog.text
    assert not publisher.drain(0)
    may_take.set()
    assert publisher.drain(30)
