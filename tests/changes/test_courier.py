"""Envelopes leave in order, from any thread, and the last of them before the process does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dcrf_graph.changes.courier import MAX_WAITING, Courier, ThreadlessLoop
from tests.changes.layers import RecordingLayer


@pytest.fixture
def courier(layer: RecordingLayer) -> Iterator[Courier]:
    courier = Courier()
    yield courier
    courier.close()


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


def test_envelopes_leave_in_the_order_in_which_they_were_handed_over(
    layer: RecordingLayer, courier: Courier
) -> None:
    sent = [("group", str(number)) for number in range(200)]
    for each in sent:
        courier.send([each])
    assert courier.drain()
    assert layer.sent == sent


def test_whatever_thread_hands_over_one_thread_sends(
    layer: RecordingLayer, courier: Courier
) -> None:
    threads = [
        threading.Thread(target=courier.send, args=([("group", str(number))],))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    courier.close()
    assert sorted(int(text) for _, text in layer.sent) == list(range(20))
    assert not [each for each in threading.enumerate() if "courier" in each.name]


def test_a_layer_that_fails_costs_one_envelope(
    layer: RecordingLayer, courier: Courier, caplog: pytest.LogCaptureFixture
) -> None:
    layer.failures.append(ConnectionError("the layer is gone"))
    with caplog.at_level(logging.ERROR):
        courier.send([("group", "lost"), ("group", "sent")])
        assert courier.drain()
    assert layer.sent == [("group", "sent")]
    assert "did not take an envelope" in caplog.text


def test_after_closing_it_can_be_used_again(layer: RecordingLayer, courier: Courier) -> None:
    for text in ("one", "two"):
        courier.send([("group", text)])
        courier.close()
    courier.close()
    assert layer.sent == [("group", "one"), ("group", "two")]


def test_a_layer_that_takes_nothing_lets_no_more_than_so_many_wait(
    layer: RecordingLayer, courier: Courier, caplog: pytest.LogCaptureFixture
) -> None:
    taking, may_take = threading.Event(), threading.Event()

    async def stuck(group: str, message: object) -> None:
        taking.set()
        may_take.wait(10)

    layer.group_send = stuck  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        courier.send([("group", "first")])
        assert taking.wait(10)
        for _ in range(MAX_WAITING):
            courier.send([("group", "next")])
    assert "dropped 1 envelopes" in caplog.text
    assert not courier.drain(0)
    may_take.set()
    assert courier.drain(30)
