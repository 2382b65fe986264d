"""What becomes of events that a client does not read in time, by each policy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from dcrf_graph.changes.change import Event, Gap
from dcrf_graph.changes.hub import hub
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.backlog import Backlog, amounting_to
from tests.native.client import Client, Closed, connected, in_thread, soon
from tests.observer.parcels import ParcelConsumer
from tests.testapp.models import Parcel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["end", "drop_oldest", "latest", "disconnect"])
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    with override_settings(DCRF_GRAPH={"MAX_PENDING_EVENTS": 10, "SLOW_READERS": request.param}):
        yield request.param


class Slow:
    """A server that lets the application wait with what it sends."""

    def __init__(self, client: Client) -> None:
        self.reads = asyncio.Event()
        self.stuck = asyncio.Event()
        self._send, client.send_to_client = client.send_to_client, self.send

    async def send(self, message: dict[str, Any]) -> None:
        self.stuck.set()
        await self.reads.wait()
        await self._send(message)


def rename(parcel: Parcel, title: str) -> None:
    parcel.title = title
    parcel.save()


async def test_a_reader_that_stops_is_bounded_delays_nobody_and_is_told(policy: str) -> None:
    parcel = await in_thread(Parcel.objects.create, place=1)
    async with connected(ParcelConsumer) as slow, connected(ParcelConsumer) as quick:
        for client in (slow, quick):
            await client.call("watch", 1, places=[1])
        server = Slow(slow)
        for number in range(61):
            await in_thread(rename, parcel, str(number))
            assert (await quick.frame())["data"][0] == str(number)
            await soon(server.stuck)
        assert hub.statistics()["events"] <= 10
        server.reads.set()
        if policy == "disconnect":
            with pytest.raises(Closed):
                await slow.frames(2)
            return
        frames = await slow.rest()
    told = [(f["response_status"], f["data"]) for f in frames[1:]]
    if policy == "end":
        assert told == [(429, None)]
    elif policy == "latest":
        assert [data[0] for _, data in told] == ["60"]
    else:
        assert told[0] == (410, {"reason": "slow", "missed": 51})
        assert [data[0] for _, data in told[1:]] == [str(number) for number in range(52, 61)]


def event(pk: int, action: str = "update", title: str = "") -> Event:
    message = f'{{"type": "x", "body": "{title}", "action": "{action}"}}'
    return Event("o", "g", message, action, pk, model="testapp.parcel")


def test_the_latest_of_each_object_waits_and_too_many_objects_are_a_gap() -> None:
    backlog = Backlog()
    for number in range(5):
        if not backlog.latest(event(number), None):
            backlog.make_room(3)
            backlog.append((event(number), None))
    assert [each for each, _ in backlog] == [Gap("slow", 3), event(3), event(4)]
    assert backlog.latest(event(3, title="new"), None)
    assert [each for each, _ in backlog][1] == event(3, title="new")


def test_what_was_not_heard_of_stays_new_and_what_came_and_went_is_nothing() -> None:
    merged = amounting_to(event(1, "create"), event(1, "update", "new"))
    assert merged is not None
    assert (merged.action, merged.message) == (
        "create",
        '{"type":"x","body":"new","action":"create"}',
    )
    assert amounting_to(event(1, "create"), event(1, "delete")) is None
    backlog = Backlog([(event(1, "create"), None)])
    assert backlog.latest(event(1, "delete"), None)
    assert not backlog


def waiting(*events: Event) -> list[Event]:
    """What waits of events that came one after the other, by the policy ``latest``."""
    backlog = Backlog()
    for each in events:
        if not backlog.latest(each, None):
            backlog.append((each, None))
    return [each for each, _ in backlog if isinstance(each, Event)]


def test_a_row_that_left_its_group_and_came_back_is_there() -> None:
    """What a group hears of a row that has left names no model; it is the same row all the same."""
    left = replace(event(1, "delete"), model=None)
    assert [e.action for e in waiting(event(1), left, event(1, "create"))] == ["update"]
    assert [e.action for e in waiting(event(1, "create"), left)] == []


def test_a_key_that_another_process_says_as_text_is_the_same_key() -> None:
    key = uuid4()
    [told] = waiting(replace(event(1), pk=key), replace(event(1, "delete"), pk=str(key)))
    assert told.action == "delete"


def test_what_several_updates_have_changed_is_told_together_or_not_at_all() -> None:
    def update(*names: str) -> Event:
        message = json.dumps({"type": "x", "action": "update", "changed_fields": names})
        return replace(event(1), message=message)

    def changed(*events: Event) -> Any:
        [told] = waiting(*events)
        return json.loads(told.message).get("changed_fields")

    assert changed(update("a"), update("c", "b"), update("a")) == ["a", "b", "c"]
    assert changed(event(1), update("a")) is None
    assert changed(update("a"), event(1)) is None
    assert changed(event(1, "create"), update("a")) is None


def test_an_unknown_policy_is_refused_when_it_is_declared() -> None:
    with pytest.raises(ValueError, match="expected a policy"):
        model_observer(Parcel, policy="forget")(lambda: None)
