"""What a router takes, and what it makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.http import HttpResponse
from rest_framework.viewsets import ModelViewSet

from dcrf_graph.consumers import AsyncAPIConsumer, view_as_consumer
from dcrf_graph.decorators import action
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.routers import Router
from tests.testapp.models import KeyedByUUID, Note


class GreetingConsumer(AsyncAPIConsumer):
    @action(kind="query")
    async def hello(self, **kwargs: Any) -> str:
        return "hello"


class NoteConsumer(GenericAsyncAPIConsumer):
    queryset = Note.objects.all()


class KeyedConsumer(GenericAsyncAPIConsumer):
    queryset = KeyedByUUID.objects.all()


class NoteViewSet(ModelViewSet[Note]):
    queryset = Note.objects.all()


@pytest.mark.parametrize("prefix", ["Cards", "my-cards", "1cards", "", "cards\n", "_cards"])
def test_a_prefix_is_a_name(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="is no name"):
        Router().register(prefix, GreetingConsumer)


def test_a_prefix_belongs_to_one_consumer() -> None:
    router = Router()
    router.register("greetings", GreetingConsumer)
    with pytest.raises(ConfigurationError, match="already registered, for GreetingConsumer"):
        router.register("greetings", NoteConsumer)


def test_the_noun_of_a_row_is_its_models_name_else_the_prefix_else_what_was_said() -> None:
    router = Router()
    router.register("notes", NoteConsumer)
    router.register("keyed", KeyedConsumer)
    router.register("viewed", view_as_consumer(NoteViewSet.as_view({"get": "list"})))
    router.register("greetings", GreetingConsumer)
    router.register("wishes", GreetingConsumer, singular="wish")
    nouns = {name: each.singular for name, each in router.registry.items()}
    assert nouns == {
        "notes": "note",
        "keyed": "keyed_by_uuid",
        "viewed": "note",
        "greetings": "greetings",
        "wishes": "wish",
    }


def test_applications_of_consumers_are_registered_as_their_classes_are() -> None:
    router = Router()
    router.register("greetings", GreetingConsumer.as_asgi())
    view = view_as_consumer(lambda request: HttpResponse("page"), {"retrieve": "GET"})
    router.register("pages", view)
    assert router.registry["greetings"].consumer is GreetingConsumer
    assert "greetingsHello" in router.sdl


class ForeignConsumer(AsyncJsonWebsocketConsumer):
    pass


@pytest.mark.parametrize(
    "consumer",
    [
        ForeignConsumer,
        ForeignConsumer.as_asgi(),
        AuthMiddlewareStack(GreetingConsumer.as_asgi()),
        GreetingConsumer(),
        "GreetingConsumer",
        None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_consumer_is_refused_with_what_would_be(consumer: Any) -> None:
    with pytest.raises(ConfigurationError, match="as_asgi"):
        Router().register("greetings", consumer)


def test_a_consumer_that_is_registered_late_is_in_the_schema() -> None:
    router = Router()
    router.register("greetings", GreetingConsumer)
    assert "wishHello" not in router.sdl
    router.register("wishes", GreetingConsumer, singular="wish")
    assert "wishHello" in router.sdl
    assert router.executor.derived is router.derived


def test_a_router_that_serves_nobody_is_empty() -> None:
    assert set(Router().statistics().values()) == {0}
    assert list(Router().statistics()) == [
        *("connections", "tasks", "subscriptions", "groups", "events")
    ]
