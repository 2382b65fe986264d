"""Pages: upstream's paginator by arguments of the call, DRF's own by the frame's query."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.filters import SearchFilter
from rest_framework.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
)

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import PaginatedModelListMixin, StreamedPaginatedListMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination, positive_int
from dcrf_graph.routers import Router
from tests.native.client import connected, in_thread
from tests.native.serializers import NoteSerializer
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def paged(paginator: Any) -> type[GenericAsyncAPIConsumer]:
    class Paged(PaginatedModelListMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.order_by("pk")
        serializer_class = NoteSerializer
        pagination_class = paginator

    return Paged


async def listing(paginator: Any, *, texts: str = "abcde", **arguments: Any) -> Any:
    """The data of a list over these rows."""

    def create() -> None:
        Note.objects.bulk_create(Note(text=text) for text in texts)

    await in_thread(create)
    async with connected(paged(paginator)) as client:
        frame = await client.call("list", **arguments)
    assert frame["response_status"] == 200, frame
    return frame["data"]


def texts_of(page: Any) -> str:
    return "".join(row["text"] for row in page["results"])


class Small(WebsocketLimitOffsetPagination):
    default_limit = 2
    max_limit = 3


@pytest.mark.parametrize(
    ("arguments", "texts", "limit", "offset"),
    [
        ({}, "ab", 2, 0),
        ({"limit": 1}, "a", 1, 0),
        ({"limit": 3, "offset": 1}, "bcd", 3, 1),
        ({"limit": 100}, "abc", 3, 0),
        ({"limit": 10**30, "offset": 3}, "de", 3, 3),
        ({"limit": "2", "offset": "4"}, "e", 2, 4),
        ({"offset": 5}, "", 2, 5),
        ({"offset": 10**30}, "", 2, 10**30),
        # What is no number is as if it had not been sent.
        ({"limit": 0}, "ab", 2, 0),
        ({"limit": -1, "offset": -1}, "ab", 2, 0),
        ({"limit": "many", "offset": "far"}, "ab", 2, 0),
        ({"limit": [], "offset": {}}, "ab", 2, 0),
        ({"limit": None, "offset": None}, "ab", 2, 0),
    ],
)
async def test_a_page_is_cut_by_limit_and_offset(
    arguments: dict[str, Any], texts: str, limit: int, offset: int
) -> None:
    page = await listing(Small, **arguments)
    assert list(page) == ["count", "results", "limit", "offset"]
    assert (texts_of(page), page["limit"], page["offset"]) == (texts, limit, offset)
    assert page["count"] == 5


async def test_a_limit_beyond_what_a_database_counts_is_every_row() -> None:
    page = await listing(WebsocketLimitOffsetPagination, limit=10**30)
    assert texts_of(page) == "abcde"


async def test_without_any_limit_the_whole_list_is_answered() -> None:
    assert len(await listing(WebsocketLimitOffsetPagination)) == 5


async def test_an_empty_list_has_a_page() -> None:
    page = await listing(Small, texts="")
    assert page == {"count": 0, "results": [], "limit": 2, "offset": 0}


async def test_drfs_pages_by_number_work() -> None:
    class Numbered(PageNumberPagination):
        page_size = 2

    page = await listing(Numbered, query={"page": 2})
    assert (texts_of(page), page["count"]) == ("cd", 5)
    assert page["next"] == "http://testserver/socket/?page=3"
    assert page["previous"] == "http://testserver/socket/"


async def test_a_page_that_does_not_exist_is_answered_with_404() -> None:
    class Numbered(PageNumberPagination):
        page_size = 2

    async with connected(paged(Numbered)) as client:
        frame = await client.call("list", query={"page": 7})
    assert (frame["response_status"], frame["errors"]) == (404, ["Invalid page."])


async def test_drfs_cursors_work() -> None:
    class Cursor(CursorPagination):
        page_size = 2
        ordering = "pk"

    page = await listing(Cursor)
    assert texts_of(page) == "ab"
    cursor = page["next"].partition("cursor=")[2].replace("%3D", "=")
    async with connected(paged(Cursor)) as client:
        page = (await client.call("list", query={"cursor": cursor}))["data"]
        assert texts_of(page) == "cd"
        assert page["previous"]


class ByNumber(PageNumberPagination):
    page_size = 3
    page_size_query_param = "size"


class ByOffset(LimitOffsetPagination):
    default_limit = 2


class ByCursor(CursorPagination):
    page_size = 2
    ordering = "pk"


@pytest.mark.parametrize(
    ("paginator", "query", "pages"),
    [
        (ByNumber, {}, ["abc", "de"]),
        (ByNumber, {"size": "2", "page": "2"}, ["cd", "e"]),
        (ByOffset, {}, ["ab", "cd", "e"]),
        (ByOffset, {"limit": "4"}, ["abcd", "e"]),
        (ByCursor, {}, ["ab", "cd", "e"]),
        (Small, {}, ["ab", "cd", "e"]),
    ],
)
async def test_a_streamed_list_sends_every_page(
    paginator: Any, query: dict[str, str], pages: list[str]
) -> None:
    """Whoever makes the pages, and what else was asked stays asked."""

    class Streamed(StreamedPaginatedListMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.order_by("pk")
        serializer_class = NoteSerializer
        pagination_class = paginator
        filter_backends = [SearchFilter]
        search_fields = ["text"]

    def create() -> None:
        Note.objects.bulk_create(Note(text=text) for text in ["ay", "by", "cy", "dy", "ey", "z"])

    await in_thread(create)
    async with connected(Streamed) as client:
        await client.send("list", 1, query={**query, "search": "y"})
        frames = [await client.frame() for _ in pages]
    assert [texts_of(frame["data"]).replace("y", "") for frame in frames] == pages
    assert await pages_in_graphql(Streamed, {**query, "search": "y"}) == pages


async def pages_in_graphql(consumer: Any, query: dict[str, str]) -> list[str]:
    """What a subscription brings until it ends."""
    router = Router()
    router.register("notes", consumer)
    streams = router.streams({"type": "websocket", "user": AnonymousUser(), "headers": []})
    replies = [page async for page in streams.pages("notes", "list", {"query": query})]
    await streams.close()
    return [texts_of(page.data).replace("y", "") for page in replies]


async def test_a_paginator_is_made_for_each_call() -> None:
    made: list[Any] = []

    class Counted(Small):
        def __init__(self) -> None:
            made.append(self)

    async with connected(paged(Counted)) as client:
        for _ in range(3):
            await client.call("list")
    assert len(made) == len(set(made)) == 3


@pytest.mark.parametrize(
    ("value", "strict", "number"), [(0, False, 0), ("7", False, 7), (7, True, 7), (9, True, 8)]
)
def test_a_positive_number_is_cut_off(value: Any, strict: bool, number: int) -> None:
    assert positive_int(value, strict=strict, cutoff=8) == number


@pytest.mark.parametrize(("value", "strict"), [(-1, False), (0, True), ("x", False)])
def test_what_is_not_positive_is_refused(value: Any, strict: bool) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is Python's own where it is no number
        positive_int(value, strict=strict)
