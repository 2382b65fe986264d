"""Who is in which group, and how an event gets to them, from whichever thread."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any, cast

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers

from dcrf_graph.changes.change import Event, lost
from dcrf_graph.changes.envelope import Envelope
from dcrf_graph.changes.hub import Hub
from dcrf_graph.changes.hub import hub as hub_of_this_process
from tests.changes.doubles import Reader, join
from tests.changes.layers import RecordingLayer


@pytest.fixture
def hub() -> Hub:
    return Hub()


def event(group: str = "group", message: str = '{"body": 1}') -> Event:
    return Event("observer", group, message)


def test_an_event_reaches_every_member_of_its_group_and_nobody_else(hub: Hub) -> None:
    first, second, other = Reader(), Reader(), Reader()
    join(first, "group", to=hub)
    join(second, "group", "other", to=hub)
    join(other, "other", to=hub)
    hub.publish([event()])
    assert (len(first.events), len(second.events), len(other.events)) == (1, 1, 0)


def test_what_an_observer_could_not_say_is_a_gap_of_its_group(hub: Hub) -> None:
    here, there = Reader(), Reader()
    join(here, "group", to=hub)
    join(there, "other", to=hub)
    hub.publish([event(), lost("observer", "group"), event()])
    assert (len(here.events), len(here.gaps)) == (2, 1)
    assert (there.events, there.gaps) == ([], [])


async def test_what_another_process_could_not_say_is_a_gap_of_all_groups_of_the_observer(
    hub: Hub,
) -> None:
    readers = [Reader(observer, asyncio.get_running_loop()) for observer in ("a", "a", "b")]
    for number, reader in enumerate(readers):
        await hub.join(str(number), reader)
    hub.hear(Envelope("another process", 1, 0, (lost("a"), Event("b", "2", "last"))))
    await readers[2].next()
    for reader in readers[:2]:
        await asyncio.wait_for(reader.gapped.wait(), 10)
    assert readers[2].gaps == []


def test_joining_twice_is_being_there_once(hub: Hub) -> None:
    reader = Reader()
    join(reader, "group", "group", to=hub)
    assert hub.count() == 1
    hub.publish([event()])
    assert len(reader.events) == 1
    hub.leave("group", reader)
    assert (hub.count(), hub.wants("observer")) == (0, False)


def test_members_groups_and_waiting_events_are_counted(hub: Hub) -> None:
    first, second = Reader(), Reader()
    join(first, "one", "two", to=hub)
    join(second, "one", to=hub)
    first.pending, second.pending = 2, 3
    assert hub.statistics() == {"subscriptions": 3, "groups": 2, "events": 7}


def test_an_observer_is_wanted_until_its_last_member_leaves_its_last_group(hub: Hub) -> None:
    first, second = Reader(), Reader()
    assert not hub.wants("observer")
    join(first, "one", "two", to=hub)
    join(second, "one", to=hub)
    for group, reader in (("one", first), ("one", second)):
        hub.leave(group, reader)
        assert hub.wants("observer")
    hub.leave("two", first)
    assert not hub.wants("observer")


def test_leaving_what_one_is_not_in_changes_nothing(hub: Hub) -> None:
    reader = Reader()
    hub.leave("group", reader)
    join(reader, "group", to=hub)
    hub.leave("other", reader)
    hub.leave("group", Reader())
    assert hub.wants("observer")


async def test_events_come_in_order_from_another_thread(hub: Hub) -> None:
    reader = Reader(loop=asyncio.get_running_loop())
    await hub.join("group", reader)
    said = [event(message=str(number)) for number in range(100)]

    def publish() -> None:
        for each in said:
            hub.publish([each])

    thread = threading.Thread(target=publish)
    thread.start()
    assert [await reader.next() for _ in said] == said
    thread.join()


def test_what_readers_find_out_about_an_event_stays_in_their_loop(hub: Hub) -> None:
    first, second = Reader(), Reader()
    join(first, "group", to=hub)
    join(second, "group", to=hub)
    hub.publish([event()])
    first.events[0].memo["row"] = "a future of a loop"
    assert (second.events, second.events[0].memo) == ([event()], {})


async def test_after_leaving_not_even_an_event_that_is_on_its_way_comes(hub: Hub) -> None:
    reader, witness = (Reader(loop=asyncio.get_running_loop()) for _ in range(2))
    await hub.join("group", reader)
    await hub.join("group", witness)
    hub.publish([event()])
    hub.leave("group", reader)
    await witness.next()
    assert reader.events == []


def test_members_of_a_loop_that_was_closed_are_gone(hub: Hub) -> None:
    loop = asyncio.new_event_loop()
    reader, alive = Reader(loop=loop), Reader()
    loop.run_until_complete(hub.join("group", reader))
    join(alive, "group", to=hub)
    loop.close()
    hub.publish([event()])
    assert (len(alive.events), hub.count()) == (1, 1)


async def test_a_loop_has_one_channel_of_the_layer_whoever_listens_in_it(
    hub: Hub, layer: RecordingLayer
) -> None:
    def opened() -> int:
        return [name for name, _ in layer.asked].count("new_channel")

    readers = [Reader(f"observer {n}", asyncio.get_running_loop()) for n in range(5)]
    for each in readers:
        for group in ("one", "two"):
            await hub.join(group, each)
    assert opened() == 1

    async def listen() -> None:
        reader = Reader(loop=asyncio.get_running_loop())
        await hub.join("one", reader)
        hub.leave("one", reader)

    await asyncio.to_thread(asyncio.run, listen())
    assert opened() == 2
    for each in readers:
        for group in ("one", "two"):
            hub.leave(group, each)
    await asyncio.to_thread(hub.close)


async def test_inside_the_process_the_layer_has_no_part_in_it(
    hub: Hub, layer: RecordingLayer
) -> None:
    """A layer that takes nothing delays nothing, and one in memory is not asked at all."""
    reader = Reader(loop=asyncio.get_running_loop())
    await hub.join("group", reader)
    layer.failures += [ConnectionError("the layer is gone")] * 100
    hub.publish([event()])
    assert await reader.next() == event()
    in_memory = InMemoryChannelLayer()
    channel_layers.set("default", in_memory)
    hub.publish([event()])
    assert await reader.next() == event()
    assert (in_memory.channels, in_memory.groups) == ({}, {})
    channel_layers.set("default", cast(Any, layer))
    hub.leave("group", reader)
    await asyncio.to_thread(hub.close)


async def test_what_others_say_reaches_the_members_of_the_loop_that_hears_it(hub: Hub) -> None:
    here, elsewhere = Reader(loop=asyncio.get_running_loop()), Reader()
    await hub.join("group", here)
    join(elsewhere, "group", to=hub)
    hub.hear(Envelope("another process", 1, 0, (event(),)))
    assert await here.next() == event()
    assert elsewhere.events == []


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_is_another_publisher_and_has_no_members() -> None:
    reader = Reader("forked")
    join(reader, "group of the fork", to=hub_of_this_process)
    publisher = hub_of_this_process.publisher
    reading, writing = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            child = hub_of_this_process
            same = child.publisher == publisher
            os.write(writing, f"{same} {child.count()} {child.wants('forked')}".encode())
            os._exit(0)
        os.waitpid(pid, 0)
        assert os.read(reading, 100) == b"False 0 False"
        assert hub_of_this_process.wants("forked")
    finally:
        hub_of_this_process.leave("group of the fork", reader)
        os.close(reading)
        os.close(writing)
