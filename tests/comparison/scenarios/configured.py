"""A process whose settings have `DJANGO_CHANNELS_REST_API`, upstream's name."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import override_settings

from tests.comparison.library import (
    AllowAny,
    AsyncAPIConsumer,
    GenericAsyncAPIConsumer,
    PaginatedModelListMixin,
    action,
    api_settings,
)
from tests.comparison.models import Card
from tests.comparison.scenario import scenario
from tests.comparison.scenarios.mixins import three_cards
from tests.comparison.serializers import CardSerializer
from tests.comparison.stage import Stage


class Ping(AsyncAPIConsumer):
    """Secured by the settings alone."""

    @action()
    async def ping(self, **kwargs: Any) -> tuple[Any, int]:
        return "pong", 200


class Open(PaginatedModelListMixin, GenericAsyncAPIConsumer):
    """Paginated by the settings alone."""

    permission_classes = [AllowAny]
    queryset = Card.objects.all()
    serializer_class = CardSerializer


@scenario("the default permission classes come from the settings", settings="configured")
async def default_permissions(stage: Stage) -> None:
    await (await stage.connect(Ping)).call("ping")
    user = await User.objects.acreate(username="ada")
    await (await stage.connect(Ping, user=user)).call("ping")


@scenario("the default paginator and page size come from the settings", settings="configured")
async def default_paginator(stage: Stage) -> None:
    await three_cards()
    await (await stage.connect(Open)).call("list")


@scenario("the settings are read again when they change", settings="configured")
async def reloaded(stage: Stage) -> None:
    stage.note([api_settings.PAGE_SIZE, api_settings.DEFAULT_PAGE_SIZE])
    with override_settings(DJANGO_CHANNELS_REST_API={"PAGE_SIZE": 7}):
        stage.note([api_settings.PAGE_SIZE, api_settings.DEFAULT_PAGINATION_CLASS])
    stage.note(api_settings.PAGE_SIZE)


@scenario("the settings without the name have upstream's defaults")
async def defaults(stage: Stage) -> None:
    stage.note([api_settings.PAGE_SIZE, api_settings.DEFAULT_PAGE_SIZE])
    stage.note([c.__name__ for c in api_settings.DEFAULT_PERMISSION_CLASSES])
    stage.note(api_settings.DEFAULT_PAGINATION_CLASS)
    try:
        stage.note(api_settings.NO_SUCH_SETTING)
    except AttributeError:
        stage.note("unknown")
