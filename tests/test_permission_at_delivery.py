"""Before each event, permission is asked again for what was asked for at subscribing, as a GET."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from rest_framework import permissions, serializers

from dcrf_graph.changes.hub import hub
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import PatchModelMixin
from dcrf_graph.observer import model_observer
from dcrf_graph.routers import Router
from tests.native.client import PATIENCE, SOMEBODY, in_thread
from tests.testapp.models import Parcel
from tests.transports.sockets import graphql, native, quiet

pytestmark = pytest.mark.django_db(transaction=True)


class ParcelSerializer(serializers.ModelSerializer[Parcel]):
    class Meta:
        model = Parcel
        fields = ("id", "title")


class Noting(permissions.BasePermission):
    """DRF's, notes what it is asked; ``refused`` are places that nobody may hear of any more."""

    asked: ClassVar[list[Any]] = []
    refused: ClassVar[set[int]] = set()

    def has_permission(self, request: Any, view: Any) -> bool:
        if view.action != "connect":
            self.asked.append((request.method, view.action, view.kwargs.get("place")))
        return bool(view.kwargs.get("place") not in self.refused)

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        self.asked.append((request.method, view.action, view.kwargs.get("place"), obj.title))
        return bool(obj.title != "secret")


class Parcels(PatchModelMixin, GenericAsyncAPIConsumer):
    queryset = Parcel.objects.all()
    serializer_class = ParcelSerializer
    permission_classes = (Noting,)
    http_methods: ClassVar[Any] = {**GenericAsyncAPIConsumer.http_methods, "expect": "POST"}

    @model_observer(Parcel, serializer_class=ParcelSerializer)
    async def parcels(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @parcels.groups_for_signal  # type: ignore[no-redef]
    def parcels(self, instance: Parcel, **kwargs: Any) -> Iterable[str]:
        yield f"place-{instance.place}"

    @parcels.groups_for_consumer  # type: ignore[no-redef]
    def parcels(self, place: int, **kwargs: Any) -> Iterable[str]:
        yield f"place-{place}"

    @action(subscribes="parcels")
    async def expect(self, place: int, request_id: Any, **kwargs: Any) -> None:
        """Subscribe; that it is more than reading, the consumer says."""
        await self.parcels.subscribe(place=place, request_id=request_id)


@pytest.fixture(autouse=True)
def _nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Noting, "asked", [])
    monkeypatch.setattr(Noting, "refused", set())


class Listening:
    """A client who expects parcels at places, by one of the protocols."""

    def __init__(self, client: Any, speaks_graphql: bool) -> None:
        self.client = client
        self.speaks_graphql = speaks_graphql

    async def expect(self, place: int) -> None:
        before = hub.count()
        if not self.speaks_graphql:
            await self.client.call("parcels", "expect", place, place=place)
            return
        query = "subscription($place: Int!) { parcelExpect(place: $place) { data { title } } }"
        await self.client.start(str(place), query, place=place)
        async with asyncio.timeout(PATIENCE):
            while hub.count() == before:  # noqa: ASYNC110  (the hub tells nobody)
                await asyncio.sleep(0)

    async def rest(self) -> list[tuple[int, Any]]:
        """What is there to be read: for which place, and the title, or the status of an error."""
        await quiet()
        frames = [await self.client.frame() for _ in range(self.client.unread())]
        if not self.speaks_graphql:
            payloads = [frame["payload"] for frame in frames]
            return [
                (p["request_id"], (p["data"] or {}).get("title", p["response_status"]))
                for p in payloads
            ]
        told = [(int(f["id"]), f["payload"]) for f in frames if f["type"] == "next"]
        return [
            (
                place,
                p["data"]["parcelExpect"]["data"]["title"]
                if p["data"]
                else p["errors"][0]["extensions"]["status"],
            )
            for place, p in told
        ]


@asynccontextmanager
async def opened(how: Any) -> AsyncIterator[Listening]:
    router = Router()
    router.register("parcels", Parcels)
    async with how(router, user=SOMEBODY) as client:
        yield Listening(client, how is graphql)


@pytest.fixture(params=[native, graphql], ids=["native", "graphql"])
async def listening(request: pytest.FixtureRequest) -> AsyncIterator[Listening]:
    async with opened(request.param) as listening:
        yield listening


def arrive(place: int, title: str = "a") -> Any:
    return in_thread(Parcel.objects.create, place=place, title=title)


async def test_the_subscribing_action_is_asked_for_with_its_arguments_as_a_get(
    listening: Listening,
) -> None:
    await listening.expect(1)
    assert Noting.asked == [("POST", "expect", 1)]
    Noting.asked.clear()
    await arrive(1)
    assert await listening.rest() == [(1, "a")]
    assert Noting.asked == [("GET", "expect", 1), ("GET", "expect", 1, "a")]


async def test_who_may_hear_of_one_place_no_more_goes_on_hearing_of_the_other(
    listening: Listening,
) -> None:
    for place in (1, 2):
        await listening.expect(place)
    Noting.refused.add(1)
    for place in (1, 2, 1, 2):
        await arrive(place)
    heard = await listening.rest()
    assert sorted(heard, key=str) == [(1, 403), (2, "a"), (2, "a")]


async def test_an_object_that_may_not_be_seen_is_one_error_and_the_end(
    listening: Listening,
) -> None:
    await listening.expect(1)
    for title in ("a", "secret", "b"):
        await arrive(1, title)
    assert await listening.rest() == [(1, "a"), (1, 403)]
    assert hub.count() == 0
