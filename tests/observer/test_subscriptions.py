"""Each subscription gets its events in order, alone, as long as it may and keeps up."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import override_settings

from dcrf_graph.changes.hub import hub
from dcrf_graph.decorators import action
from tests.native.client import PATIENCE, Client, connected, in_thread
from tests.observer.parcels import Doorkeeper, ParcelConsumer, whereabouts
from tests.testapp.models import Parcel

pytestmark = pytest.mark.django_db(transaction=True)


async def arrive(*titles: str, place: int = 1) -> None:
    """Let parcels come to a place, each in a transaction of its own."""

    def create() -> None:
        for title in titles:
            Parcel.objects.create(place=place, title=title)

    await in_thread(create)


async def watch(client: Client, *request_ids: int, places: Any = (1,)) -> None:
    """Watch places under each of the request_ids; the name of each is its number."""
    for request_id in request_ids:
        reply = await client.call("watch", request_id, places=places, name=request_id)
        assert reply["response_status"] == 204, reply


def heard(frames: list[Any]) -> list[tuple[Any, Any]]:
    """Who was told which title, or which status as an error."""
    return [
        (f["request_id"], f["response_status"] if f["errors"] else f["data"][0]) for f in frames
    ]


async def test_events_come_in_the_order_of_the_commits() -> None:
    titles = [str(number) for number in range(20)]
    async with connected(ParcelConsumer) as client:
        await watch(client, 1)
        await arrive(*titles)
        assert heard(await client.rest()) == [(1, title) for title in titles]


async def test_the_requests_of_one_subscription_are_told_together() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 2)
        await arrive("a")
        assert heard(await client.rest()) == [(1, "a"), (2, "a")]


async def test_a_sibling_that_unsubscribes_silences_nobody() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 2)
        await client.call("unwatch", 3, places=[1], watching=1)
        await arrive("a")
        assert heard(await client.rest()) == [(2, "a")]


async def test_unsubscribing_without_a_request_id_unsubscribes_all() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 2)
        await client.call("unwatch", 3, places=[1])
        await arrive("a")
        assert await client.silent()
        assert hub.count() == 0


async def test_subscribing_twice_under_one_request_id_is_subscribing_once() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 1)
        await arrive("a")
        assert heard(await client.rest()) == [(1, "a")]


async def test_a_slow_handler_delays_its_own_subscription_only() -> None:
    slow = ParcelConsumer.held["slow"] = asyncio.Event()
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, places=[1])
        await watch(client, 2, places=[2])
        await arrive("slow", "behind it")
        await arrive("quick", place=2)
        assert heard([await client.frame()]) == [(2, "quick")]
        slow.set()
        assert heard(await client.rest()) == [(1, "slow"), (1, "behind it")]


async def test_a_handler_that_changes_its_message_changes_nobody_elses() -> None:
    async with connected(ParcelConsumer) as first, connected(ParcelConsumer) as second:
        await watch(first, 1)
        await watch(second, 2)
        await arrive("a")
        assert [frame["data"] for frame in await first.rest() + await second.rest()] == [
            ["a", "nowhere"],
            ["a", "nowhere"],
        ]


async def test_nothing_of_the_publishers_context_reaches_a_handler() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1)
        context = contextvars.copy_context()
        context.run(whereabouts.set, "with the publisher")
        await asyncio.get_running_loop().create_task(arrive("a"), context=context)
        assert [frame["data"] for frame in await client.rest()] == [["a", "nowhere"]]


async def test_a_handler_that_fails_is_answered_to_each_and_the_next_event_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ParcelConsumer.failing.add("broken")
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 2)
        with caplog.at_level(logging.CRITICAL):
            await arrive("broken", "sound")
            assert heard(await client.rest()) == [(1, 500), (2, 500), (1, "sound"), (2, "sound")]


async def test_whoever_disconnects_leaves_every_group() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 2, places=[1, 2])
        assert hub.count() == 2
    assert hub.count() == 0


# -- permission at delivery --------------------------------------------------------------------


async def test_a_refusal_ends_its_own_subscriber_with_one_error() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 2)
        Doorkeeper.denied.add(1)
        await arrive("a", "b")
        assert heard(await client.rest()) == [(1, 403), (2, "a"), (2, "b")]
        Doorkeeper.denied.clear()
        await arrive("c")
        assert heard(await client.rest()) == [(2, "c")]


async def test_the_last_one_refused_leaves_the_group() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1)
        Doorkeeper.denied.add(1)
        await arrive("a")
        assert heard(await client.rest()) == [(1, 403)]
        assert hub.count() == 0


@pytest.mark.parametrize(("refusal", "status"), [(PermissionDenied(), 403), (Http404(), 404)])
async def test_djangos_own_refusals_are_refusals(refusal: Exception, status: int) -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1)
        Doorkeeper.raised.append(refusal)
        await arrive("a", "b")
        assert heard(await client.rest()) == [(1, status)]


async def test_a_permission_that_fails_lets_nothing_out_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1)
        Doorkeeper.raised.append(RuntimeError("the permission is broken"))
        with caplog.at_level(logging.CRITICAL):
            await arrive("a")
            assert heard(await client.rest()) == [(1, 500)]
        Doorkeeper.raised.clear()
        await arrive("b")
        assert heard(await client.rest()) == [(1, "b")]


async def test_whoever_unsubscribes_while_others_are_asked_about_hears_nothing_more() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 2)
        answered = Doorkeeper.pondered[2] = asyncio.Event()
        await arrive("a")
        await client.call("unwatch", 3, places=[1], watching=1)
        answered.set()
        assert heard(await client.rest()) == [(2, "a")]


@override_settings(DCRF_GRAPH={"MAX_PENDING_EVENTS": 1})
async def test_a_refusal_of_a_subscription_that_has_ended_does_not_touch_the_next() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1)
        answered = Doorkeeper.pondered[1] = asyncio.Event()
        await arrive("a", "b", "c")
        assert heard([await client.frame()]) == [(1, 429)]
        Doorkeeper.pondered.clear()
        await watch(client, 1)
        Doorkeeper.denied.add(1)
        answered.set()
        assert await client.silent()
        Doorkeeper.denied.clear()
        await arrive("d")
        assert heard(await client.rest()) == [(1, "d")]


# -- bounds --------------------------------------------------------------------------------------


@override_settings(DCRF_GRAPH={"MAX_PENDING_EVENTS": 3})
async def test_whoever_falls_behind_is_told_once_and_ended() -> None:
    slow = ParcelConsumer.held["slow"] = asyncio.Event()
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, 2)
        await arrive("slow")
        await arrive(*"abcdefgh")
        assert heard(await client.frames(2)) == [(1, 429), (2, 429)]
        assert hub.count() == 0
        slow.set()
        await client.rest()
        await watch(client, 1)
        await arrive("again")
        assert heard(await client.rest()) == [(1, "again")]


@override_settings(DCRF_GRAPH={"MAX_PENDING_EVENTS": 3})
async def test_one_commit_that_overflows_is_one_error() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1)

        def create() -> None:
            with transaction.atomic():
                for title in "abcdefghijkl":
                    Parcel.objects.create(place=1, title=title)

        await in_thread(create)
        assert heard(await client.rest()) == [(1, 429)]


@override_settings(DCRF_GRAPH={"MAX_PENDING_EVENTS": 1})
async def test_whoever_subscribes_again_while_the_old_subscription_ends_stays() -> None:
    slow = ParcelConsumer.held["slow"] = asyncio.Event()
    async with connected(ParcelConsumer) as client:
        await watch(client, 1)
        await arrive("slow")
        await arrive("a", "b")
        assert heard([await client.frame()]) == [(1, 429)]
        await watch(client, 1)
        slow.set()
        await client.rest()
        await arrive("again")
        assert heard(await client.rest()) == [(1, "again")]


@override_settings(DCRF_GRAPH={"MAX_SUBSCRIPTIONS": 3})
async def test_too_many_subscriptions_are_refused_as_a_whole() -> None:
    async with connected(ParcelConsumer) as client:
        await watch(client, 1, places=[1, 2])
        reply = await client.call("watch", 2, places=[3, 4])
        assert reply["response_status"] == 429
        assert hub.count() == 2
        await watch(client, 1, places=[1, 2])
        await watch(client, 2, places=[3])


class Filling(ParcelConsumer):
    """A client hears of what it does itself, after the reply."""

    @action()
    async def fill(self, titles: list[str], **kwargs: Any) -> None:
        await arrive(*titles)


class Reluctant:
    """A server that passes a frame on when a test says so."""

    def __init__(self, client: Client) -> None:
        self.waiting: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()
        self._send, client.send_to_client = client.send_to_client, self.send

    async def send(self, message: dict[str, Any]) -> None:
        passes = asyncio.get_running_loop().create_future()
        self.waiting.put_nowait(passes)
        await passes
        await self._send(message)

    async def next(self) -> asyncio.Future[None]:
        """The next frame that waits; it passes when this is set."""
        return await asyncio.wait_for(self.waiting.get(), PATIENCE)


async def test_what_was_held_for_who_has_unsubscribed_is_not_sent_any_more() -> None:
    """Of several events, and of those whom one event is for, whoever is still there."""
    async with connected(Filling) as client:
        await watch(client, 1, 2)
        server = Reluctant(client)
        await client.send("fill", 3, titles=["a", "b", "c"])
        (await server.next()).set_result(None)
        first = await server.next()
        await client.send("unwatch", 4, places=[1], watching=1)
        reply = await server.next()
        for each in (first, reply):
            each.set_result(None)
        for _ in "abc":
            (await server.next()).set_result(None)
        frames = await client.rest()
    assert [(f["request_id"], f["data"] and f["data"][0]) for f in frames] == [
        (3, None),
        (1, "a"),
        (4, None),
        (2, "a"),
        (2, "b"),
        (2, "c"),
    ]
