"""A change that a serializer fails on is told as a gap, over every protocol, from everywhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import pytest
from rest_framework import serializers

from dcrf_graph.changes.change import lost
from dcrf_graph.changes.envelope import Envelope
from dcrf_graph.changes.hub import hub
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import model_observer
from tests.limits import world
from tests.limits.clients import NATIVE, SOCKETS
from tests.limits.table import Stage
from tests.native.client import in_thread
from tests.testapp.models import Parcel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_left")]


class ParcelSerializer(serializers.ModelSerializer[Parcel]):
    text = serializers.SerializerMethodField()

    class Meta:
        model = Parcel
        fields = ["id", "text"]

    def get_text(self, parcel: Parcel) -> str:
        if parcel.title == "broken":
            raise RuntimeError("this parcel cannot be written")
        return parcel.title


class ParcelConsumer(GenericAsyncAPIConsumer):
    queryset = Parcel.objects.all()
    serializer_class = ParcelSerializer

    @model_observer(Parcel, serializer_class=ParcelSerializer)
    async def activity(
        self,
        message: Any,
        action: str | None = None,
        subscribing_request_ids: Iterable[Any] = (),
        **kwargs: Any,
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @action(subscribes="activity")
    async def subscribe_activity(self, request_id: Any, **kwargs: Any) -> None:
        await self.activity.subscribe(request_id=request_id)

    @action(kind="query")
    async def count(self, **kwargs: Any) -> int:
        return 0


@pytest.fixture(params=[*NATIVE, *SOCKETS])
def stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setitem(world.CONSUMERS, "parcels", ParcelConsumer)
    return Stage(world.make_router(), request.param)


async def subscribe(stage: Stage, client: Any) -> None:
    if stage.native:
        await client.call("parcels", "subscribe_activity", 9)
        return
    await client.start("subscription { parcelActivity { data { text } } }")
    await client.operate("{ parcelCount }")


async def told(stage: Stage, client: Any) -> Any:
    """The text of the next event; of a gap its status and its reason."""
    if stage.native:
        frame = await client.payload()
        if frame["response_status"] < 400:
            return frame["data"]["text"]
        return frame["response_status"], frame["data"]["reason"]
    result = await client.result()
    if "errors" not in result:
        return result["data"]["parcelActivity"]["data"]["text"]
    extensions = result["errors"][0]["extensions"]
    assert extensions["code"] == "EVENTS_LOST"
    return extensions["status"], extensions["reason"]


async def test_a_change_that_cannot_be_written_is_a_gap_and_the_subscription_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "dcrf_graph"):
        async with stage.open() as client:
            await subscribe(stage, client)
            for text in ("one", "broken", "two"):
                parcel = await in_thread(Parcel.objects.create, place=1, title=text)
            assert [await told(stage, client) for _ in range(3)] == ["one", (410, "lost"), "two"]
            parcel.title = "broken"
            await in_thread(parcel.save)
            assert await told(stage, client) == (410, "lost")
    assert [bool(record.exc_info) for record in caplog.records] == [True, True]


async def test_a_change_that_another_process_could_not_write_is_a_gap(stage: Stage) -> None:
    observer = ParcelConsumer.activity
    async with stage.open() as client:
        await subscribe(stage, client)
        (group,) = observer.group_names_for_signal(instance=Parcel(pk=1))
        for number, its in enumerate((group, ""), 1):
            event = lost(observer.stable_id, its)
            hub.hear(Envelope("another process", number, number - 1, (event,)))
            assert await asyncio.wait_for(told(stage, client), 10) == (410, "lost")
