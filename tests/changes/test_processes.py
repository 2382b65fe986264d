"""What another process changes is heard here, once, through a real Redis."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.db import connection
from django.utils.translation import gettext_lazy

from dcrf_graph.changes.hub import hub
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.observer import model_observer
from tests.native.client import PATIENCE, connected, in_thread
from tests.observer.parcels import ParcelConsumer
from tests.observer.test_observer import DoorConsumer
from tests.testapp.models import KeyedByUUID, Parcel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

FROM_THERE = [f"{number} from another process" for number in range(5)]


class ValuableConsumer(AsyncAPIConsumer):
    """Its messages hold what JSON, and msgpack, have no type for."""

    @model_observer(KeyedByUUID)
    async def valuables(self, message: Any, subscribing_request_ids: Any = (), **kw: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(action="valuable", data=message, request_id=request_id)

    @valuables.serializer  # type: ignore[no-redef]
    def valuables(self, instance: KeyedByUUID, action: Any, **kwargs: Any) -> Any:
        return {"pk": instance.pk, "price": Decimal("1.50"), "name": gettext_lazy("Yes")}

    @action()
    async def watch(self, request_id: Any, **kwargs: Any) -> None:
        await self.valuables.subscribe(request_id=request_id)


async def elsewhere(act: str, layer: dict[str, Any]) -> None:
    """Do something in another process, and wait until it has ended."""
    name = str(connection.settings_dict["NAME"])
    order = json.dumps({"database": name, "layer": layer, "act": act})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.changes.another_process",
        order,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    assert errors == b"", errors.decode()


async def arrive(title: str) -> None:
    """Let a parcel come to place 1 in this process; the layer has been told when this returns."""
    await in_thread(Parcel.objects.create, place=1, title=title)
    assert await in_thread(hub.drain, PATIENCE)


@pytest.mark.parametrize("act", ["parcels", "parcels_from_a_coroutine", "parcels_of_a_worker"])
async def test_a_change_of_another_process_is_heard_once(
    act: str, redis_layer: dict[str, Any]
) -> None:
    async with connected(ParcelConsumer) as client, connected(ParcelConsumer) as other:
        for each in (client, other):
            await each.call("watch", 1, places=[1, 2])
        await elsewhere(act, redis_layer)
        for each in (client, other):
            assert [frame["data"][0] for frame in await each.frames(5)] == FROM_THERE
            assert await each.silent()


async def test_what_comes_back_of_ones_own_is_not_heard_again(redis_layer: dict[str, Any]) -> None:
    async with connected(ParcelConsumer) as client:
        await client.call("watch", 1, places=[1])
        await arrive("from here")
        # What comes from there is behind what comes back from here.
        await elsewhere("parcels", redis_layer)
        told = [frame["data"][0] for frame in await client.frames(6)]
        assert told == ["from here", *FROM_THERE]
        assert await client.silent()


async def test_a_signal_of_another_process_is_heard(redis_layer: dict[str, Any]) -> None:
    async with connected(DoorConsumer) as client:
        await client.call("open", 1, door="front")
        await elsewhere("a_bell", redis_layer)
        assert (await client.frame())["data"] == {"who": "another process"}


async def test_whatever_a_message_holds_survives_the_way(redis_layer: dict[str, Any]) -> None:
    async with connected(ValuableConsumer) as client:
        await client.call("watch", 1)
        await elsewhere("a_valuable", redis_layer)
        pk = str((await KeyedByUUID.objects.aget()).pk)
        there = (await client.frame())["data"]
        assert there == {"pk": pk, "price": 1.5, "name": "Yes"}


async def test_the_last_words_of_a_process_find_a_host_by_its_name(
    redis_layer: dict[str, Any],
) -> None:
    named = json.loads(json.dumps(redis_layer).replace("127.0.0.1", "localhost"))
    async with connected(ParcelConsumer) as client:
        await client.call("watch", 1, places=[1])
        await elsewhere("parcels", named)
        assert [frame["data"][0] for frame in await client.frames(5)] == FROM_THERE


async def test_groups_are_joined_once_and_left_with_the_last_subscription(
    redis_layer: dict[str, Any], redis_url: str
) -> None:
    prefix = redis_layer["CONFIG"]["prefix"]

    def groups() -> int:
        with redis.Redis.from_url(redis_url) as client:
            members = client.keys(f"{prefix}:dcrf-graph:group:*")
            assert isinstance(members, list)
            return len(members)

    async with connected(ParcelConsumer) as first:
        async with connected(ParcelConsumer) as second:
            for each in (first, second):
                await each.call("watch", 1, places=[1, 2])
            assert await in_thread(groups) == 2
        assert await in_thread(groups) == 2
    for _ in range(1000):
        if not await in_thread(groups):
            break
    assert await in_thread(groups) == 0
