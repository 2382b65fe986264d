"""The whole way: a registered consumer, its rows, its changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser

from dcrf_graph.graphql.execution import Answered, Rejected, Subscribed
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.routers import Router
from dcrf_graph.streams import Streams
from tests.graphql.board import ArticleConsumer, AuthorConsumer, NoteConsumer, SluggedConsumer
from tests.graphql.doubles import KINDS
from tests.testapp.models import Article, Author, Label, Slugged

pytestmark = pytest.mark.django_db(transaction=True)


class Session:
    """One client's connection to a router, without a socket."""

    def __init__(self, router: Router) -> None:
        scope = {
            "type": "websocket",
            "user": AnonymousUser(),
            "headers": [(b"host", b"testserver")],
        }
        self.router = router
        self.streams: Streams = router.streams(scope)
        self.context = {
            "request": None,
            "scope": scope,
            "user": scope["user"],
            "streams": self.streams,
        }

    async def send(self, query: str, **variables: Any) -> Any:
        request = OperationRequest(query, None, variables)
        return await self.router.executor.execute(request, dict(self.context), KINDS)

    async def data(self, query: str, **variables: Any) -> Any:
        outcome = await self.send(query, **variables)
        assert isinstance(outcome, Answered), outcome
        assert "errors" not in outcome.result, outcome.result
        return outcome.result["data"]

    async def errors(self, query: str, **variables: Any) -> Any:
        outcome = await self.send(query, **variables)
        if isinstance(outcome, Rejected):
            return outcome.errors
        assert isinstance(outcome, Answered), outcome
        return outcome.result["errors"]


@pytest_asyncio.fixture
async def session() -> AsyncIterator[Session]:
    router = Router()
    router.register("articles", ArticleConsumer)
    router.register("authors", AuthorConsumer)
    router.register("pages", SluggedConsumer, singular="page")
    router.register("notes", NoteConsumer)
    session = Session(router)
    yield session
    await session.streams.close()


create_author = database_sync_to_async(Author.objects.create)
create_label = database_sync_to_async(Label.objects.create)


async def test_an_article_lives_from_create_to_delete(session: Session) -> None:
    author = await create_author(name="Ada")
    label = await create_label(name="birds")
    created = await session.data(
        """mutation($d: ArticleInput!) { articleCreate(data: $d) {
            id title status author estimate due wordCount labels { name } } }""",
        d={
            "title": "Cranes",
            "body": "one two",
            "status": "IN_REVIEW",
            "author": author.pk,
            "estimate": "2.5",
            "due": "2026-11-22",
            "labelIds": [label.pk],
        },
    )
    article = created["articleCreate"]
    assert article == {
        "id": article["id"],
        "title": "Cranes",
        "status": "IN_REVIEW",
        "author": str(author.pk),
        "estimate": "2.50",
        "due": "2026-11-22",
        "wordCount": 2,
        "labels": [{"name": "birds"}],
    }
    patched = await session.data(
        "mutation($id: ID!) { articlePatch(id: $id, data: {due: null}) { due estimate } }",
        id=article["id"],
    )
    assert patched["articlePatch"] == {"due": None, "estimate": "2.50"}
    deleted = await session.data("mutation($id: ID!) { articleDelete(id: $id) }", id=article["id"])
    assert deleted == {"articleDelete": article["id"]}
    (error,) = await session.errors("query($id: ID!) { article(id: $id) { id } }", id=article["id"])
    assert error["extensions"] == {"code": "NOT_FOUND", "status": 404}


async def test_a_list_is_filtered_sorted_searched_and_paged(session: Session) -> None:
    for title, status in (("b", "draft"), ("a", "draft"), ("c", "published"), ("d", "in-review")):
        await database_sync_to_async(Article.objects.create)(title=title, status=status)
    data = await session.data(
        """{ articles(limit: 2, filter: {statusIn: [DRAFT, PUBLISHED]}, ordering: [TITLE_DESC]) {
            count limit offset results { title } }
          found: articles(search: "d") { results { title } } }"""
    )
    assert data["articles"] == {
        "count": 3,
        "limit": 2,
        "offset": 0,
        "results": [{"title": "c"}, {"title": "b"}],
    }
    assert data["found"] == {"results": [{"title": "d"}]}


async def test_pages_by_number_have_their_links(session: Session) -> None:
    for number in range(3):
        await database_sync_to_async(Slugged.objects.create)(slug=f"s{number}", title="x")
    data = await session.data(
        """{ pages(page: 2, pageSize: 1) { count next previous results { slug } }
            page(slug: "s1") { title } }"""
    )
    assert data["pages"]["count"] == 3
    assert [row["slug"] for row in data["pages"]["results"]] == ["s1"]
    assert "page=3" in data["pages"]["next"]
    assert data["page"] == {"title": "x"}


async def test_what_a_serializer_refuses_has_the_names_of_the_input(session: Session) -> None:
    (error,) = await session.errors(
        'mutation { articleCreate(data: {title: "", labelIds: [99]}) { id } }'
    )
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert set(error["extensions"]["fields"]) == {"title", "labelIds"}


async def test_changes_of_one_row_are_heard(session: Session) -> None:
    article = await database_sync_to_async(Article.objects.create)(title="before")
    outcome = await session.send(
        "subscription($id: ID!) { articleChanged(id: $id) { action id data { title } } }",
        id=article.pk,
    )
    assert isinstance(outcome, Subscribed)
    article.title = "after"
    await database_sync_to_async(article.save)()
    key = str(article.pk)
    assert await asyncio.wait_for(anext(outcome.results), 10) == {
        "data": {"articleChanged": {"action": "UPDATE", "id": key, "data": {"title": "after"}}}
    }
    await database_sync_to_async(article.delete)()
    assert await asyncio.wait_for(anext(outcome.results), 10) == {
        "data": {"articleChanged": {"action": "DELETE", "id": key, "data": None}}
    }
    await outcome.results.aclose()


async def test_a_group_hears_of_its_own_rows(session: Session) -> None:
    ada, bob = await create_author(name="Ada"), await create_author(name="Bob")
    outcome = await session.send(
        "subscription($a: Int!) { articleActivity(author: $a) { action data { title author } } }",
        a=ada.pk,
    )
    assert isinstance(outcome, Subscribed)
    for author in (bob, ada):
        await database_sync_to_async(Article.objects.create)(title=author.name, author=author)
    assert await asyncio.wait_for(anext(outcome.results), 10) == {
        "data": {
            "articleActivity": {
                "action": "CREATE",
                "data": {"title": "Ada", "author": str(ada.pk)},
            }
        }
    }
    await outcome.results.aclose()


async def test_subscribing_to_what_is_not_there_is_rejected(session: Session) -> None:
    (error,) = await session.errors("subscription { articleChanged(id: 99) { id } }")
    assert error["extensions"] == {"code": "NOT_FOUND", "status": 404}


async def test_a_streamed_list_comes_page_by_page(session: Session) -> None:
    for name in ("a", "b", "c"):
        await create_author(name=name)
    outcome = await session.send(
        "subscription { authorsPages(limit: 2) { count offset results { name } } }"
    )
    assert isinstance(outcome, Subscribed)
    pages = [result["data"]["authorsPages"] async for result in outcome.results]
    assert [(page["offset"], len(page["results"])) for page in pages] == [(0, 2), (2, 1)]
