"""Frames that are caught: what they say, and when a reader has to be waited for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dcrf_graph.capture import MAX_WAITING_FRAMES, Captured, Events
from dcrf_graph.changes.change import Event as Change
from dcrf_graph.exceptions import CallFailed
from dcrf_graph.observer.delivery import Delivery, delivery_of
from dcrf_graph.replies import Event, Reply, reply_of

DONE: dict[str, Any] = {"data": None, "response_status": 204, "errors": []}
DENIED: dict[str, Any] = {"data": None, "response_status": 403, "errors": ["No."]}


class Hears:
    """Hears events with a function, and reads none."""

    def __init__(self, receive: Any, over: Any = lambda: None) -> None:
        self.receive, self.over = receive, over


def delivery(action: Any = "update", pk: Any = 7) -> Delivery:
    change = Change(group="g", observer="o", message="{}", action=action, pk=pk)
    return delivery_of(change, ())


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        ({"data": 1, "body": 2}, 1),
        ({"data": None, "body": 2}, None),
        ({"body": 2, "other": 3}, 2),
        ({"text": "hello", "request_id": "r"}, {"text": "hello"}),
    ],
)
def test_a_frame_says_its_data_else_its_body_else_all_of_it(frame: Any, data: Any) -> None:
    assert reply_of(frame).data == data


def test_a_frame_without_a_status_is_a_success() -> None:
    reply = reply_of({"data": 1, "response_status": "fine", "errors": "none"})
    assert (reply.status, reply.errors) == (200, [])


async def test_the_last_frame_of_a_call_is_its_reply_but_an_acknowledgement_is_none() -> None:
    captured = Captured("r")
    await captured.put({"data": 1}, None, final=False)
    await captured.put({"data": 2}, None, final=False)
    await captured.put(DONE, None, final=True)
    assert captured.reply is not None
    assert captured.reply.data == 2


async def test_an_event_has_the_action_and_the_key_of_its_change() -> None:
    captured = Captured("r", events=True)
    await captured.put({"data": {"id": 1}, "action": "said"}, delivery(), final=False)
    event = await captured.next()
    assert isinstance(event, Event)
    assert (event.action, event.pk, event.data) == ("update", 7, {"id": 1})


async def test_before_a_subscription_is_acknowledged_only_deliveries_are_events() -> None:
    captured = Captured("r", events=True)
    await captured.put({"data": "hello"}, None, final=False)
    assert captured.reply is not None
    captured.acknowledged = True
    await captured.put({"data": "later"}, None, final=False)
    event = await captured.next()
    assert isinstance(event, Event)
    assert event.data == "later"


async def test_an_event_that_fails_is_passed_on_and_a_refusal_ends_the_events() -> None:
    class Source:
        forgotten: Any = None

        def forget(self, captured: Captured) -> None:
            self.forgotten = captured

    source = Source()
    captured = Captured("r", events=True)
    events = Events(captured, source)
    await captured.put(DENIED, delivery(), final=False)
    assert (await anext(events)).errors == ("No.",)
    captured.refused = True
    await captured.put(DENIED, delivery(), final=False)
    with pytest.raises(CallFailed, match="403"):
        await anext(events)
    assert source.forgotten is captured


async def test_who_sends_waits_for_a_reader_that_is_too_slow() -> None:
    captured = Captured("r", follow=True)
    for number in range(MAX_WAITING_FRAMES):
        await captured.put({"data": number}, None, final=False)
    sending = asyncio.ensure_future(captured.put({"data": "last"}, None, final=False))
    await asyncio.sleep(0)
    assert not sending.done()
    assert isinstance(await captured.next(), Reply)
    await sending


async def test_the_end_frees_whoever_waits_to_send_or_to_read() -> None:
    full, empty = Captured("r", follow=True), Captured("s", follow=True)
    for number in range(MAX_WAITING_FRAMES):
        await full.put({"data": number}, None, final=False)
    sending = asyncio.ensure_future(full.put({"data": "last"}, None, final=False))
    reading = asyncio.ensure_future(empty.next())
    await asyncio.sleep(0)
    full.end()
    empty.end()
    await sending
    assert await reading is None
    # What came before the end can still be read.
    read = [await full.next() for _ in range(MAX_WAITING_FRAMES + 1)]
    assert read[-1] is None
    assert None not in read[:-1]


async def test_a_wait_that_is_cancelled_loses_nothing() -> None:
    captured = Captured("r", follow=True)
    reading = asyncio.ensure_future(captured.next())
    await asyncio.sleep(0)
    reading.cancel()
    await captured.put({"data": 1}, None, final=False)
    reply = await captured.next()
    assert isinstance(reply, Reply)
    assert reply.data == 1


def test_a_refusal_does_not_take_an_answer_back() -> None:
    answered, waiting = Captured("r"), Captured("s")
    answered.reply = reply_of({"data": 1})
    for captured in (answered, waiting):
        captured.refuse(DENIED, None)
    assert (answered.reply.status, waiting.reply and waiting.reply.status) == (200, 403)


async def test_what_came_while_an_event_was_told_is_told_after_the_end() -> None:
    told: list[Any] = []
    begun, go_on, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def receive(event: Event) -> None:
        begun.set()
        await go_on.wait()
        told.append(event.data)

    captured = Captured("r", events=True)
    await captured.hear(Hears(receive, over.set), None)
    first = asyncio.ensure_future(captured.put({"data": 1}, delivery(), final=False))
    await begun.wait()
    await captured.put({"data": 2}, delivery(), final=False)
    captured.end()
    assert over.is_set()
    go_on.set()
    await first
    await captured.finish()
    assert told == [1, 2]


async def test_what_is_told_at_the_end_waits_for_what_is_being_told() -> None:
    told: list[Any] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def receive(event: Event) -> None:
        if event.data == 1:
            begun.set()
            await go_on.wait()
        told.append(event.data)

    captured = Captured("r", events=True)
    ending = asyncio.get_running_loop().create_future()
    await captured.hear(Hears(receive, lambda: ending.set_result(None)), None)
    first = asyncio.ensure_future(captured.put({"data": 1}, delivery(), final=False))
    await begun.wait()
    await captured.put({"data": 2}, delivery(), final=False)
    captured.end()
    finishing = asyncio.ensure_future(captured.finish())
    await ending
    go_on.set()
    await asyncio.gather(first, finishing)
    assert told == [1, 2]


async def test_what_came_before_somebody_heard_is_told_although_it_has_ended() -> None:
    told: list[Any] = []

    async def receive(event: Event) -> None:
        told.append(event.data)

    captured = Captured("r", events=True)
    for data in (1, 2):
        await captured.put({"data": data}, delivery(), final=False)
    captured.end()
    assert not await captured.hear(Hears(receive, told.clear), None)
    await captured.finish()
    assert told == [1, 2]


async def test_a_refusal_that_came_while_an_event_was_told_is_the_end() -> None:
    class Telling:
        """Takes the first event, as slowly as it is told to."""

        begun, go_on = asyncio.Event(), asyncio.Event()

        def ready(self, text: str, memo: dict[Any, Any]) -> None:
            return None

        async def read(self, text: str, delivery: Delivery) -> None:
            self.begun.set()
            await self.go_on.wait()

    async def receive(event: Event) -> None:
        raise AssertionError(event)

    telling, over = Telling(), asyncio.Event()
    captured = Captured("r", follow=False, events=True)
    captured.acknowledge()
    await captured.hear(Hears(receive, over.set), telling)
    taking = captured.take({"data": 1}, delivery())
    assert taking is not None
    first = asyncio.ensure_future(taking)
    await telling.begun.wait()
    captured.refuse(DENIED, None)
    telling.go_on.set()
    await first
    with pytest.raises(CallFailed, match="403"):
        await captured.finish()


@pytest.mark.parametrize("unread", [True, False], ids=["unread", "read"])
async def test_what_came_while_a_cancelled_event_was_told_needs_no_other_to_be_told(
    unread: bool,
) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    begun = asyncio.Event()

    async def receive(data: Any) -> None:
        if data == 1:
            begun.set()
            await asyncio.Event().wait()
        told.put_nowait(data)

    class Texts:
        def ready(self, text: str, memo: dict[Any, Any]) -> None:
            """Nothing is there already."""

        async def read(self, text: str, delivery: Delivery) -> None:
            await receive(json.loads(text)["data"])

    async def put(number: int) -> None:
        if unread:
            taking = captured.take({"data": number}, delivery())
            assert taking is not None
            await taking
        else:
            await captured.put({"data": number}, delivery(), final=False)

    async def read(event: Event) -> None:
        await receive(event.data)

    captured = Captured("r", events=True)
    await captured.hear(Hears(read, lambda: None), Texts() if unread else None)
    first = asyncio.ensure_future(put(1))
    async with asyncio.timeout(10):
        await begun.wait()
    await put(2)
    await put(3)
    first.cancel()
    await asyncio.wait([first])
    async with asyncio.timeout(10):
        assert [await told.get(), await told.get()] == [2, 3]


async def test_what_came_while_a_cancelled_event_was_told_is_told_before_the_next() -> None:
    told: list[Any] = []
    begun = asyncio.Event()

    async def receive(event: Event) -> None:
        if event.data == 1:
            begun.set()
            await asyncio.Event().wait()
        told.append(event.data)

    captured = Captured("r", events=True)
    await captured.hear(Hears(receive, told.clear), None)
    first = asyncio.ensure_future(captured.put({"data": 1}, delivery(), final=False))
    await begun.wait()
    await captured.put({"data": 2}, delivery(), final=False)
    first.cancel()
    await asyncio.wait([first])
    await captured.put({"data": 3}, delivery(), final=False)
    assert told == [2, 3]
