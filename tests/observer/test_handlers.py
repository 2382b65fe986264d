"""Whatever a handler is, and whatever it does, costs nobody else an event."""

from __future__ import annotations

import asyncio
import json
import logging
import types
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest
from channels.db import database_sync_to_async
from django.db import transaction
from rest_framework.exceptions import PermissionDenied

from dcrf_graph.changes.change import Gap
from dcrf_graph.observer import model_observer
from dcrf_graph.permissions import AllowAny, BasePermission
from tests.native.client import PATIENCE, connected, in_thread
from tests.observer.parcels import ParcelConsumer, whereabouts
from tests.observer.test_subscriptions import arrive, heard, watch
from tests.testapp.models import Parcel

pytestmark = pytest.mark.django_db(transaction=True)


def consumer_of(handler: Any, **attributes: Any) -> Any:
    """A consumer that tells of the parcels of a place with this handler."""
    observer: Any = model_observer(Parcel)(handler)

    def written(self: Any, instance: Parcel, action: Any, **kwargs: Any) -> Any:
        return {"title": instance.title}

    def of_row(self: Any, instance: Parcel, **kwargs: Any) -> Iterable[str]:
        yield f"place-{instance.place}"

    def of_client(self: Any, places: Iterable[int] = (), **kwargs: Any) -> Iterable[str]:
        yield from (f"place-{place}" for place in places)

    observer.serializer(written)
    observer.groups_for_signal(of_row)
    observer.groups_for_consumer(of_client)
    body = {"parcels": observer, "permission_classes": [AllowAny], **attributes}
    return type("Own", (ParcelConsumer,), body)


async def told(
    consumer: Any, message: Any, subscribing_request_ids: Any = (), **kwargs: Any
) -> None:
    """Tell each request the title."""
    for request_id in subscribing_request_ids:
        await consumer.reply(action="told", data=[message["title"]], request_id=request_id)


def telling(consumer: Any, message: Any, **kwargs: Any) -> Any:
    return told(consumer, message, **kwargs)


def a_future(consumer: Any, message: Any, **kwargs: Any) -> Any:
    return asyncio.ensure_future(told(consumer, message, **kwargs))


@types.coroutine
def an_old_coroutine(consumer: Any, message: Any, **kwargs: Any) -> Any:
    yield from told(consumer, message, **kwargs).__await__()


class Awaited:
    """Something else that can be awaited."""

    def __init__(self, work: Any) -> None:
        self.work = work

    def __await__(self) -> Any:
        return self.work.__await__()


def something_else(consumer: Any, message: Any, **kwargs: Any) -> Any:
    return Awaited(told(consumer, message, **kwargs))


async def on_a_thread(consumer: Any, message: Any, **kwargs: Any) -> None:
    await database_sync_to_async(Parcel.objects.count)()
    await told(consumer, message, **kwargs)


async def in_good_time(consumer: Any, message: Any, **kwargs: Any) -> None:
    try:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
    except TimeoutError:
        await told(consumer, message, **kwargs)


@pytest.mark.parametrize(
    "handler",
    [told, telling, a_future, an_old_coroutine, something_else, on_a_thread, in_good_time],
)
async def test_whatever_can_be_awaited_is_a_handler(handler: Any) -> None:
    async with connected(consumer_of(handler)) as client:
        await watch(client, 1)
        await arrive("a", "b", "c")
        assert heard(await client.rest()) == [(1, "a"), (1, "b"), (1, "c")]


def returns_none(consumer: Any, message: Any, **kwargs: Any) -> None:
    """What a handler that was not written with ``async`` often does."""


def generates(consumer: Any, message: Any, **kwargs: Any) -> Any:
    yield message


async def generates_asynchronously(consumer: Any, message: Any, **kwargs: Any) -> Any:
    yield message


def stops(consumer: Any, message: Any, **kwargs: Any) -> Any:
    raise StopIteration


async def stops_later(consumer: Any, message: Any, **kwargs: Any) -> Any:
    await asyncio.sleep(0)
    raise StopIteration


WRONG = [returns_none, generates, generates_asynchronously, stops, stops_later]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_handler_that_is_none_is_one_error_for_each_and_the_next_event_comes(
    wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(consumer: Any, message: Any, **kwargs: Any) -> Any:
        chosen = wrong if message["title"] == "wrong" else told
        return chosen(consumer, message, **kwargs)

    async with connected(consumer_of(handler)) as client:
        await watch(client, 1, 2)
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            await arrive("wrong", "right")
            said = heard(await client.rest())
        assert said == [(1, 500), (2, 500), (1, "right"), (2, "right")]


async def test_a_handler_that_cancels_its_task_takes_no_event_from_others() -> None:
    async def handler(consumer: Any, message: Any, **kwargs: Any) -> None:
        if message["title"] == "cancels":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            return
        await asyncio.sleep(0)
        await told(consumer, message, **kwargs)

    own = consumer_of(handler)
    async with connected(own) as first, connected(own) as second:
        await watch(first, 1, places=[1])
        await watch(second, 2, places=[2])

        def create() -> None:
            with transaction.atomic():
                Parcel.objects.create(place=1, title="cancels")
                Parcel.objects.create(place=2, title="heard")
                Parcel.objects.create(place=1, title="too")

        await in_thread(create)
        assert heard(await second.rest()) == [(2, "heard")]
        assert heard(await first.rest()) == [(1, "too")]


@pytest.mark.parametrize("waits", [False, True], ids=["at-once", "waiting"])
async def test_what_a_handler_leaves_in_its_context_no_other_sees(waits: bool) -> None:
    async def handler(
        consumer: Any, message: Any, subscribing_request_ids: Iterable[Any] = (), **kwargs: Any
    ) -> None:
        if waits:
            await asyncio.sleep(0)
        said = [whereabouts.get()]
        whereabouts.set(message["title"])
        for request_id in subscribing_request_ids:
            await consumer.reply(action="told", data=said, request_id=request_id)

    own = consumer_of(handler)
    async with connected(own) as first, connected(own) as second:
        await watch(first, 1)
        await watch(second, 2)
        await arrive("a", "b")
        said = heard([*await first.rest(), *await second.rest()])
    assert said == [(1, "nowhere"), (1, "nowhere"), (2, "nowhere"), (2, "nowhere")]


class Hiding(consumer_of(told)):  # type: ignore[misc]
    """Encodes its frames in a way of its own, which leaves something out."""

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        return json.dumps({key: value for key, value in content.items() if key != "data"})


async def test_an_event_is_encoded_as_its_consumer_does() -> None:
    async with connected(Hiding) as client:
        await watch(client, 1)
        await arrive("a")
        [frame] = await client.rest()
    assert frame["request_id"] == 1
    assert "data" not in frame


async def test_a_handler_that_sends_by_another_consumer_sends_as_that_one_does() -> None:
    others: list[Any] = []

    async def handler(consumer: Any, message: Any, **kwargs: Any) -> None:
        for other in others:
            await other.send_json({"data": message["title"], "request_id": 7})

    async with connected(Hiding) as other, connected(consumer_of(handler)) as client:
        others.append(other.consumer)
        await watch(client, 1)
        await arrive("secret")
        assert await client.silent()
        assert await other.rest() == [{"request_id": 7}]


async def waits_for_what_is_cancelled(consumer: Any, message: Any, **kwargs: Any) -> None:
    waited = asyncio.get_running_loop().create_future()
    waited.cancel()
    await waited


async def waits_for_what_will_be_cancelled(consumer: Any, message: Any, **kwargs: Any) -> None:
    waited = asyncio.create_task(asyncio.sleep(PATIENCE))
    asyncio.get_running_loop().call_soon(waited.cancel)
    await waited


class MayBe(BasePermission):
    """One that is no question of the user alone, so that it is asked at length."""

    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return True


@pytest.mark.parametrize("permission", [AllowAny, MayBe])
@pytest.mark.parametrize("waits", [waits_for_what_is_cancelled, waits_for_what_will_be_cancelled])
async def test_a_handler_whose_wait_is_cancelled_has_failed_and_says_so(
    waits: Any, permission: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not the delivery that was cancelled."""

    async def handler(consumer: Any, message: Any, **kwargs: Any) -> None:
        await (waits if message["title"] == "wrong" else told)(consumer, message, **kwargs)

    async with connected(consumer_of(handler, permission_classes=[permission])) as client:
        await watch(client, 1, 2)
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            await arrive("wrong", "right")
            said = heard(await client.rest())
        assert said == [(1, 500), (2, 500), (1, "right"), (2, "right")]


async def test_a_gap_whose_telling_is_cancelled_is_told_as_a_failure_and_the_others_hear_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def tell_gap(self: Any, subscriber: Any, gap: Gap) -> None:
        if subscriber.request_id == 1:
            await waits_for_what_is_cancelled(self, gap)
        await ParcelConsumer.tell_gap(self, subscriber, gap)

    async with connected(consumer_of(told, tell_gap=tell_gap)) as client:
        await watch(client, 1, 2)
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            [line] = client.consumer.subscriptions
            line.gap(Gap())
            assert heard(await client.frames(2)) == [(1, 500), (2, 410)]


async def test_permissions_that_cannot_be_named_once_are_an_error_and_the_next_event_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Own(ParcelConsumer):
        broken: ClassVar[bool] = False

        @property
        def permission_classes(self) -> Any:  # type: ignore[override]
            if self.broken:
                raise RuntimeError("the database is away")
            return [AllowAny]

    async with connected(Own) as client:
        await watch(client, 1)
        Own.broken = True
        with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
            await arrive("a")
            assert heard(await client.rest()) == [(1, 500)]
        Own.broken = False
        await arrive("b")
        assert heard(await client.rest()) == [(1, "b")]


async def test_a_question_that_an_instance_has_replaced_is_asked_before_each_event() -> None:
    async with connected(consumer_of(told)) as client:
        await watch(client, 1)

        async def check_permissions(action: str, **kwargs: Any) -> None:
            raise PermissionDenied()

        client.consumer.check_permissions = check_permissions
        await arrive("secret")
        assert heard(await client.rest()) == [(1, 403)]
