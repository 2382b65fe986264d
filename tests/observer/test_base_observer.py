"""An observer's name and groups are its own, and the same in every process."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.base_observer import BaseObserver, hashed
from tests.native.client import connected, in_thread
from tests.observer.parcels import ParcelConsumer
from tests.testapp.models import Note

LEGAL = re.compile(r"[A-Za-z0-9\-_.]{1,99}")


class First(AsyncAPIConsumer):
    @model_observer(Note)
    async def activity(self, message: Any, **kwargs: Any) -> None:
        await self.send_json(["first", message])

    async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None:
        await self.activity.subscribe()
        await super().accept()


class Second(AsyncAPIConsumer):
    @model_observer(Note)
    async def activity(self, message: Any, **kwargs: Any) -> None:
        await self.send_json(["second", message])

    async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None:
        await self.activity.subscribe()
        await super().accept()


class Heir(First):
    """Inherits the observer, and so its groups."""


def made(name: str) -> type[AsyncAPIConsumer]:
    """A consumer class of a function that makes them."""

    class Made(AsyncAPIConsumer):
        @model_observer(Note)
        async def activity(self, message: Any, **kwargs: Any) -> None:
            await self.send_json([name, message])

        async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None:
            await self.activity.subscribe()
            await super().accept()

    return Made


@given(st.text())
def test_any_name_becomes_a_legal_group(name: str) -> None:
    assert LEGAL.fullmatch(hashed(name))


def test_groups_are_called_by_the_qualified_name_of_the_handler() -> None:
    assert "tests.observer.test_base_observer.First.activity" in First.activity.stable_id
    assert First.activity.stable_id != Second.activity.stable_id


def test_every_process_calls_a_group_the_same() -> None:
    consumer: Any = ParcelConsumer
    here = list(consumer.parcels.group_names_for_consumer(None, places=[1, 2]))
    script = (
        "import django; django.setup()\n"
        "from tests.observer.parcels import ParcelConsumer as C\n"
        "print(*C.parcels.group_names_for_consumer(None, places=[1, 2]))"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONHASHSEED": "1"}
    told = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == here


@pytest.mark.django_db(transaction=True)
async def test_observers_of_one_name_in_two_classes_share_nothing() -> None:
    async with connected(First) as first, connected(Second) as second:
        note = await in_thread(Note.objects.create, text="a")
        assert await first.rest() == [["first", {"pk": note.pk}]]
        assert await second.rest() == [["second", {"pk": note.pk}]]


@pytest.mark.django_db(transaction=True)
async def test_observers_of_classes_that_one_function_made_share_nothing() -> None:
    async with connected(made("one")) as one, connected(made("two")) as two:
        note = await in_thread(Note.objects.create, text="a")
        assert await one.rest() == [["one", {"pk": note.pk}]]
        assert await two.rest() == [["two", {"pk": note.pk}]]


@pytest.mark.django_db(transaction=True)
async def test_an_inherited_observer_reaches_both_classes_once() -> None:
    async with connected(First) as first, connected(Heir) as heir:
        note = await in_thread(Note.objects.create, text="a")
        assert await first.rest() == await heir.rest() == [["first", {"pk": note.pk}]]


@pytest.mark.django_db(transaction=True)
async def test_consumers_of_one_class_share_no_subscription() -> None:
    async with connected(ParcelConsumer) as first, connected(ParcelConsumer) as second:
        await first.call("watch", 1, places=[1])
        assert len(list(first.consumer.subscriptions)) == 1
        assert list(second.consumer.subscriptions) == []


async def test_a_message_may_be_given_to_an_observer_by_hand() -> None:
    told: list[Any] = []

    async def handler(consumer: Any, message: Any, **kwargs: Any) -> None:
        told.append((consumer, message, kwargs["action"], kwargs["subscribing_request_ids"]))

    observer = BaseObserver(handler)
    await observer({"type": "told", "body": {"pk": 1}, "action": "update"})
    assert told == [(None, {"pk": 1}, "update", [])]
