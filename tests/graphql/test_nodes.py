"""Objects that can be asked for by an id alone, by their consumers' rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.execution import Subscribed
from dcrf_graph.graphql.nodes import global_id, parts_of
from dcrf_graph.mixins import RetrieveModelMixin
from dcrf_graph.permissions import IsAuthenticated
from dcrf_graph.routers import Router
from tests.graphql.board import (
    ArticleConsumer,
    AuthorConsumer,
    LabelSerializer,
    NoteConsumer,
    SluggedConsumer,
)
from tests.graphql.test_router import Session
from tests.native.client import SOMEBODY, in_thread
from tests.testapp.models import Article, Author, Label

pytestmark = pytest.mark.django_db(transaction=True)


class LabelConsumer(RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer
    permission_classes = [IsAuthenticated]


def router_of(**options: Any) -> Router:
    router = Router(node=True, **options)
    router.register("articles", ArticleConsumer)
    router.register("authors", AuthorConsumer)
    router.register("labels", LabelConsumer)
    router.register("pages", SluggedConsumer, singular="page")
    router.register("notes", NoteConsumer, node=False)
    return router


@pytest_asyncio.fixture
async def session() -> AsyncIterator[Session]:
    opened = Session(router_of())
    yield opened
    await opened.streams.close()


def create() -> tuple[Article, Label]:
    author = Author.objects.create(name="Ada")
    label = Label.objects.create(name="birds")
    article = Article.objects.create(title="Cranes", author=author)
    article.labels.set([label])
    return article, label


def test_an_id_holds_the_type_and_the_key() -> None:
    assert parts_of(global_id("Card", 7)) == ("Card", "7")
    assert parts_of(global_id("Card", "a:b:ü")) == ("Card", "a:b:ü")
    for value in ("7", "", "a", "Card:7", "ü", global_id("Card", 7) + "=", None):
        assert parts_of(value) is None


def test_types_that_are_found_by_id_are_nodes() -> None:
    sdl = router_of().sdl
    assert "interface Node {\n" in sdl
    for name in ("Article", "Author", "Label"):
        assert f"type {name} implements Node {{" in sdl
    for name in ("Slugged", "Note"):
        assert f"type {name} {{" in sdl
    assert "  node(id: ID!): Node\n" in sdl


def test_nobody_who_does_not_ask_gets_nodes() -> None:
    router = Router()
    router.register("articles", ArticleConsumer)
    assert "Node" not in router.sdl
    router.register("labels", LabelConsumer, node=True)
    assert "type Label implements Node {" in router.sdl
    assert "type Article {" in router.sdl


def test_a_subgraph_has_no_nodes() -> None:
    with pytest.raises(ConfigurationError, match="federation=True"):
        _ = router_of(federation=True).schema


async def test_a_node_is_what_its_consumer_retrieves(session: Session) -> None:
    article, _ = await in_thread(create)
    found = await session.data(
        "query($id: ID!) { article(id: $id) { id labels { id } } }", id=article.pk
    )
    key = global_id("Article", article.pk)
    assert found["article"]["id"] == key
    assert parts_of(found["article"]["labels"][0]["id"])
    query = "query($id: ID!) { node(id: $id) { __typename id ... on Article { title } } }"
    data = await session.data(query, id=key)
    assert data == {"node": {"__typename": "Article", "id": key, "title": "Cranes"}}
    again = await session.data("query($id: ID!) { article(id: $id) { title } }", id=key)
    assert again == {"article": {"title": "Cranes"}}


async def test_a_node_has_its_consumers_permissions(session: Session) -> None:
    _, label = await in_thread(create)
    query = "query($id: ID!) { node(id: $id) { id } }"
    (error,) = await session.errors(query, id=global_id("Label", label.pk))
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    known = Session(router_of())
    known.streams.scope = {**known.streams.scope, "user": SOMEBODY}
    assert await known.data(query, id=global_id("Label", label.pk))
    await known.streams.close()


@pytest.mark.parametrize("value", ["7", "nonsense", global_id("Note", 1), global_id("Node", 1)])
async def test_what_is_no_id_of_a_node_is_refused(session: Session, value: str) -> None:
    (error,) = await session.errors("query($id: ID!) { node(id: $id) { id } }", id=value)
    assert error["extensions"]["fields"] == {"id": ["This is not the id of any node."]}


async def test_a_node_that_is_gone_is_not_found(session: Session) -> None:
    (error,) = await session.errors(
        "query($id: ID!) { node(id: $id) { id } }", id=global_id("Article", 0)
    )
    assert error["extensions"]["code"] == "NOT_FOUND"


async def test_the_id_of_another_type_finds_nothing(session: Session) -> None:
    article, _ = await in_thread(create)
    (error,) = await session.errors(
        "query($id: ID!) { article(id: $id) { id } }", id=global_id("Author", article.pk)
    )
    assert error["extensions"]["code"] == "NOT_FOUND"


async def test_relations_are_written_with_ids_of_their_own_type(session: Session) -> None:
    article, label = await in_thread(create)
    query = "mutation($d: ArticleInput!) { articleCreate(data: $d) { author labels { id } } }"
    author = global_id("Author", article.author_id)
    labels = [global_id("Label", label.pk)]
    data = await session.data(query, d={"title": "a", "author": author, "labelIds": labels})
    assert data == {
        "articleCreate": {"author": str(article.author_id), "labels": [{"id": labels[0]}]}
    }
    native = {"title": "a", "author": str(article.author_id), "labelIds": [str(label.pk)]}
    assert await session.data(query, d=native) == data
    (error,) = await session.errors(query, d={"title": "a", "author": labels[0]})
    assert list(error["extensions"]["fields"]) == ["author"]
    listed = "query($a: ID!) { articles(filter: {author: $a}) { count } }"
    assert await session.data(listed, a=author) == {"articles": {"count": 3}}


async def test_changes_and_deletions_tell_the_id(session: Session) -> None:
    article, _ = await in_thread(create)
    key = global_id("Article", article.pk)
    query = "subscription($id: ID!) { articleChanged(id: $id) { action id data { id } } }"
    outcome = await session.send(query, id=key)
    assert isinstance(outcome, Subscribed), outcome
    event = asyncio.ensure_future(anext(outcome.results))
    patch = 'mutation($id: ID!) { articlePatch(id: $id, data: {title: "b"}) { id } }'
    assert await session.data(patch, id=key) == {"articlePatch": {"id": key}}
    assert (await event)["data"]["articleChanged"] == {
        "action": "UPDATE",
        "id": key,
        "data": {"id": key},
    }
    await outcome.results.aclose()
    deleted = await session.data("mutation($id: ID!) { articleDelete(id: $id) }", id=key)
    assert deleted == {"articleDelete": key}
