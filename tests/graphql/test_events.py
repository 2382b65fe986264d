"""What an event says of a change beside the object, in both protocols."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from channels.db import database_sync_to_async as in_thread
from django.contrib.auth.models import AnonymousUser
from rest_framework import serializers

from dcrf_graph.connection import Connection
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.live_lists import LiveListMixin
from dcrf_graph.observer import model_observer, publish
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.routers import Router
from tests.graphql.sessions import Session
from tests.testapp.models import Parcel

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 10.0


class ParcelSerializer(serializers.ModelSerializer[Parcel]):
    label_text = serializers.CharField(source="title")

    class Meta:
        model = Parcel
        fields = ("id", "label_text", "place")


class Parcels(LiveListMixin, ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    queryset = Parcel.objects.order_by("pk")
    serializer_class = ParcelSerializer

    @model_observer(Parcel, serializer_class=ParcelSerializer)
    async def changes(
        self,
        message: Any,
        action: str,
        changed_fields: Any = None,
        subscribing_request_ids: Any = (),
        **kwargs: Any,
    ) -> None:
        for request_id in subscribing_request_ids:
            frame = {"data": message, "action": action, "request_id": request_id}
            await self.send_json({**frame, "changed": changed_fields})

    @action(subscribes="changes")
    async def subscribe_changes(self, request_id: Any = None, **kwargs: Any) -> None:
        await self.changes.subscribe(request_id=request_id)

    @model_observer(Parcel)
    async def plain(
        self, message: Any, action: str, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            data = {"pk": message["pk"], "title": "?"}
            await self.reply(data=data, action=action, request_id=request_id)

    @action(subscribes="plain", output=Any)
    async def subscribe_plain(self, request_id: Any = None, **kwargs: Any) -> None:
        await self.plain.subscribe(request_id=request_id)


def parcels() -> Router:
    router = Router()
    router.register("parcels", Parcels)
    return router


def change(parcel: Parcel) -> None:
    """Create, move and rename a parcel, with what it weighs; then delete it."""
    parcel.save()
    publish(Parcel, [parcel.pk], "update", changed_fields=["title", "weight"])
    publish(Parcel, [parcel.pk], "update")
    publish(Parcel, [parcel.pk], "update", changed_fields=["weight"])
    parcel.delete()


SUBSCRIPTIONS = {
    "parcelChanges": "parcelChanges",
    "parcelsLive": "parcelsLive",
    "parcelChanged": "parcelChanged(id: 11)",
}


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
async def test_an_update_names_the_fields_of_its_data_that_were_written(name: str) -> None:
    """By their names in the schema: what the type does not have is not named."""
    session = Session(parcels(), AnonymousUser())
    # Of each test its own: what two threads say of a row just before is read again.
    parcel = Parcel(pk=9 + list(SUBSCRIPTIONS).index(name), place=1)
    if name == "parcelChanged":
        await in_thread(parcel.save)()
    outcome: Any = await session.send(
        f"subscription {{ {SUBSCRIPTIONS[name]} {{ action changedFields data {{ id }} }} }}"
    )

    async def told() -> tuple[str, Any]:
        async with asyncio.timeout(PATIENCE):
            result = await anext(outcome.results)
        event = result["data"][name]
        return event["action"], event["changedFields"]

    if name == "parcelsLive":
        assert await told() == ("SNAPSHOT", None)
    if name != "parcelChanged":
        await in_thread(parcel.save)()
        assert await told() == ("CREATE", None)
    for written, names in (
        (["title", "weight"], ["labelText"]),
        (None, None),
        (["weight"], []),
        (["place", "title"], ["place", "labelText"]),
    ):
        await in_thread(publish)(Parcel, [parcel.pk], "update", changed_fields=written)
        assert await told() == ("UPDATE", names)
    await in_thread(parcel.delete)()
    assert await told() == ("DELETE", None)
    await session.streams.close()


async def test_a_change_of_json_names_the_keys_that_it_has() -> None:
    session = Session(parcels(), AnonymousUser())
    outcome: Any = await session.send("subscription { parcelPlain { action changedFields } }")
    await in_thread(change)(Parcel(pk=12, place=1))
    async with asyncio.timeout(PATIENCE):
        told = [(await anext(outcome.results))["data"]["parcelPlain"] for _ in range(3)]
    await session.streams.close()
    assert [each["changedFields"] for each in told] == [None, ["title"], None]


async def test_a_handler_is_told_all_of_them() -> None:
    frames: asyncio.Queue[Any] = asyncio.Queue()

    async def sent(stream: str, text: str) -> None:
        frames.put_nowait(json.loads(text))

    scope = {"type": "websocket", "user": AnonymousUser()}
    streams = parcels().streams(scope, Connection(), sent)
    await streams.receive("parcels", {"action": "subscribe_changes", "request_id": 1})
    async with asyncio.timeout(PATIENCE):
        await frames.get()
        await in_thread(change)(Parcel(pk=13, place=1))
        told = [await frames.get() for _ in range(5)]
    await streams.close()
    changed = [frame["changed"] for frame in told if frame["action"] == "update"]
    assert changed == [["title", "weight"], None, ["weight"]]
