"""DRF's filter backends, fed by the frame's ``"query"``."""

from __future__ import annotations

from typing import Any

import pytest
from django_filters import ModelMultipleChoiceFilter
from django_filters.rest_framework import DjangoFilterBackend, FilterSet

from dcrf_graph.filters import BaseFilterBackend, OrderingFilter, SearchFilter
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.live_lists import LiveListMixin
from dcrf_graph.mixins import ListModelMixin, PaginatedModelListMixin, RetrieveModelMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from tests.native.client import connected, in_thread
from tests.native.serializers import ArticleSerializer
from tests.testapp.models import Article, Author

pytestmark = pytest.mark.django_db(transaction=True)


class Articles(ListModelMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Article.objects.order_by("pk")
    serializer_class = ArticleSerializer
    filter_backends = [DjangoFilterBackend, SearchFilter, OrderingFilter]
    filterset_fields = {"status": ["exact", "in"], "author": ["isnull"]}
    search_fields = ["title"]
    ordering_fields = ["title"]


class Pages(PaginatedModelListMixin, Articles):
    pagination_class = WebsocketLimitOffsetPagination


@pytest.fixture
async def articles() -> None:
    def create() -> None:
        Article.objects.create(title="one red", status="draft")
        Article.objects.create(title="two red", status="published")
        Article.objects.create(title="three", status="draft")

    await in_thread(create)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        (None, ["one red", "two red", "three"]),
        ({}, ["one red", "two red", "three"]),
        ({"status": "draft"}, ["one red", "three"]),
        ({"status__in": "draft,published"}, ["one red", "two red", "three"]),
        ({"author__isnull": True}, ["one red", "two red", "three"]),
        ({"author__isnull": False}, []),
        ({"search": "red"}, ["one red", "two red"]),
        ({"ordering": "title"}, ["one red", "three", "two red"]),
        ({"ordering": "-title", "search": "red", "status": "draft"}, ["one red"]),
        ({"status": None}, ["one red", "two red", "three"]),
        # OrderingFilter ignores what may not be ordered by, as DRF does.
        ({"ordering": "body"}, ["one red", "two red", "three"]),
    ],
)
@pytest.mark.usefixtures("articles")
async def test_a_query_filters_searches_and_orders(query: Any, titles: list[str]) -> None:
    keys = {} if query is None else {"query": query}
    async with connected(Articles) as client:
        frame = await client.call("list", **keys)
    assert [row["title"] for row in frame["data"]] == titles


class ByAuthors(FilterSet):  # type: ignore[misc]
    author = ModelMultipleChoiceFilter(queryset=Author.objects.all())

    class Meta:
        model = Article
        fields = ["author"]


class ArticlesByAuthors(ListModelMixin, GenericAsyncAPIConsumer):
    queryset = Article.objects.order_by("pk")
    serializer_class = ArticleSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_class = ByAuthors


async def test_a_number_that_no_database_holds_is_the_clients_fault() -> None:
    """Such a filter looks its values up: SQLite cannot, PostgreSQL finds nothing."""
    async with connected(ArticlesByAuthors) as client:
        frame = await client.call("list", query={"author": [10**40]})
    assert frame["response_status"] == 400
    assert list(frame["errors"][0]) in (["query"], ["author"])


HUGE = {"query": {"id__in": f"1,{10**40}"}}


class ByNumbers(Articles):
    filterset_fields = {"id": ["in"]}


class PagesByNumbers(PaginatedModelListMixin, ByNumbers):
    pagination_class = WebsocketLimitOffsetPagination


class LiveByNumbers(LiveListMixin, ByNumbers):
    pass


@pytest.mark.parametrize(
    ("consumer", "action", "arguments"),
    [
        (ByNumbers, "list", {}),
        (PagesByNumbers, "list", {}),
        (PagesByNumbers, "list", {"limit": 1}),
        (ByNumbers, "retrieve", {"pk": 1}),
        (LiveByNumbers, "subscribe_list", {}),
    ],
)
@pytest.mark.usefixtures("articles")
async def test_so_is_one_that_is_refused_when_rows_are_read(
    consumer: Any, action: str, arguments: dict[str, Any]
) -> None:
    async with connected(consumer) as client:
        frame = await client.call(action, **arguments, **HUGE)
        assert frame["response_status"] == 400
        assert frame["errors"] == [{"query": ["A value is out of range."]}]
        assert (await client.call("list", query={"id__in": "-1"}))["data"] == []


@pytest.mark.usefixtures("articles")
async def test_a_fault_of_the_serializer_is_not_the_querys() -> None:
    class Overflows(ArticleSerializer):
        def to_representation(self, instance: Any) -> Any:
            raise OverflowError("not of the database")

    class Failing(ByNumbers):
        serializer_class = Overflows

    async with connected(Failing) as client:
        frame = await client.call("list", query={"search": "red"})
    assert frame["response_status"] == 500


@pytest.mark.usefixtures("articles")
async def test_a_value_that_a_filter_refuses_is_answered_by_field() -> None:
    async with connected(Articles) as client:
        frame = await client.call("list", query={"status": "nonsense"})
    assert frame["response_status"] == 400
    assert list(frame["errors"][0]) == ["status"]


@pytest.mark.parametrize("query", ["text", 7, [], True])
@pytest.mark.usefixtures("articles")
async def test_a_query_that_is_no_object_is_refused_instead_of_ignored(query: Any) -> None:
    async with connected(Articles) as client:
        frame = await client.call("list", query=query)
    assert (frame["response_status"], frame["errors"]) == (
        400,
        [{"query": ["Expected an object."]}],
    )


@pytest.mark.usefixtures("articles")
async def test_pages_are_made_of_what_the_filters_let_through() -> None:
    async with connected(Pages) as client:
        query = {"status": "draft", "ordering": "title"}
        page = (await client.call("list", limit=1, offset=1, query=query))["data"]
    assert (page["count"], page["results"][0]["title"]) == (2, "three")


@pytest.mark.usefixtures("articles")
async def test_a_row_that_the_filters_hide_cannot_be_retrieved() -> None:
    row = await in_thread(Article.objects.get, title="two red")
    async with connected(Articles) as client:
        frame = await client.call("retrieve", pk=row.pk, query={"status": "draft"})
        assert frame["response_status"] == 404
        assert (await client.call("retrieve", pk=row.pk))["response_status"] == 200


@pytest.mark.usefixtures("articles")
async def test_a_backend_sees_the_view_and_the_request_of_its_call() -> None:
    seen: list[Any] = []

    class Looks(BaseFilterBackend):
        def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
            seen.append((view.action, request.query_params.dict(), view.search_fields))
            seen.append(view.get_queryset().model)
            return queryset

    class Looking(Articles):
        filter_backends = [Looks]

    async with connected(Looking, query_string=b"tenant=7") as client:
        await client.call("list", query={"search": "a"})
    assert seen == [("list", {"tenant": "7", "search": "a"}, ["title"]), Article]


@pytest.mark.usefixtures("articles")
async def test_two_lists_at_once_are_filtered_each_by_its_own_query() -> None:
    async with connected(Articles) as client:
        await client.send("list", request_id="draft", query={"status": "draft"})
        await client.send("list", request_id="published", query={"status": "published"})
        frames = {frame["request_id"]: frame["data"] for frame in await client.frames(2)}
    assert (len(frames["draft"]), len(frames["published"])) == (2, 1)
