"""
Two hubs, as two processes have them, over a Redis that fails: heard, or told of a gap.

Whoever holds the lease of a process that has died is a registry without one: a ghost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.test import override_settings

from dcrf_graph.changes import membership
from dcrf_graph.changes.change import Event, Gap, lost
from dcrf_graph.changes.hub import Hub
from dcrf_graph.changes.interest import LEASE
from dcrf_graph.changes.layers import redis_of
from dcrf_graph.changes.membership import REJOIN
from dcrf_graph.changes.registry import Registry
from tests.changes.conftest import REDIS_LAYERS
from tests.changes.doubles import Reader
from tests.own_redis import OwnRedis, started

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server() -> Iterator[OwnRedis]:
    with started() as server:
        yield server


needs_time = pytest.mark.parametrize("here", ["core"], indirect=True)
"""For what takes seconds, and the same of them on every layer."""


@pytest.fixture(params=list(REDIS_LAYERS))
def here(request: pytest.FixtureRequest, server: OwnRedis) -> Iterator[dict[str, Any]]:
    """The default channel layer is on that Redis, which is empty."""
    host = {"address": server.url, "socket_timeout": None}
    layer = {"BACKEND": REDIS_LAYERS[request.param], "CONFIG": {"hosts": [host]}}
    with server.client() as client:
        client.flushall()
    with override_settings(CHANNEL_LAYERS={"default": layer}):
        yield layer


def event(number: int = 0, observer: str = "observer", group: str = "group") -> Event:
    return Event(observer, group, f'{{"body": {number}}}')


class Place:
    """A process: its hub, and a reader in it."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.reader = Reader(loop=asyncio.get_running_loop())
        self.groups: set[str] = set()

    async def join(self, *groups: str) -> None:
        for group in groups:
            self.groups.add(group)
            await self.hub.join(group, self.reader)

    async def leave(self) -> None:
        for group in self.groups:
            self.hub.leave(group, self.reader)
        self.groups.clear()
        await asyncio.to_thread(self.hub.close)

    async def knows(self, observer: str, wanted: bool) -> None:
        """Wait until this process believes so."""
        until = time.monotonic() + 15
        while self.hub.wants(observer) is not wanted:
            assert time.monotonic() < until, f"{observer} is still {'un' * wanted}wanted"
            await asyncio.sleep(0.01)


@asynccontextmanager
async def places(count: int = 2) -> AsyncIterator[list[Place]]:
    found = [Place() for _ in range(count)]
    try:
        yield found
    finally:
        for place in found:
            await place.leave()


@asynccontextmanager
async def ghost() -> AsyncIterator[Registry]:
    """A process that lives as long as its lease does."""
    at = redis_of(get_channel_layer())
    assert at is not None
    registry = Registry(at, "ghost")
    await registry.open()
    await registry.renew()
    try:
        yield registry
    finally:
        await registry.close()


async def test_what_one_says_the_others_hear_once_and_in_order(here: dict[str, Any]) -> None:
    async with places(3) as [one, two, three]:
        await one.join("group")
        await two.join("group", "other")
        await three.join("other")
        said = [event(number) for number in range(300)]
        for each in said:
            one.hub.publish([each])
        assert [await two.reader.next() for _ in said] == said
        assert [await one.reader.next() for _ in said] == said
        assert (one.reader.came.qsize(), three.reader.events, two.reader.gaps) == (0, [], [])


async def test_a_commit_is_one_message_for_each_process(
    here: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    layer: Any = get_channel_layer()
    send = layer.send

    async def record(channel: str, message: Any) -> None:
        sent.append(channel)
        await send(channel, message)

    monkeypatch.setattr(layer, "send", record, raising=False)
    async with places() as [one, two]:
        groups = [str(number) for number in range(50)]
        await two.join(*groups)
        one.hub.publish([event(group=group) for group in groups])
        assert [(await two.reader.next()).group for _ in groups] == groups
        assert len(sent) == 1


@pytest.mark.parametrize("stands_still", [False, True])
async def test_a_burst_is_heard_or_told_as_a_gap_where_nobody_could_take_it(
    here: dict[str, Any], stands_still: bool
) -> None:
    """A channel holds 100 messages."""
    async with places() as [one, two]:
        await two.join("group")
        said = [event(number) for number in range(1_000)]

        def say() -> None:
            for each in said:
                one.hub.publish([each])
            assert one.hub.drain(20)

        if stands_still:
            say()
            one.hub.publish([event(-1)])
            heard = [await two.reader.next()]
            while heard[-1] != event(-1):
                heard.append(await two.reader.next())
            assert heard[:-1] == said or two.reader.gaps
        else:
            await asyncio.to_thread(say)
            assert [await two.reader.next() for _ in said] == said
            assert two.reader.gaps == []


# -- who listens -----------------------------------------------------------------------------------


async def test_an_observer_is_wanted_by_all_as_soon_as_somebody_has_joined(
    here: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly the others hear of it."""
    next_message = Registry.next_message

    async def late(registry: Registry) -> dict[str, Any]:
        message = await next_message(registry)
        await asyncio.sleep(0.02)
        return message

    monkeypatch.setattr(Registry, "next_message", late)
    async with places() as [one, two]:
        one.hub.publish([event(group="nobody's")])
        for number in range(10):
            observer = f"observer {number}"
            await one.knows(observer, wanted=False)
            two.reader.observer_id = observer
            await two.join(f"group {number}")
            assert one.hub.wants(observer)


async def test_an_observer_is_wanted_by_nobody_once_the_last_has_left(here: dict[str, Any]) -> None:
    async with places() as [one, two]:
        await two.join("group", "other")
        one.hub.publish([event(group="nobody's")])
        await one.knows("another", wanted=False)
        assert one.hub.wants("observer")
        two.hub.leave("group", two.reader)
        two.hub.leave("other", two.reader)
        await one.knows("observer", wanted=False)


@needs_time
async def test_who_joins_waits_until_a_process_that_says_nothing_may_say_nobody_no_more(
    here: dict[str, Any],
) -> None:
    async with places(1) as [one], ghost():
        before = time.monotonic()
        await one.join("group")
        assert LEASE * 0.8 < time.monotonic() - before < LEASE * 2
        before = time.monotonic()
        await one.join("another group of the same observer")
        assert time.monotonic() - before < LEASE / 2


@needs_time
async def test_nothing_is_heard_before_joining_has_returned(here: dict[str, Any]) -> None:
    """Who has asked for a subscription reads the answer first."""
    async with places(1) as [one], ghost():
        joining = asyncio.ensure_future(one.join("group"))
        await one.knows("observer", wanted=True)
        one.hub.publish([event(1)])
        await joining
        one.hub.publish([event(2)])
        assert await one.reader.next() == event(2)


@needs_time
async def test_what_a_process_that_was_killed_wanted_is_wanted_no_more(
    here: dict[str, Any],
) -> None:
    async with places(1) as [one], ghost() as registry:
        one.hub.publish([event()])
        await one.knows("observer", wanted=False)
        await registry.announce(["observer"], "token")
        await one.knows("observer", wanted=True)
        await one.knows("observer", wanted=False)


async def test_leaving_in_a_crowd_leaves_each_group_once(
    here: dict[str, Any], server: OwnRedis
) -> None:
    async with places(1) as [one]:
        crowd = [Reader(loop=asyncio.get_running_loop()) for _ in range(200)]
        for group in ("a", "b"):
            await asyncio.gather(*(one.hub.join(group, each) for each in crowd))
        await one.join("stays")
        with server.client() as client:
            client.config_resetstat()
            for each in crowd:
                one.hub.leave("a", each)
                one.hub.leave("b", each)
            await one.join("another")
            assert client.info("commandstats")["cmdstat_srem"]["calls"] == 2


def done(keys: Any, what: bytes) -> None:
    """Wait until Redis says of one of these keys that this was done to it."""
    while True:
        message = keys.get_message(timeout=15)
        assert message is not None
        if message["data"] == what:
            return


@needs_time
async def test_groups_are_joined_again_before_they_expire(
    here: dict[str, Any], server: OwnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "REJOIN", 0)
    at = redis_of(get_channel_layer())
    assert at is not None
    async with places(1) as [one]:
        await one.join("group")
        key = f"{at.prefix}group:group"
        with server.client() as client, client.pubsub() as keys:
            assert client.ttl(key) > REJOIN
            client.config_set("notify-keyspace-events", "Ks")
            keys.psubscribe(f"__keyspace@0__:{key}")
            client.delete(key)
            await asyncio.to_thread(done, keys, b"sadd")
            assert client.scard(key) == 1
            assert client.ttl(key) > REJOIN
        assert one.reader.gaps == []


# -- what goes wrong -------------------------------------------------------------------------------


async def gapped(*told: Place) -> None:
    """Wait until each has been told of a gap."""
    until = time.monotonic() + 20
    while not all(place.reader.gaps for place in told):
        assert time.monotonic() < until, [place.reader.gaps for place in told]
        await asyncio.sleep(0.01)


async def heard_again(says: Place, hears: Place) -> None:
    """Wait until one hears the other, whose layer may still have to connect: it is told of what
    is lost meanwhile.
    """
    until = time.monotonic() + 20
    number, gaps = 0, len(hears.reader.gaps)
    while hears.reader.came.empty():
        number += 1
        says.hub.publish([event(number)])
        await asyncio.sleep(0.05)
        assert time.monotonic() < until
    if await hears.reader.next() != event(1):
        assert len(hears.reader.gaps) > gaps


@pytest.mark.parametrize("while_down", [True, False])
async def test_a_redis_that_was_killed_is_told_as_a_gap_and_then_heard_again(
    here: dict[str, Any], server: OwnRedis, while_down: bool
) -> None:
    async with places() as [one, two]:
        await one.join("group")
        await two.join("group")
        await asyncio.to_thread(server.kill)
        await one.knows("whatever", wanted=True)
        if while_down:
            one.hub.publish([event(1)])
            await one.reader.next()
        await asyncio.to_thread(server.start)
        await gapped(one, two)
        await heard_again(one, two)


async def test_whoever_joins_while_redis_is_away_waits_for_it(
    here: dict[str, Any], server: OwnRedis
) -> None:
    async with places() as [one, two]:
        await one.join("group")
        await asyncio.to_thread(server.kill)
        joining = asyncio.ensure_future(two.join("group"))
        await one.knows("whatever", wanted=True)
        await asyncio.to_thread(server.start)
        await joining
        await gapped(one)
        await heard_again(one, two)


@pytest.mark.parametrize("last", [True, False], ids=["at the end", "in between"])
async def test_a_message_that_was_lost_is_told_as_a_gap(
    here: dict[str, Any], monkeypatch: pytest.MonkeyPatch, last: bool
) -> None:
    async with places() as [one, two]:
        await two.join("group")
        one.hub.publish([event(1)])
        assert await two.reader.next() == event(1)
        with monkeypatch.context() as patch:
            patch.setattr(get_channel_layer(), "send", drop, raising=False)
            one.hub.publish([event(2)])
            assert one.hub.drain(10)
        if not last:
            one.hub.publish([event(3)])
        await gapped(two)


async def drop(channel: str, message: Any) -> None:
    """Lose what should be sent."""


async def test_a_process_that_was_forgotten_is_told_and_comes_back(
    here: dict[str, Any], server: OwnRedis
) -> None:
    """As one is that slept too long, or whose Redis was emptied."""
    async with places() as [one, two]:
        await two.join("group")
        with server.client() as client:
            client.flushall()
        await gapped(two)
        await heard_again(one, two)


@needs_time
async def test_a_process_that_ends_without_a_word_is_a_gap(here: dict[str, Any]) -> None:
    """It may have had something to say."""
    async with places(1) as [one]:
        await one.join("group")
        async with ghost():
            assert one.reader.gaps == []
        await gapped(one)


@needs_time
async def test_a_process_that_says_that_it_ends_is_none(here: dict[str, Any]) -> None:
    async with places() as [one, two], ghost() as registry:
        await one.join("group")
        two.hub.publish([event()])
        await asyncio.to_thread(two.hub.close)
        await registry.end([])
        async with ghost():
            pass
        await gapped(one)
        assert len(one.reader.gaps) == 1


async def test_a_loop_that_ended_without_a_word_is_sent_nothing_and_wants_nothing(
    here: dict[str, Any], server: OwnRedis
) -> None:
    """Its process lives on, and renews what it keeps in Redis."""
    at = redis_of(get_channel_layer())
    assert at is not None

    async def join(hub: Hub) -> None:
        reader = Reader("another", asyncio.get_running_loop())
        await hub.join("group", reader)
        await hub.join("its own", reader)

    async with places() as [one, two]:
        await one.join("group")
        two.hub.publish([event(group="nobody's")])
        with server.client() as client, client.pubsub() as keys:
            client.config_set("notify-keyspace-events", "Kg")
            keys.psubscribe(f"__keyspace@0__:{at.prefix}receiver:*")
            await asyncio.to_thread(asyncio.run, join(one.hub))
            assert client.scard(f"{at.prefix}group:group") == 2
            await asyncio.to_thread(done, keys, b"del")
            assert client.scard(f"{at.prefix}group:group") == 1
            assert client.scard(f"{at.prefix}group:its own") == 0
            assert len(client.keys(f"{at.prefix}receiver:*")) == 1
        await two.knows("another", wanted=False)
        assert one.hub.count() == 1
        two.hub.publish([event(7)])
        assert await one.reader.next() == event(7)


async def test_what_could_not_be_sent_is_missed_before_what_could(
    here: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By who has heard of this process before, and by who has not."""

    async def unreachable(registry: Registry, groups: Any) -> Any:
        raise ConnectionError("Redis does not answer")

    async with places(3) as [one, two, three]:
        await two.join("group")
        await three.join("other")
        one.hub.publish([event(1)])
        assert await two.reader.next() == event(1)
        with monkeypatch.context() as patch:
            patch.setattr(Registry, "look_up", unreachable)
            one.hub.publish([event(2)])
            assert one.hub.drain(10)
        assert two.reader.gaps == []
        one.hub.publish([event(3)])
        assert await two.reader.next() == event(3)
        assert len(two.reader.gaps) == 1
        await gapped(three)
        assert len(two.reader.gaps) == 1


async def test_who_listens_in_another_process_is_told_of_a_loss_that_one_knows_of(
    here: dict[str, Any],
) -> None:
    async with places(2) as [one, two]:
        await two.join("group")
        one.hub.tell(Gap())
        await gapped(two)
        one.hub.publish([event(1)])
        assert await two.reader.next() == event(1)
        assert len(two.reader.gaps) == 1


@pytest.mark.parametrize("group", ["group", ""], ids=["its group", "all its groups"])
async def test_what_an_observer_could_not_say_is_a_gap_of_its_readers_elsewhere(
    here: dict[str, Any], group: str
) -> None:
    async with places(3) as [one, two, three]:
        await two.join("group")
        three.reader.observer_id = "another"
        await three.join("its group")
        one.hub.publish([lost("observer", group), event(1), event(2, "another", "its group")])
        await gapped(two)
        assert [await two.reader.next(), (await three.reader.next()).message] == [
            event(1),
            '{"body": 2}',
        ]
        assert (len(two.reader.gaps), one.reader.gaps, three.reader.gaps) == (1, [], [])
