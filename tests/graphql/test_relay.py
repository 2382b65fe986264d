"""Lists by cursor are Relay's connections, over DRF's own cursors."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from rest_framework.pagination import CursorPagination

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.lists import pages_of
from dcrf_graph.mixins import PaginatedModelListMixin
from dcrf_graph.routers import Router
from tests.graphql.board import ArticleSerializer
from tests.graphql.doubles import definition_of, schema_of
from tests.graphql.test_router import Session
from tests.native.client import connected, in_thread
from tests.testapp.models import Article

pytestmark = pytest.mark.django_db(transaction=True)


class ByKey(CursorPagination):
    page_size = 3
    max_page_size = 5
    page_size_query_param = "size"
    ordering: Any = "pk"


class Backwards(ByKey):
    ordering = "-pk"


class ByTitle(ByKey):
    """Many articles have one title: DRF tells them apart by offsets."""

    ordering = ("title", "pk")


class Fixed(CursorPagination):
    page_size = 3
    ordering = "pk"


def consumer_of(paginator: Any) -> Any:
    class Consumer(PaginatedModelListMixin, GenericAsyncAPIConsumer):
        queryset = Article.objects.all()
        serializer_class = ArticleSerializer
        pagination_class = paginator

    return Consumer


PAGE = """query($first: Int, $after: String, $last: Int, $before: String) {
    articles(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}"""


def create(titles: str) -> list[str]:
    return [str(Article.objects.create(title=title).pk) for title in titles]


class List:
    """One list of articles, as a Relay client sees it."""

    def __init__(self, paginator: Any) -> None:
        router = Router()
        router.register("articles", consumer_of(paginator))
        self.session = Session(router)

    async def page(self, **arguments: Any) -> Any:
        return (await self.session.data(PAGE, **arguments))["articles"]

    async def errors(self, **arguments: Any) -> Any:
        return await self.session.errors(PAGE, **arguments)


def ids(page: Any) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


@pytest.fixture
async def listed() -> AsyncIterator[Callable[[Any], List]]:
    opened: list[List] = []

    def open_list(paginator: Any) -> List:
        opened.append(List(paginator))
        return opened[-1]

    yield open_list
    for each in opened:
        await each.session.streams.close()


def test_the_types_are_relays() -> None:
    derived = schema_of(consumer_of(ByKey))
    assert definition_of(derived, "ArticleConnection") == (
        '"""A part of a list, by cursor."""\n'
        "type ArticleConnection {\n  edges: [ArticleEdge!]!\n  pageInfo: PageInfo!\n}"
    )
    assert "  cursor: String!\n  node: Article!\n" in definition_of(derived, "ArticleEdge")
    assert "hasNextPage: Boolean!" in definition_of(derived, "PageInfo")
    arguments = {a.name: a.type for a in derived.operations[0].arguments}
    assert arguments == {"first": "Int", "after": "String", "last": "Int", "before": "String"}


def test_a_paginator_with_a_shape_of_its_own_gives_json() -> None:
    class Bare(ByKey):
        def get_paginated_response(self, data: Any) -> Any:
            return data

    pages = pages_of(consumer_of(Bare))
    assert pages is not None
    assert schema_of(consumer_of(Bare)).operations[0].result == "JSON"


TITLES = "abcdefgh"
TIES = "aaabbbbbbc"


@pytest.mark.parametrize("titles", [TITLES, TIES, "a" * 8, ""])
@pytest.mark.parametrize("paginator", [ByKey, Backwards, ByTitle, Fixed])
async def test_forwards_and_backwards_give_every_row_once(
    listed: Any, paginator: Any, titles: str
) -> None:
    keys = await in_thread(create, titles)
    expected = keys[::-1] if paginator is Backwards else keys
    articles = listed(paginator)
    for size in (1, 2, 3):
        forwards: list[str] = []
        page = await articles.page(first=size)
        assert not page["pageInfo"]["hasPreviousPage"]
        forwards += ids(page)
        while page["pageInfo"]["hasNextPage"]:
            page = await articles.page(first=size, after=page["pageInfo"]["endCursor"])
            forwards += ids(page)
        assert forwards == expected
        page = await articles.page(last=size)
        assert not page["pageInfo"]["hasNextPage"]
        backwards = ids(page)
        while page["pageInfo"]["hasPreviousPage"]:
            page = await articles.page(last=size, before=page["pageInfo"]["startCursor"])
            backwards = ids(page) + backwards
        assert backwards == expected


@pytest.mark.parametrize("paginator", [ByKey, Backwards, ByTitle])
async def test_every_edge_has_a_cursor_of_its_own(listed: Any, paginator: Any) -> None:
    keys = await in_thread(create, TITLES)
    expected = keys[::-1] if paginator is Backwards else keys
    articles = listed(paginator)
    pages = [await articles.page(first=5)]
    pages.append(await articles.page(first=5, after=pages[0]["pageInfo"]["endCursor"]))
    pages.append(await articles.page(last=5))
    for page, edge in itertools.chain.from_iterable(
        ((page, edge) for edge in page["edges"]) for page in pages
    ):
        at = expected.index(edge["node"]["id"])
        after = await articles.page(first=2, after=edge["cursor"])
        before = await articles.page(last=2, before=edge["cursor"])
        assert ids(after) == expected[at + 1 : at + 3], (page, edge)
        assert ids(before) == expected[max(0, at - 2) : at], (page, edge)


async def test_what_comes_between_pages_is_not_skipped(listed: Any) -> None:
    keys = await in_thread(create, "abcd")
    articles = listed(Backwards)
    page = await articles.page(first=2)
    await in_thread(create, "e")
    page = await articles.page(first=2, after=page["pageInfo"]["endCursor"])
    assert ids(page) == [keys[1], keys[0]]


async def test_page_sizes_have_the_paginators_limit(listed: Any) -> None:
    await in_thread(create, TITLES)
    assert len(ids(await listed(ByKey).page(first=100))) == 5
    assert len(ids(await listed(ByKey).page())) == 3
    page = await listed(Fixed).page(first=100)
    assert len(ids(page)) == 3
    assert page["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"first": 0}, "first"),
        ({"last": -1}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"after": "a", "before": "b"}, "before"),
        ({"first": 1, "before": "b"}, "before"),
        ({"last": 1, "after": "b"}, "after"),
    ],
)
async def test_arguments_that_contradict_each_other_are_refused(
    listed: Any, arguments: Any, field: str
) -> None:
    (error,) = await listed(ByKey).errors(**arguments)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert list(error["extensions"]["fields"]) == [field]


async def test_a_cursor_that_is_none_is_refused_as_natively(listed: Any) -> None:
    (error,) = await listed(ByKey).errors(after="a")
    assert error["extensions"] == {"code": "NOT_FOUND", "status": 404}


async def test_native_clients_get_the_pages_of_drf() -> None:
    keys = await in_thread(create, "abcd")
    async with connected(consumer_of(ByKey)) as client:
        frame = await client.call("list")
        assert list(frame["data"]) == ["next", "previous", "results"]
        cursor = frame["data"]["next"].partition("cursor=")[2]
        frame = await client.call("list", query={"cursor": cursor.replace("%3D", "=")})
    assert [str(row["id"]) for row in frame["data"]["results"]] == keys[3:]


async def test_a_cursor_of_a_native_link_goes_on_in_graphql(listed: Any) -> None:
    keys = await in_thread(create, "abcd")
    async with connected(consumer_of(ByKey)) as client:
        frame = await client.call("list")
    cursor = frame["data"]["next"].partition("cursor=")[2].replace("%3D", "=")
    assert ids(await listed(ByKey).page(after=cursor)) == keys[3:]
