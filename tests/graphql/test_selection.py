"""A call is told what its operation selects, and consumers write no more than that."""

from __future__ import annotations

from typing import Any

import pytest
from ariadne import ObjectType

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.schema import derive
from dcrf_graph.mixins import (
    CreateModelMixin,
    PaginatedModelListMixin,
    PatchModelMixin,
    RetrieveModelMixin,
)
from dcrf_graph.routers import Router
from tests.graphql.board import REGISTRATIONS, ArticleSerializer, LimitOffset
from tests.graphql.doubles import Client, reply
from tests.graphql.test_router import Session
from tests.native.client import in_thread
from tests.testapp.models import Article

BOARD = derive(REGISTRATIONS)


async def selected(query: str, derived: Any = BOARD) -> Any:
    client = Client(derived, {"list": reply([]), "retrieve": reply({}), "create": reply({})})
    await client.result(query)
    return client.streams.selections[-1]


@pytest.mark.parametrize(
    ("query", "selection"),
    [
        ("{ article(id: 1) { id } }", {"id": None}),
        ("{ article(id: 1) { ref: id wordCount } }", {"id": None, "word_count": None}),
        ("{ article(id: 1) { __typename } }", {}),
        ("{ articles { results { labels { name } } } }", {"labels": {"name": None}}),
        ("{ articles { count } }", {}),
        ("{ notes { id text } }", {"pk": None, "text": None}),
        (
            "{ article(id: 1) { ...A ... on Article { labels { id } } } } "
            "fragment A on Article { labels { name } title }",
            {"labels": {"name": None, "id": None}, "title": None},
        ),
        (
            "{ article(id: 1) { a: labels { id } b: labels { name } status @skip(if: true) } }",
            {"labels": {"id": None, "name": None}, "status": None},
        ),
        ('mutation { articleCreate(data: {title: "a"}) { title } }', {"title": None}),
    ],
)
async def test_a_selection_is_told_in_native_keys(query: str, selection: Any) -> None:
    assert await selected(query) == selection


async def test_an_object_with_a_resolver_of_the_project_comes_whole() -> None:
    article = ObjectType("Article")
    article.set_field("shout", lambda source, info: source["title"].upper())
    derived = derive(REGISTRATIONS, "extend type Article { shout: String }", [article])
    assert await selected("{ article(id: 1) { id shout } }", derived) is None
    assert await selected("{ article(id: 1) { id } }", derived) == {"id": None}


# -- consumers ------------------------------------------------------------------------------------


class Watched(ArticleSerializer):
    """Notes whose words were counted."""

    counted: list[str] = []

    class Meta(ArticleSerializer.Meta):
        graphql_name = "WatchedArticle"

    def get_word_count(self, article: Article) -> int:
        self.counted.append(article.title)
        return super().get_word_count(article)


class Plain(
    PaginatedModelListMixin,
    CreateModelMixin,
    PatchModelMixin,
    RetrieveModelMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Article.objects.order_by("pk")
    serializer_class = Watched
    pagination_class = LimitOffset


class Looking(Plain):
    """Looks at what its parent answers."""

    queryset = Article.objects.order_by("pk")

    @action(concurrent=True)
    async def retrieve(self, **kwargs: Any) -> Any:
        data, status = await super().retrieve(**kwargs)
        return {**data, "title": f"{data['title']} ({data['word_count']})"}, status


class Telling(Plain):
    """Tells others what it has saved."""

    queryset = Article.objects.order_by("pk")
    told: list[Any] = []

    def perform_patch(self, serializer: Any, **kwargs: Any) -> None:
        serializer.save()
        self.told.append(serializer.data)


class Logging(Plain):
    queryset = Article.objects.order_by("pk")
    sent: list[Any] = []

    async def send_json(self, content: Any, close: bool = False) -> None:
        self.sent.append(content["data"])
        await super().send_json(content, close)


async def answer(consumer: Any, query: str) -> Any:
    Watched.counted.clear()
    article = await in_thread(Article.objects.create, title="Cranes", body="one two")
    router = Router()
    router.register("articles", consumer)
    session = Session(router)
    try:
        return await session.data(query.replace("ID", str(article.pk)))
    finally:
        await session.streams.close()


db = pytest.mark.django_db(transaction=True)
TITLE = "{ article(id: ID) { title } }"


@db
@pytest.mark.parametrize(
    "query",
    [
        TITLE,
        "{ articles { results { title } } }",
        "mutation { articlePatch(id: ID, data: {status: DRAFT}) { title } }",
        'mutation { articleCreate(data: {title: "Cranes"}) { title } }',
    ],
)
async def test_what_is_not_selected_is_not_serialized(query: str) -> None:
    data = await answer(Plain, query)
    assert "Cranes" in str(data)
    assert Watched.counted == []


@db
async def test_an_action_of_the_project_gets_the_whole_object() -> None:
    assert await answer(Looking, TITLE) == {"article": {"title": "Cranes (2)"}}


@db
async def test_what_is_told_to_others_is_the_whole_object() -> None:
    await answer(Telling, 'mutation { articlePatch(id: ID, data: {title: "b"}) { id } }')
    assert Telling.told[0]["word_count"] == 2
    await answer(Logging, TITLE)
    assert Logging.sent[0]["word_count"] == 2
