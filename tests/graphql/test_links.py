"""Links in GraphQL: the related object, asked of its consumer."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser, Group, User

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.execution import Answered
from dcrf_graph.graphql.schema import derive
from dcrf_graph.hypermedia import HyperChannelsApiModelSerializer, HyperChannelsApiRelationField
from dcrf_graph.mixins import (
    CreateModelMixin,
    DeleteModelMixin,
    ListModelMixin,
    PatchModelMixin,
    RetrieveModelMixin,
)
from dcrf_graph.permissions import BasePermission
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.replies import Reply
from dcrf_graph.routers import Router
from dcrf_graph.streams import Streams
from tests.graphql.board import LabelSerializer, Registered
from tests.graphql.doubles import KINDS, Client, definition_of, reply, schema_of
from tests.queries import counted
from tests.testapp.models import Article, Author, Label

pytestmark = pytest.mark.django_db(transaction=True)


class NotTheSecret(BasePermission):
    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return True

    async def has_object_permission(
        self, scope: Any, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        return bool(obj.name != "secret")


class AuthorSerializer(HyperChannelsApiModelSerializer):
    articles = HyperChannelsApiRelationField(many=True, read_only=True)

    class Meta:
        model = Author
        fields = ["@id", "id", "name", "articles"]


class ArticleSerializer(HyperChannelsApiModelSerializer):
    reviewer = HyperChannelsApiRelationField(source="author", read_only=True)

    class Meta:
        model = Article
        fields = ["@id", "id", "title", "author", "reviewer", "labels"]


class AuthorConsumer(RetrieveModelMixin, PatchModelMixin, GenericAsyncAPIConsumer):
    queryset = Author.objects.all()
    serializer_class: Any = AuthorSerializer
    permission_classes = (NotTheSecret,)


class ArticleConsumer(
    ListModelMixin, RetrieveModelMixin, CreateModelMixin, DeleteModelMixin, GenericAsyncAPIConsumer
):
    queryset = Article.objects.order_by("pk")
    serializer_class: Any = ArticleSerializer


class LabelConsumer(RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer
    permission_classes = (NotTheSecret,)


def router() -> Router:
    made = Router()
    made.register("authors", AuthorConsumer)
    made.register("articles", ArticleConsumer)
    made.register("labels", LabelConsumer)
    return made


class Counted:
    """Streams that count what they are asked."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.calls: list[str] = []

    async def call(
        self, stream: str, action: str, arguments: Mapping[str, Any], *rest: Any
    ) -> Reply:
        self.calls.append(f"{stream}.{action}")
        return await self.streams.call(stream, action, arguments, *rest)


class Session:
    """One client's connection to the router, without a socket."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.user = AnonymousUser()
        self.streams = Counted(self.router.streams({"type": "websocket", "user": self.user}))

    async def result(self, query: str) -> dict[str, Any]:
        context: dict[str, Any] = {
            "request": None,
            "scope": {},
            "user": self.user,
            "streams": self.streams,
        }
        request = OperationRequest(query, None, {})
        outcome = await self.router.executor.execute(request, context, KINDS)
        assert isinstance(outcome, Answered), outcome
        return outcome.result

    async def data(self, query: str) -> Any:
        result = await self.result(query)
        assert "errors" not in result, result
        return result["data"]


@pytest_asyncio.fixture
async def session() -> AsyncIterator[Session]:
    session = Session(router())
    yield session
    await session.streams.streams.close()


@database_sync_to_async
def create_articles(author: str, *labels: str, number: int = 1) -> None:
    writer = Author.objects.create(name=author)
    rows = [Label.objects.create(name=label) for label in labels]
    for each in range(number):
        Article.objects.create(title=str(each), author=writer).labels.add(*rows)


def test_a_link_has_the_type_that_it_leads_to_and_takes_a_key() -> None:
    sdl = router().derived
    fields = definition_of(sdl, "Article")
    for field in ("self: Article", "author: Author", "reviewer: Author", "labels: [Label]!"):
        assert f"  {field}\n" in fields
    assert "  author: ID\n" in definition_of(sdl, "ArticleInput")
    assert "  labels: [ID!]\n" in definition_of(sdl, "ArticleInput")
    assert "  articles: [Article]!\n" in definition_of(sdl, "Author")


async def test_links_are_followed_to_the_objects(session: Session) -> None:
    await create_articles("Ada", "birds", "trees")
    data = await session.data(
        "{ articles { self { title } author { name articles { title } } labels { name } } }"
    )
    assert data["articles"] == [
        {
            "self": {"title": "0"},
            "author": {"name": "Ada", "articles": [{"title": "0"}]},
            "labels": [{"name": "birds"}, {"name": "trees"}],
        }
    ]


async def test_links_to_one_object_share_a_call(session: Session) -> None:
    await create_articles("Ada", number=5)
    await session.data("{ articles { author { name } reviewer { id } } }")
    assert session.streams.calls == ["articles.list", "authors.retrieve"]


async def test_links_that_are_not_selected_are_not_followed(session: Session) -> None:
    await create_articles("Ada", "birds")
    await session.data("{ articles { title } }")
    assert session.streams.calls == ["articles.list"]


async def test_a_refused_link_is_null_with_an_error_at_its_place(session: Session) -> None:
    await create_articles("secret", "birds", "secret")
    result = await session.result("{ articles { title author { name } labels { name } } }")
    article = result["data"]["articles"][0]
    assert article == {"title": "0", "author": None, "labels": [{"name": "birds"}, None]}
    found = {tuple(each["path"]): each["extensions"]["status"] for each in result["errors"]}
    assert found == {("articles", 0, "author"): 403, ("articles", 0, "labels", 1): 403}


@pytest.mark.parametrize("number", [2, 50])
async def test_links_of_many_objects_find_their_rows_together(
    session: Session, number: int
) -> None:
    """A call for each; the articles and whom they name, the authors and what these name."""

    @database_sync_to_async
    def create() -> None:
        for each in range(number):
            author = Author.objects.create(name=f"{each}")
            Article.objects.create(title=f"{each}", author=author)

    await create()
    with counted() as queries:
        data = await session.data("{ articles { title author { name } } }")
    assert [each["author"]["name"] for each in data["articles"]] == [
        each["title"] for each in data["articles"]
    ]
    assert session.streams.calls.count("authors.retrieve") == number
    assert len(queries) == 3, str(queries)


async def test_a_mutation_does_not_answer_with_what_was_before_it(session: Session) -> None:
    await create_articles("Ada")
    author = await database_sync_to_async(Author.objects.get)()
    rename = "authorPatch(id: %d, data: {name: %s}) { self { name } }"
    first, second = rename % (author.pk, '"Bea"'), rename % (author.pk, '"Cleo"')
    data = await session.data(f"mutation {{ a: {first} b: {second} }}")
    assert data == {"a": {"self": {"name": "Bea"}}, "b": {"self": {"name": "Cleo"}}}


async def test_an_operation_follows_a_bounded_number_of_links(
    session: Session, settings: Any
) -> None:
    await create_articles("Ada", "a", "b")
    query = "{ articles { author { name } self { labels { name } } } }"
    settings.DCRF_GRAPH = {"GRAPHQL_MAX_LINKS": 4}
    assert "errors" not in await session.result(query)
    settings.DCRF_GRAPH = {"GRAPHQL_MAX_LINKS": 3}
    result = await session.result(query)
    assert result["data"]["articles"][0]["author"] == {"name": "Ada"}
    (error,) = result["errors"]
    assert error["path"] == ["articles", 0, "self", "labels"]
    assert "more than 3 links" in error["message"]


def test_what_a_link_changes_nobody_follows() -> None:
    """A link to an action that is no query stays JSON, and is told."""

    class Serializer(HyperChannelsApiModelSerializer):
        class Meta:
            model = Article
            fields = ["@id", "title"]
            extra_kwargs = {"@id": {"action_name": "archive"}}

    class Consumer(ArticleConsumer):
        serializer_class = Serializer

        @action(output=LabelSerializer)
        def archive(self, pk: int, **kwargs: Any) -> Any:
            return {}

    derived = schema_of(Consumer)
    assert "  self: JSON\n" in derived.sdl
    assert "dcrf_graph.W013" in [problem.id for problem in derived.problems]


def test_a_link_to_a_model_without_a_consumer_is_told() -> None:
    derived = schema_of(ArticleConsumer)
    assert "  author: JSON\n" in derived.sdl
    assert "  labels: [JSON]!\n" in derived.sdl
    places = [p.breadcrumb for p in derived.problems if p.id == "dcrf_graph.W013"]
    assert "ArticleConsumer > ArticleSerializer > author" in places


async def test_a_link_may_lead_to_a_query_of_ones_own() -> None:
    class Serializer(HyperChannelsApiModelSerializer):
        class Meta:
            model = Article
            fields = ["id", "author"]
            extra_kwargs = {
                "author": {"action_name": "colleagues", "kwarg_mappings": {"name": "name"}}
            }

    class People(AuthorConsumer):
        @action(kind="query", output=list[AuthorSerializer])
        def colleagues(self, name: str, **kwargs: Any) -> Any:
            return []

    class Consumer(ArticleConsumer):
        serializer_class = Serializer

    derived = derive([Registered("papers", Consumer, "paper"), Registered("people", People, "man")])
    payload = {"action": "colleagues", "name": "Ada"}
    paper = {"id": 1, "author": {"stream": "people", "payload": payload}}
    client = Client(derived, {"retrieve": reply(paper), "colleagues": reply([{"name": "Bea"}])})
    result = await client.result("{ paper(id: 1) { author { name } } }")
    assert result == {"data": {"paper": {"author": [{"name": "Bea"}]}}}
    assert client.streams.calls[1] == ("people", "colleagues", {"name": "Ada"})


def blocks(kind: str) -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "hypermedia.md").read_text()
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


async def test_the_page_about_links_says_what_happens() -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks("python"):
        exec(block, names)

    @database_sync_to_async
    def create() -> None:
        user = User.objects.create(pk=1, username="ada")
        user.groups.add(Group.objects.create(pk=3, name="birds"))

    await create()
    session = Session(names["router"])
    native = await session.streams.call("users", "retrieve", {"pk": 1})
    result = await session.result(*blocks("graphql"))
    await session.streams.streams.close()
    assert [native.data, result] == [json.loads(block) for block in blocks("json")]
    named = names["SessionSerializer"](SimpleNamespace(user=User(username="ada"))).data
    assert named["user"]["payload"] == {"action": "by_name", "username": "ada"}
