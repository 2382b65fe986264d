"""Who hears of a deletion: with the row may have gone what said who may see it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from rest_framework import serializers

from dcrf_graph.changes.change import Action, Event
from dcrf_graph.changes.hub import hub
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import ObservedQuerySet, model_observer
from dcrf_graph.permissions import BasePermission
from tests.limits import world
from tests.limits.clients import NATIVE, SOCKETS
from tests.limits.table import Stage
from tests.native.client import in_thread
from tests.testapp.models import Article, Author
from tests.transports.desk import Gate
from tests.transports.sockets import soon

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("articles", "nothing_left"),
]


class ByLookup(BasePermission):
    """Says no where it finds nothing."""

    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return True

    def has_object_permission(  # type: ignore[override]
        self, scope: Any, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        return Author.objects.filter(pk=obj.author_id, name="friend").exists()


class ByRelation(ByLookup):
    """Raises where there is nothing."""

    def has_object_permission(  # type: ignore[override]
        self, scope: Any, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        return bool(Author.objects.get(pk=obj.author_id).name == "friend")


class ArticleSerializer(serializers.ModelSerializer[Article]):
    class Meta:
        model = Article
        fields = ["id", "title"]


class ArticleConsumer(GenericAsyncAPIConsumer):
    """Tells of the articles of friends."""

    queryset = Article.objects.all()
    serializer_class = ArticleSerializer
    permission_classes: Any = [ByLookup]
    thinks: ClassVar[Gate]

    @model_observer(Article, serializer_class=ArticleSerializer)
    async def activity(
        self,
        message: Any,
        action: str | None = None,
        subscribing_request_ids: Iterable[Any] = (),
        **kwargs: Any,
    ) -> None:
        await self.thinks.pass_through()
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @action(subscribes="activity")
    async def subscribe_activity(self, request_id: Any, **kwargs: Any) -> None:
        await self.activity.subscribe(request_id=request_id)

    @action(kind="query")
    async def count(self, **kwargs: Any) -> int:
        return 0


@pytest.fixture(params=[ByLookup, ByRelation])
def articles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    gate.open.set()
    monkeypatch.setattr(ArticleConsumer, "thinks", gate, raising=False)
    monkeypatch.setattr(ArticleConsumer, "permission_classes", [request.param])
    monkeypatch.setitem(world.CONSUMERS, "articles", ArticleConsumer)


@pytest.fixture(params=[*NATIVE, *SOCKETS])
def stage(request: pytest.FixtureRequest, articles: None) -> Stage:
    return Stage(world.make_router(), request.param)


@dataclass
class Reader:
    """A client that has subscribed."""

    stage: Stage
    client: Any

    async def begin(self) -> None:
        if self.stage.native:
            await self.client.call("articles", "subscribe_activity", 9)
            return
        await self.client.start("subscription { articleActivity { action id data { title } } }")
        await self.client.operate("{ articleCount }")

    async def told(self) -> tuple[Any, ...]:
        """The next event: its action, its key, what it carries; or the status that refuses."""
        if self.stage.native:
            frame = await self.client.payload()
            if frame["response_status"] >= 400:
                return (frame["response_status"],)
            data = frame["data"]
            return frame["action"], data["id"], data.get("title")
        result = await self.client.result()
        if "errors" in result:
            return (result["errors"][0]["extensions"]["status"],)
        event = result["data"]["articleActivity"]
        data = event["data"]
        return event["action"].lower(), int(event["id"]), data and data["title"]


def write(name: str = "friend") -> tuple[Author, Article]:
    author = Author.objects.create(name=name)
    return author, Article.objects.create(title="of a friend", author=author)


async def test_a_cascade_is_told_by_keys_and_the_subscription_goes_on(stage: Stage) -> None:
    author, article = await in_thread(write)
    key = article.pk
    async with stage.open() as client:
        reader = Reader(stage, client)
        await reader.begin()
        await in_thread(author.delete)
        assert await reader.told() == ("delete", key, None)
        _, other = await in_thread(write)
        assert await reader.told() == ("create", other.pk, "of a friend")


async def test_a_deletion_that_may_be_seen_carries_the_row(stage: Stage) -> None:
    _, article = await in_thread(write)
    key = article.pk
    async with stage.open() as client:
        reader = Reader(stage, client)
        await reader.begin()
        await in_thread(article.delete)
        assert await reader.told() == ("delete", key, "of a friend")


async def test_a_deletion_that_may_not_be_seen_carries_no_row_and_the_next_change_ends_it(
    stage: Stage,
) -> None:
    """Nobody can tell a refusal from what is gone; what is there is refused as ever."""
    _, article = await in_thread(write, "stranger")
    key = article.pk
    async with stage.open() as client:
        reader = Reader(stage, client)
        await reader.begin()
        await in_thread(article.delete)
        assert await reader.told() == ("delete", key, None)
        await in_thread(write, "stranger")
        assert await reader.told() == (403,)


async def test_a_deletion_by_another_process_carries_no_row(stage: Stage) -> None:
    """The row is gone before anybody here can be asked about it."""
    _, article = await in_thread(write)
    async with stage.open() as client:
        reader = Reader(stage, client)
        await reader.begin()
        hub.publish([await in_thread(of_another_process, article, "delete")])
        assert await reader.told() == ("delete", article.pk, "of a friend")  # it is still there
        hub.publish(
            [
                await in_thread(
                    of_another_process, Article(pk=article.pk + 1, title="secret"), "delete"
                )
            ]
        )
        assert await reader.told() == ("delete", article.pk + 1, None)


async def test_a_row_that_is_given_another_key_is_deleted_and_created(stage: Stage) -> None:
    _, article = await in_thread(write)
    key = article.pk
    async with stage.open() as client:
        reader = Reader(stage, client)
        await reader.begin()
        await in_thread(ObservedQuerySet(Article).filter(pk=key).update, id=key + 9)
        assert await reader.told() == ("delete", key, None)
        assert await reader.told() == ("create", key + 9, "of a friend")


async def test_a_change_of_a_row_that_is_gone_is_nothing(stage: Stage) -> None:
    """Its deletion is on the way."""
    author, article = await in_thread(write)
    key = article.pk
    async with stage.open() as client:
        reader = Reader(stage, client)
        await reader.begin()
        ArticleConsumer.thinks.open.clear()
        await in_thread(article.save)
        await soon(ArticleConsumer.thinks.reached)
        await in_thread(article.save)
        said = await in_thread(of_another_process, article, "update")
        await in_thread(hub.publish, [said])
        await in_thread(author.delete)
        ArticleConsumer.thinks.open.set()
        assert await reader.told() == ("update", key, "of a friend")
        assert await reader.told() == ("delete", key, None)


def of_another_process(article: Article, action: str) -> Event:
    """An event as it comes from there: without the row, and its key as JSON has it."""
    observer = ArticleConsumer.activity
    message = observer.serialize(article, Action(action))
    (group,) = observer.group_names_for_signal(instance=article)
    return Event(
        observer.stable_id,
        group,
        json.dumps({**message, "group": group}),
        action,
        article.pk,
        model="testapp.article",
    )
