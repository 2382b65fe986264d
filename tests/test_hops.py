"""One operation crosses into a thread once: all that it asks the database, it asks there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import permissions, serializers

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import PaginatedModelListMixin, PatchModelMixin, RetrieveModelMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.permissions import IsAuthenticated
from dcrf_graph.routers import Router
from tests.native.client import SOMEBODY, connected, in_thread
from tests.testapp.models import Article
from tests.transports.sockets import graphql, native

pytestmark = pytest.mark.django_db(transaction=True)


class ArticleSerializer(serializers.ModelSerializer[Article]):
    class Meta:
        model = Article
        fields = ("id", "title", "labels")


class Pages(WebsocketLimitOffsetPagination):
    default_limit = 5


class Articles(
    PaginatedModelListMixin, RetrieveModelMixin, PatchModelMixin, GenericAsyncAPIConsumer
):
    queryset = Article.objects.order_by("pk")
    serializer_class = ArticleSerializer
    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ("title",)


PERMISSIONS: dict[str, Any] = {
    "none": [],
    "ours": [IsAuthenticated],
    "DRF's": [permissions.IsAuthenticated, permissions.AllowAny],
    "DRF's for reading": [permissions.IsAuthenticatedOrReadOnly],
    "DRF's combined": [permissions.IsAdminUser | permissions.IsAuthenticated],
}
ASKED: dict[str, tuple[str, dict[str, Any], str]] = {
    "list": (
        "list",
        {"query": {"title": "a"}},
        '{ articles(filter: {title: "a"}) { count results { title labels } } }',
    ),
    "retrieve": ("retrieve", {"pk": 1}, "{ article(id: 1) { title labels } }"),
    "patch": (
        "patch",
        {"pk": 1, "data": {"title": "b"}},
        'mutation { articlePatch(id: 1, data: {title: "b"}) { title } }',
    ),
}


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What has been run in a thread."""
    made: list[Any] = []
    run = asyncio.BaseEventLoop.run_in_executor

    def noted(self: Any, executor: Any, function: Any, *arguments: Any) -> Any:
        made.append(function)
        return run(self, executor, function, *arguments)

    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", noted)
    return made


@asynccontextmanager
async def asking(how: str, consumer: Any, name: str) -> AsyncIterator[Any]:
    """Ask by one of the protocols."""
    action, arguments, query = ASKED[name]
    router = Router()
    router.register("articles", consumer)
    if how == "alone":
        async with connected(consumer, user=SOMEBODY) as client:
            yield lambda: client.call(action, **arguments)
    elif how == "native":
        async with native(router, user=SOMEBODY) as socket:
            yield lambda: socket.call("articles", action, **arguments)
    else:
        async with graphql(router, user=SOMEBODY) as session:
            yield lambda: session.data(query)


@pytest.mark.parametrize("how", ["alone", "native", "graphql"])
@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("asked", PERMISSIONS)
async def test_an_operation_is_one_hop(how: str, name: str, asked: str, hops: list[Any]) -> None:
    made: Any = type("Asked", (Articles,), {"permission_classes": PERMISSIONS[asked]})
    await in_thread(Article.objects.create, pk=1, title="a")
    async with asking(how, made, name) as ask:
        await ask()  # the first one connects the consumer
        hops.clear()
        answer = await ask()
        made_for_it = list(hops)
    assert not answer.get("errors"), answer
    assert len(made_for_it) == 1, made_for_it
