"""Links in native JSON: where they lead, and what they say."""

from __future__ import annotations

from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.hypermedia import (
    SERVED,
    HyperChannelsApiModelSerializer,
    HyperChannelsApiRelationField,
    stream_serving,
)
from dcrf_graph.mixins import ListModelMixin, RetrieveModelMixin
from dcrf_graph.routers import Router
from tests.queries import counted
from tests.testapp.models import Article, Author, Label, Note, Parcel, ParcelByProxy, Slugged

pytestmark = pytest.mark.django_db(transaction=True)


class AuthorSerializer(HyperChannelsApiModelSerializer):
    class Meta:
        model = Author
        fields = ["@id", "name"]


class ArticleSerializer(HyperChannelsApiModelSerializer):
    class Meta:
        model = Article
        fields = ["@id", "title", "author", "labels"]
        extra_kwargs = {"labels": {"stream_name": "tags", "kwarg_mappings": {"name": "name"}}}


class Rows(ListModelMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    """Lists rows, and gives one."""


class AuthorConsumer(Rows):
    queryset = Author.objects.all()
    serializer_class: Any = AuthorSerializer


class ArticleConsumer(Rows):
    queryset = Article.objects.order_by("pk")
    serializer_class: Any = ArticleSerializer


class ParcelConsumer(Rows):
    queryset = Parcel.objects.all()


class OtherParcelConsumer(Rows):
    queryset = Parcel.objects.all()


SERVING = {"writers": AuthorConsumer, "articles": ArticleConsumer}


def links(serializer_class: Any, row: Any, served: Any = None, **fields: Any) -> Any:
    """What a serializer writes of a row where these consumers are served."""
    context = {"scope": {SERVED: SERVING if served is None else served}}
    return serializer_class(row, context=context).data


def to(stream: str, **arguments: Any) -> dict[str, Any]:
    return {"stream": stream, "payload": {"action": "retrieve", **arguments}}


def test_an_object_and_its_relations_are_links() -> None:
    author = Author.objects.create(name="Ada")
    article = Article.objects.create(title="Birds", author=author)
    article.labels.add(Label.objects.create(name="b"), Label.objects.create(name="a"))
    data = links(ArticleSerializer, article)
    assert data["@id"] == to("articles", pk=article.pk)
    assert data["author"] == to("writers", pk=author.pk)
    assert data["labels"] == [to("tags", name="b"), to("tags", name="a")]


def test_the_link_of_nothing_is_null() -> None:
    assert links(ArticleSerializer, Article.objects.create(title="Birds"))["author"] is None


def test_the_link_to_what_no_stream_serves_is_null() -> None:
    article = Article.objects.create(title="Birds", author=Author.objects.create(name="Ada"))
    data = links(ArticleSerializer, article, {"articles": ArticleConsumer})
    assert data["author"] is None


def test_a_consumer_without_the_action_serves_no_links() -> None:
    class ListOnly(ListModelMixin, GenericAsyncAPIConsumer):
        queryset = Author.objects.all()

    assert stream_serving({"writers": ListOnly}, Author, "retrieve") is None


def test_a_model_without_a_stream_has_its_parents() -> None:
    assert stream_serving({"parcels": ParcelConsumer}, ParcelByProxy, "retrieve") == "parcels"


def test_of_several_streams_of_a_model_the_one_with_the_serializer_is_its_own() -> None:
    class Short(HyperChannelsApiModelSerializer):
        class Meta:
            model = Author
            fields = ["@id"]

    class ShortConsumer(AuthorConsumer):
        serializer_class = Short

    served = {"writers": AuthorConsumer, "names": ShortConsumer}
    author = Author.objects.create(name="Ada")
    assert links(Short, author, served)["@id"]["stream"] == "names"
    assert links(AuthorSerializer, author, served)["@id"]["stream"] == "writers"


def test_of_several_streams_none_is_guessed() -> None:
    served = {"parcels": ParcelConsumer, "boxes": OtherParcelConsumer}
    with pytest.raises(ConfigurationError, match="boxes, parcels"):
        stream_serving(served, Parcel, "retrieve")


def test_arguments_are_dotted_paths_and_a_path_that_ends_early_is_no_link() -> None:
    class Serializer(serializers.Serializer[Any]):
        writer = HyperChannelsApiRelationField(
            source="*",
            read_only=True,
            stream_name="writers",
            action_name="named",
            kwarg_mappings={"name": "author.name", "article": "pk"},
        )

    author = Author.objects.create(name="Ada")
    article = Article.objects.create(title="Birds", author=author)
    payload = {"action": "named", "name": "Ada", "article": article.pk}
    assert links(Serializer, article)["writer"] == {"stream": "writers", "payload": payload}
    assert links(Serializer, Article(pk=1))["writer"] is None


def test_a_path_that_is_wrong_is_an_error() -> None:
    class Serializer(serializers.Serializer[Any]):
        writer = HyperChannelsApiRelationField(
            source="*", read_only=True, stream_name="writers", kwarg_mappings={"name": "nmae"}
        )

    with pytest.raises(AttributeError, match="nmae"):
        _ = links(Serializer, Author(name="Ada"))


def written(author: Any) -> Any:
    context = {"scope": {SERVED: SERVING}}
    data = {"title": "Birds", "author": author, "labels": []}
    serializer = ArticleSerializer(data=data, partial=True, context=context)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data["author"]


def test_a_link_is_written_as_it_was_read_or_as_the_key() -> None:
    author = Author.objects.create(name="Ada")
    assert written(to("writers", pk=author.pk)) == author
    assert written(author.pk) == author
    assert written(str(author.pk)) == author


@pytest.mark.parametrize(
    "link",
    [
        to("articles", pk=1),
        to("writers"),
        to("writers", pk=1, name="Ada"),
        to("writers", pk={"gt": 0}),
        to("writers", pk=2),
        {"stream": "writers", "payload": {"action": "delete", "pk": 1}},
        {"stream": "writers", "payload": 7},
        {"stream": ["writers"], "payload": {}},
        True,
        [1],
        "Ada",
        2,
        10**30,
    ],
)
def test_what_leads_nowhere_is_refused(link: Any) -> None:
    Author.objects.create(pk=1, name="Ada")
    with pytest.raises(ValidationError) as refused:
        written(link)
    assert list(refused.value.detail) == ["author"]


async def test_a_router_tells_its_consumers_the_streams() -> None:
    router, author = Router(), await database_sync_to_async(Author.objects.create)(name="Ada")
    router.register("writers", AuthorConsumer)
    streams = router.streams({"type": "websocket", "user": AnonymousUser()})
    reply = await streams.call("writers", "retrieve", {"pk": author.pk})
    await streams.close()
    assert reply.data == {"@id": to("writers", pk=author.pk), "name": "Ada"}


def test_without_a_connection_the_routers_of_the_process_are_asked() -> None:
    class SluggedSerializer(HyperChannelsApiModelSerializer):
        class Meta:
            model = Slugged
            fields = ["@id"]

    class SluggedConsumer(Rows):
        queryset = Slugged.objects.all()
        serializer_class = SluggedSerializer

    class OwnStream(SluggedSerializer):
        class Meta(SluggedSerializer.Meta):
            extra_kwargs = {"@id": {"stream_name": "elsewhere", "kwarg_mappings": {"slug": "slug"}}}

    router = Router()
    router.register("pages", SluggedConsumer)
    page = Slugged.objects.create(slug="a", title="A")
    assert SluggedSerializer(page).data["@id"] == to("pages", pk=page.pk)
    assert OwnStream(page).data["@id"] == to("elsewhere", slug="a")


async def test_links_of_a_list_cost_a_constant_number_of_queries() -> None:
    def create() -> None:
        author = Author.objects.create(name="Ada")
        for number in range(10):
            article = Article.objects.create(title=str(number), author=author)
            article.labels.add(Label.objects.create(name=str(number)))

    await database_sync_to_async(create)()
    router = Router()
    router.register("writers", AuthorConsumer)
    router.register("articles", ArticleConsumer)
    streams = router.streams({"type": "websocket", "user": AnonymousUser()})
    with counted() as asked:
        reply = await streams.call("articles", "list", {})
    await streams.close()
    assert len(reply.data) == 10
    assert len(asked) == 2


def test_fields_by_default_are_the_link_and_the_columns() -> None:
    class Everything(HyperChannelsApiModelSerializer):
        class Meta:
            model = Note
            fields = "__all__"

    assert list(Everything().fields) == ["@id", "id", "text"]
