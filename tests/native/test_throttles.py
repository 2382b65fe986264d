"""DRF's throttles count every call, whichever protocol it comes by, and let nobody past."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from django.core.cache import cache
from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle, UserRateThrottle

from dcrf_graph.routers import Router
from dcrf_graph.streams import Streams
from tests.graphql.board import ArticleConsumer
from tests.graphql.test_router import Session
from tests.native.client import SOMEBODY, Client, connected, in_thread
from tests.testapp.models import Article, Author

pytestmark = pytest.mark.django_db(transaction=True)


class Twice(AnonRateThrottle):
    rate = "2/min"


class TwiceByUser(UserRateThrottle):
    rate = "2/min"


class ByScope(ScopedRateThrottle):
    THROTTLE_RATES = {"articles": "2/min"}


class Articles(ArticleConsumer):
    queryset = Article.objects.order_by("pk")
    throttle_classes = [Twice]


class Scoped(Articles):
    queryset = Article.objects.order_by("pk")
    throttle_classes = [ByScope]
    throttle_scope = "articles"


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


class Both:
    """A native client and a GraphQL client from one address."""

    def __init__(self, native: Client, consumer: Any) -> None:
        router = Router()
        router.register("articles", consumer)
        self.native = native
        self.graphql = Session(router)
        self.streams: Streams = self.graphql.streams


@pytest_asyncio.fixture
async def both(request: Any) -> AsyncIterator[Both]:
    consumer = getattr(request, "param", Articles)
    async with connected(consumer) as client:
        asked = Both(client, consumer)
        yield asked
        await asked.streams.close()


OPERATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("list", {}, "{ articles { count } }"),
    ("retrieve", {"pk": 1}, "{ article(id: 1) { id } }"),
    ("create", {"data": {"title": "a"}}, 'mutation { articleCreate(data: {title: "a"}) { id } }'),
    (
        "update",
        {"pk": 1, "data": {"title": "a"}},
        'mutation { articleUpdate(id: 1, data: {title: "a"}) { id } }',
    ),
    (
        "patch",
        {"pk": 1, "data": {"title": "a"}},
        'mutation { articlePatch(id: 1, data: {title: "a"}) { id } }',
    ),
    ("delete", {"pk": 1}, "mutation { articleDelete(id: 1) }"),
    ("move", {"pk": 1, "column": 1}, "mutation { articleMove(id: 1, column: 1) { id } }"),
    ("late", {"since": "2026-01-01"}, '{ articleLate(since: "2026-01-01") }'),
    ("subscribe_instance", {"pk": 1}, "subscription { articleChanged(id: 1) { id } }"),
    (
        "subscribe_article_activity",
        {"author": 1},
        "subscription { articleActivity(author: 1) { id } }",
    ),
]


def is_limited(error: Any) -> bool:
    return bool(
        error["extensions"]["code"] == "RATE_LIMITED" and error["extensions"]["status"] == 429
    )


@pytest.mark.parametrize("both", [Articles, Scoped], indirect=True)
@pytest.mark.parametrize(("action", "arguments", "operation"), OPERATIONS)
async def test_every_action_is_counted_in_both_protocols_together(
    both: Both, action: str, arguments: Any, operation: str
) -> None:
    first = await both.native.call(action, **arguments)
    assert first["response_status"] != 429
    outcome = await both.graphql.send(operation)
    assert "RATE_LIMITED" not in str(outcome)
    third = await both.native.call(action, **arguments)
    assert third["response_status"] == 429
    (error,) = await both.graphql.errors(operation)
    assert is_limited(error)


async def test_what_is_throttled_is_not_done(both: Both) -> None:
    for _ in range(2):
        await both.native.call("list")
    await both.native.call("create", data={"title": "a"})
    await both.graphql.errors('mutation { articleCreate(data: {title: "a"}) { id } }')
    assert await in_thread(Article.objects.count) == 0


async def test_each_user_has_a_count_of_their_own() -> None:
    class PerUser(Articles):
        queryset = Article.objects.order_by("pk")
        throttle_classes = [TwiceByUser]

    async def statuses(**scope: Any) -> list[int]:
        async with connected(PerUser, **scope) as client:
            return [(await client.call("list"))["response_status"] for _ in range(3)]

    assert await statuses() == [200, 200, 429]
    assert await statuses(user=SOMEBODY) == [200, 200, 429]


async def test_what_is_unknown_and_what_is_forbidden_is_not_counted(both: Both) -> None:
    await in_thread(Author.objects.create, name="Ada")
    for _ in range(5):
        assert (await both.native.call("unknown"))["response_status"] == 405
    assert (await both.native.call("list"))["response_status"] == 200
