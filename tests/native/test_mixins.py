"""The actions of a model, and what an app may change about them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import (
    CreateModelMixin,
    DeleteModelMixin,
    ListModelMixin,
    PaginatedModelListMixin,
    PatchModelMixin,
    RetrieveModelMixin,
    StreamedPaginatedListMixin,
    UpdateModelMixin,
)
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.permissions import IsAuthenticated
from tests.native.client import connected, in_thread
from tests.native.serializers import ArticleSerializer, NoteSerializer
from tests.testapp.models import Article, Author, Label, Note

pytestmark = pytest.mark.django_db(transaction=True)


class Notes(
    ListModelMixin,
    RetrieveModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer


class Pages(PaginatedModelListMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer
    pagination_class = WebsocketLimitOffsetPagination


class Streamed(StreamedPaginatedListMixin, Pages): ...


async def notes(*texts: str) -> list[Any]:
    def create() -> list[Any]:
        return [Note.objects.create(text=text) for text in texts]

    return await in_thread(create)


# -- list, retrieve, create, update, patch, delete ---------------------------------------


async def test_create_answers_the_new_row_with_201() -> None:
    async with connected(Notes) as client:
        frame = await client.call("create", request_id=7, data={"text": "a"})
    row = await in_thread(Note.objects.get)
    assert frame == {
        "errors": [],
        "data": {"id": row.pk, "text": "a"},
        "action": "create",
        "response_status": 201,
        "request_id": 7,
    }


async def test_list_answers_every_row() -> None:
    first, second = await notes("a", "b")
    async with connected(Notes) as client:
        frame = await client.call("list")
    assert frame["data"] == [{"id": first.pk, "text": "a"}, {"id": second.pk, "text": "b"}]


async def test_update_replaces_a_row_and_patch_some_of_it() -> None:
    row = await in_thread(Article.objects.create, title="old", status="published")

    class Articles(UpdateModelMixin, PatchModelMixin, GenericAsyncAPIConsumer):
        queryset = Article.objects.all()
        serializer_class = ArticleSerializer

    async with connected(Articles) as client:
        frame = await client.call("update", pk=row.pk, data={"status": "draft"})
        assert frame["errors"] == [{"title": ["This field is required."]}]
        frame = await client.call("patch", pk=row.pk, data={"status": "draft"})
        assert (frame["data"]["title"], frame["data"]["status"]) == ("old", "draft")
        frame = await client.call("update", pk=row.pk, data={"title": "new"})
        assert frame["data"]["title"] == "new"


async def test_delete_answers_204_and_the_row_is_gone() -> None:
    (row,) = await notes("a")
    async with connected(Notes) as client:
        frame = await client.call("delete", pk=row.pk)
        assert (frame["response_status"], frame["data"]) == (204, None)
        assert (await client.call("delete", pk=row.pk))["response_status"] == 404
    assert not await in_thread(Note.objects.exists)


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ({}, {"text": ["This field is required."]}),
        ({"text": "x" * 201}, {"text": ["Ensure this field has no more than 200 characters."]}),
        (None, {"non_field_errors": ["No data provided"]}),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        ("x", {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
    ],
)
async def test_data_that_the_serializer_refuses_is_answered_by_field(
    data: Any, errors: Any
) -> None:
    (row,) = await notes("a")
    async with connected(Notes) as client:
        for name in ("create", "update"):
            frame = await client.call(name, pk=row.pk, data=data)
            assert (frame["response_status"], frame["errors"]) == (400, [errors])
    assert await in_thread(Note.objects.count) == 1


@pytest.mark.parametrize("name", ["create", "update", "patch"])
async def test_missing_data_is_a_missing_argument(name: str) -> None:
    async with connected(Notes) as client:
        frame = await client.call(name, pk=1)
    assert (frame["response_status"], frame["errors"]) == (
        400,
        [{"data": ["This field is required."]}],
    )


async def test_an_app_may_save_and_delete_its_own_way() -> None:
    seen: list[Any] = []

    class Own(Notes):
        def perform_create(self, serializer: Any, **kwargs: Any) -> None:
            seen.append(("create", kwargs["action"], kwargs["request_id"]))
            serializer.save(text="created")

        def perform_update(self, serializer: Any, **kwargs: Any) -> None:
            seen.append(("update", kwargs["pk"]))
            serializer.save(text="updated")

        def perform_patch(self, serializer: Any, **kwargs: Any) -> None:
            seen.append(("patch", kwargs["pk"]))
            serializer.save(text="patched")

        def perform_delete(self, instance: Any, **kwargs: Any) -> None:
            seen.append(("delete", instance.text))

    async with connected(Own) as client:
        row = (await client.call("create", request_id=7, data={"text": "a"}))["data"]
        assert row["text"] == "created"
        for name, text in (("update", "updated"), ("patch", "patched")):
            frame = await client.call(name, pk=row["id"], data={"text": "a"})
            assert frame["data"]["text"] == text
        await client.call("delete", pk=row["id"])
    assert seen == [
        ("create", "create", 7),
        ("update", row["id"]),
        ("patch", row["id"]),
        ("delete", "patched"),
    ]
    assert await in_thread(Note.objects.exists)


async def test_what_was_prefetched_is_read_again_after_a_change() -> None:
    class Labelled(ArticleSerializer):
        class Meta(ArticleSerializer.Meta):
            fields = ["id", "labels"]

    class Articles(PatchModelMixin, GenericAsyncAPIConsumer):
        queryset = Article.objects.prefetch_related("labels")
        serializer_class = Labelled

    label = await in_thread(Label.objects.create, name="red")
    row = await in_thread(Article.objects.create, title="a")
    async with connected(Articles) as client:
        frame = await client.call("patch", pk=row.pk, data={"labels": [label.pk]})
    assert frame["data"]["labels"] == [label.pk]


async def test_an_unsent_foreign_key_is_kept() -> None:
    class Articles(PatchModelMixin, GenericAsyncAPIConsumer):
        queryset = Article.objects.all()
        serializer_class = ArticleSerializer

    author = await in_thread(Author.objects.create, name="a")
    row = await in_thread(Article.objects.create, title="a", author=author)
    async with connected(Articles) as client:
        frame = await client.call("patch", pk=row.pk, data={"title": "b"})
        assert frame["data"]["author"] == author.pk
        frame = await client.call("patch", pk=row.pk, data={"author": None})
        assert frame["data"]["author"] is None


# -- pages --------------------------------------------------------------------------------


async def test_three_lists_at_once_answer_each_with_its_own_page() -> None:
    """Each waits until all three have their page, so all three are under way together."""
    barrier = threading.Barrier(3, timeout=10)

    class Meets(Pages):
        def paginate_queryset(self, queryset: Any, **kwargs: Any) -> Any:
            page = super().paginate_queryset(queryset, **kwargs)
            barrier.wait()
            return page

    await notes(*"abcdef")
    async with connected(Meets) as client:
        for limit, offset in ((1, 0), (2, 1), (3, 2)):
            await client.send("list", request_id=limit, limit=limit, offset=offset)
        frames = {frame["request_id"]: frame["data"] for frame in await client.frames(3)}
    for limit, offset in ((1, 0), (2, 1), (3, 2)):
        page = frames[limit]
        assert (page["limit"], page["offset"], page["count"]) == (limit, offset, 6)
        assert [row["text"] for row in page["results"]] == list("abcdef")[offset : offset + limit]


async def test_the_paginated_list_leaves_the_permissions_of_a_secured_base_alone() -> None:
    class Secured(GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer
        permission_classes = [IsAuthenticated]

    class Lists(PaginatedModelListMixin, Secured): ...

    class Streams(StreamedPaginatedListMixin, Secured): ...

    for consumer in (Lists, Streams):
        async with connected(consumer) as client:
            assert (await client.call("list"))["response_status"] == 403


async def test_without_a_paginator_every_row_is_listed() -> None:
    class Bare(Pages):
        pagination_class = None  # type: ignore[assignment]

    await notes("a", "b")
    async with connected(Bare) as client:
        assert [row["text"] for row in (await client.call("list"))["data"]] == ["a", "b"]


async def test_an_action_may_ask_for_the_pages_of_other_rows() -> None:
    class Odd(Pages):
        def get_queryset(self, **kwargs: Any) -> Any:
            return super().get_queryset(**kwargs).filter(text__in=kwargs.get("texts", []))

    await notes("a", "b", "c")
    async with connected(Odd) as client:
        data = (await client.call("list", texts=["a", "c"], limit=1, offset=1))["data"]
    assert (data["count"], data["results"][0]["text"]) == (2, "c")


# -- streamed pages -------------------------------------------------------------------------


async def test_a_streamed_list_sends_page_after_page_under_one_request_id() -> None:
    await notes(*"abcde")
    async with connected(Streamed) as client:
        await client.send("list", request_id=7, limit=2)
        frames = await client.rest()
    pages = [[row["text"] for row in frame["data"]["results"]] for frame in frames]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert {frame["request_id"] for frame in frames} == {7}
    assert [frame["data"]["offset"] for frame in frames] == [0, 2, 4]


async def test_a_streamed_list_of_nothing_is_one_page() -> None:
    async with connected(Streamed) as client:
        await client.send("list", request_id=7, limit=2)
        (frame,) = await client.rest()
    assert frame["data"]["results"] == []


async def test_a_streamed_list_begins_where_it_is_told_to() -> None:
    await notes(*"abcd")
    async with connected(Streamed) as client:
        await client.send("list", request_id=7, limit=1, offset=2)
        frames = await client.rest()
    assert [frame["data"]["results"][0]["text"] for frame in frames] == ["c", "d"]


class Holds(Streamed):
    """A streamed list whose second page waits until the test lets it pass."""

    def __init__(self) -> None:
        super().__init__()
        self.proceed = threading.Event()

    def paginate_queryset(self, queryset: Any, **kwargs: Any) -> Any:
        if kwargs.get("offset"):
            self.proceed.wait(10)
        return super().paginate_queryset(queryset, **kwargs)


async def test_a_streamed_list_is_cancelled_by_its_request_id() -> None:
    await notes(*"abcd")
    async with connected(Holds) as client:
        await client.send("list", request_id=7, limit=1)
        await client.frame()
        assert (await client.call("list_cancel", request_id=8))["response_status"] == 404
        frame = await client.call("list_cancel", request_id=7)
        assert (frame["response_status"], frame["action"]) == (204, "list_cancel")
        client.consumer.proceed.set()
        assert await client.silent()
        assert client.consumer.detached_tasks == []
        assert (await client.call("list_cancel", request_id=7))["response_status"] == 404


async def test_a_streamed_list_does_not_make_other_calls_wait() -> None:
    class Mixed(Holds, RetrieveModelMixin): ...

    rows = await notes("a", "b")
    async with connected(Mixed) as client:
        await client.send("list", request_id=7, limit=1)
        await client.frame()
        frame = await client.call("retrieve", request_id=8, pk=rows[0].pk)
        assert frame["data"]["text"] == "a"
        client.consumer.proceed.set()
        assert (await client.frame())["request_id"] == 7


async def test_a_streamed_list_whose_page_fails_ends_with_one_error() -> None:
    class Breaks(Streamed):
        def paginate_queryset(self, queryset: Any, **kwargs: Any) -> Any:
            if kwargs.get("offset"):
                raise ValueError("no second page")
            return super().paginate_queryset(queryset, **kwargs)

    await notes("a", "b", "c")
    async with connected(Breaks) as client:
        await client.send("list", request_id=7, limit=1)
        first, error = await client.rest()
    assert first["response_status"] == 200
    assert (error["response_status"], error["request_id"]) == (500, 7)


async def test_a_list_may_come_from_a_manager_or_from_what_is_read_only_once() -> None:
    class OfManager(ListModelMixin, GenericAsyncAPIConsumer):
        serializer_class = NoteSerializer

        def get_queryset(self, **kwargs: Any) -> Any:
            return Note.objects

    class OfGenerator(OfManager):
        def get_queryset(self, **kwargs: Any) -> Any:
            return (note for note in Note.objects.all())

    await in_thread(Note.objects.create, text="a")
    for consumer in (OfManager, OfGenerator):
        async with connected(consumer) as client:
            assert [row["text"] for row in (await client.call("list"))["data"]] == ["a"]
