"""Which observer an action subscribes: declared, or read from code that is certain."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rest_framework import status

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.links import observed_by
from tests.testapp.models import Note


class NoteConsumer(AsyncAPIConsumer):
    """Each of its actions subscribes notes in a way of its own."""

    lock = asyncio.Lock()

    @model_observer(Note)
    async def activity(self, message: Any, **kwargs: Any) -> None: ...

    @model_observer(Note)
    async def other(self, message: Any, **kwargs: Any) -> None: ...

    @action(subscribes="activity")
    async def declared_by_name(self, **kwargs: Any) -> Any:
        return {"anything": "else"}

    @action(subscribes=activity)
    async def declared_by_object(self, **kwargs: Any) -> Any:
        return {"anything": "else"}

    @action(subscribes="nothing_here")
    async def declared_wrongly(self, **kwargs: Any) -> None: ...

    @action()
    async def directly(self, request_id: Any, **kwargs: Any) -> None:
        await self.activity.subscribe(request_id=request_id)

    @action()
    async def with_arguments_of_the_same_name(consumer, request_id: Any, **kwargs: Any) -> None:
        await consumer.activity.subscribe(request_id=request_id)

    @action()
    async def after_an_assignment(self, request_id: Any, **kwargs: Any) -> None:
        options = dict(kwargs)
        await self.activity.subscribe(request_id=request_id, **options)

    @action()
    async def handed_on(self, request_id: Any, **kwargs: Any) -> None:
        await asyncio.wait_for(self.activity.subscribe(request_id=request_id), 1)

    @action()
    async def beside_another_variable(self, request_id: Any, **kwargs: Any) -> None:
        for subscribe in (request_id, self.activity.subscribe):
            await subscribe(request_id=request_id)

    @action()
    async def in_blocks(self, request_id: Any, **kwargs: Any) -> None:
        async with self.lock:
            try:
                if request_id is not None:
                    await self.activity.subscribe(request_id=request_id)
                    return
            finally:
                self.lock.locked()

    @action()
    async def in_a_nested_function(self, request_id: Any, **kwargs: Any) -> None:
        async def subscribe() -> None:
            await self.activity.subscribe(request_id=request_id)

        await subscribe()

    @action()
    async def in_a_comprehension(self, request_id: Any, **kwargs: Any) -> None:
        subscribed = [await self.activity.subscribe(request_id=each) for each in (request_id,)]
        assert subscribed

    @action()
    async def by_another_action(self, request_id: Any, **kwargs: Any) -> None:
        await self.directly(request_id=request_id, **kwargs)

    @action()
    async def by_a_circle_of_actions(self, request_id: Any, **kwargs: Any) -> None:
        await self.by_a_circle_of_actions(request_id=request_id)
        await self.directly(request_id=request_id)

    @action()
    async def answering_with_a_status(self, request_id: Any, **kwargs: Any) -> Any:
        await self.activity.subscribe(request_id=request_id)
        return None, 201

    @action()
    async def answering_with_a_named_status(self, request_id: Any, **kwargs: Any) -> Any:
        await self.activity.subscribe(request_id=request_id)
        return None, status.HTTP_201_CREATED

    @action()
    async def both(self, request_id: Any, **kwargs: Any) -> None:
        await self.activity.subscribe(request_id=request_id)
        await self.other.subscribe(request_id=request_id)

    @action()
    async def another_besides_an_action(self, request_id: Any, **kwargs: Any) -> None:
        await self.other.subscribe(request_id=request_id)
        await self.directly(request_id=request_id)

    @action()
    async def none(self, request_id: Any, **kwargs: Any) -> None:
        await self.activity.unsubscribe(request_id=request_id)

    @action()
    async def answering_with_data(self, request_id: Any, **kwargs: Any) -> Any:
        await self.activity.subscribe(request_id=request_id)
        return {"subscribed": True}, 200

    @action()
    async def answering_with_what_subscribe_gives(self, request_id: Any, **kwargs: Any) -> Any:
        return await self.activity.subscribe(request_id=request_id)

    @action()
    async def answering_sometimes(self, request_id: Any, **kwargs: Any) -> Any:
        await self.activity.subscribe(request_id=request_id)
        if kwargs:
            return kwargs, 200
        return None

    @action()
    async def answering_with_a_tuple_of_data(self, request_id: Any, **kwargs: Any) -> Any:
        await self.activity.subscribe(request_id=request_id)
        return kwargs, status.HTTP_200_OK

    @action()
    async def through_a_name(self, request_id: Any, **kwargs: Any) -> None:
        name = "activity"
        await getattr(self, name).subscribe(request_id=request_id)


LINKED = [
    "declared_by_name",
    "declared_by_object",
    "directly",
    "with_arguments_of_the_same_name",
    "after_an_assignment",
    "handed_on",
    "beside_another_variable",
    "in_blocks",
    "in_a_nested_function",
    "in_a_comprehension",
    "by_another_action",
    "by_a_circle_of_actions",
    "answering_with_a_status",
    "answering_with_a_named_status",
]
UNCLEAR = [
    "both",
    "another_besides_an_action",
    "none",
    "answering_with_data",
    "answering_with_what_subscribe_gives",
    "answering_sometimes",
    "answering_with_a_tuple_of_data",
    "through_a_name",
]


@pytest.mark.parametrize("name", LINKED)
def test_an_action_is_linked_to_the_observer_that_it_subscribes(name: str) -> None:
    assert observed_by(NoteConsumer, name) is NoteConsumer.activity


@pytest.mark.parametrize("name", UNCLEAR)
def test_an_action_whose_observer_is_not_certain_is_linked_to_none(name: str) -> None:
    assert observed_by(NoteConsumer, name) is None


def test_every_action_of_the_consumer_is_tested() -> None:
    assert set(NoteConsumer.available_actions) == {*LINKED, *UNCLEAR, "declared_wrongly"}


def test_a_declared_observer_that_is_none_is_an_error_that_names_it() -> None:
    with pytest.raises(LookupError, match=r"declared_wrongly subscribes 'nothing_here'"):
        observed_by(NoteConsumer, "declared_wrongly")


def test_an_action_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        observed_by(NoteConsumer, "missing")
