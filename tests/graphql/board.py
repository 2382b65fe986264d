"""A small application like the example's board: what most projects have."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.dispatch import Signal
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters, serializers
from rest_framework.pagination import PageNumberPagination

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
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
from dcrf_graph.observer import model_observer, observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.views import DjangoViewAsConsumer
from tests.testapp.models import Article, Author, Label, Note, Slugged

joined = Signal()


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "name"]


class AuthorSerializer(serializers.ModelSerializer[Author]):
    class Meta:
        model = Author
        fields = ["id", "name"]


class ArticleSerializer(serializers.ModelSerializer[Article]):
    """An article with its labels.

    Drafts are seen by their authors only.
    """

    labels = LabelSerializer(many=True, read_only=True)
    label_ids = serializers.PrimaryKeyRelatedField(
        source="labels", queryset=Label.objects.all(), many=True, write_only=True, required=False
    )
    word_count = serializers.SerializerMethodField(help_text="Of the body.")

    class Meta:
        model = Article
        fields = [
            "id",
            "title",
            "body",
            "status",
            "author",
            "labels",
            "label_ids",
            "estimate",
            "due",
            "created",
            "word_count",
        ]

    def get_word_count(self, article: Article) -> int:
        return len(article.body.split())


class SluggedSerializer(serializers.ModelSerializer[Slugged]):
    class Meta:
        model = Slugged
        fields = ["slug", "title"]


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["pk", "text"]


class PresenceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)


class LimitOffset(WebsocketLimitOffsetPagination):
    default_limit = 20


class Numbered(PageNumberPagination):
    page_size = 10
    page_size_query_param = "size"


class ArticleConsumer(
    PaginatedModelListMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    ObserverModelInstanceMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Article.objects.order_by("pk")
    serializer_class = ArticleSerializer
    pagination_class = LimitOffset
    filter_backends = [DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter]
    filterset_fields = {"status": ["exact", "in"], "created": ["gte"], "author": ["exact"]}
    search_fields = ["title", "body"]
    ordering_fields = ["title", "created"]

    @action(output=ArticleSerializer)
    def move(self, pk: int, column: int, position: int = 0, **kwargs: Any) -> Any:
        """Move an article to another column."""

    @action(kind="query", deprecated="Use articles(filter:).")
    def late(self, since: datetime.date, **kwargs: Any) -> list[str]:
        return []

    @action(output=list[LabelSerializer], graphql_name="articleSuggestLabels")
    def suggest(self, text: str, tone: Literal["calm", "loud"] = "calm", **kwargs: Any) -> Any:
        return []

    @action()
    def import_all(self, source, dry_run=False, **kwargs):  # type: ignore[no-untyped-def]
        return {}

    @action(graphql=False)
    def secret(self, **kwargs: Any) -> None: ...

    @model_observer(Article, serializer_class=ArticleSerializer)
    async def article_activity(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @article_activity.groups_for_signal  # type: ignore[no-redef]
    def article_activity(self, instance: Article, **kwargs: Any) -> Iterator[str]:
        yield f"author-{instance.author_id}"

    @article_activity.groups_for_consumer  # type: ignore[no-redef]
    def article_activity(self, author: int, **kwargs: Any) -> Iterator[str]:
        yield f"author-{author}"

    @action(subscribes="article_activity")
    async def subscribe_article_activity(self, author: int, request_id: Any, **kwargs: Any) -> None:
        """What happens to the articles of an author."""
        await self.article_activity.subscribe(author=author, request_id=request_id)


class AuthorConsumer(StreamedPaginatedListMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Author.objects.order_by("pk")
    serializer_class = AuthorSerializer
    pagination_class = LimitOffset


class SluggedConsumer(PaginatedModelListMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Slugged.objects.order_by("pk")
    serializer_class = SluggedSerializer
    pagination_class = Numbered
    lookup_field = "slug"


class NoteConsumer(ListModelMixin, CreateModelMixin, DeleteModelMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


class ChatConsumer(AsyncAPIConsumer):
    @action()
    async def say(self, text: str, to: str | None = None, **kwargs: Any) -> None:
        """Say something to everybody, or to one."""

    @observer(joined)
    async def presence(self, message: Any, **kwargs: Any) -> None: ...

    @presence.serializer  # type: ignore[no-redef]
    def presence(self, signal: Any, **kwargs: Any) -> Any:
        return {}

    @action(subscribes="presence", output=PresenceSerializer)
    async def subscribe_presence(self, request_id: Any, **kwargs: Any) -> None:
        await self.presence.subscribe(request_id=request_id)

    @observer(joined)
    async def joining(self, message: Any, **kwargs: Any) -> None: ...

    @action(subscribes="joining")
    async def subscribe_joined(self, room: str, request_id: Any, **kwargs: Any) -> None:
        await self.joining.subscribe(request_id=request_id)


class ReportView(DjangoViewAsConsumer):
    view = None
    actions = {"list": "GET", "create": "POST", "publish": "POST"}


@dataclass(frozen=True)
class Registered:
    """Stands for the router's registration."""

    prefix: str
    consumer: Any
    singular: str


REGISTRATIONS = (
    Registered("articles", ArticleConsumer, "article"),
    Registered("authors", AuthorConsumer, "author"),
    Registered("pages", SluggedConsumer, "page"),
    Registered("notes", NoteConsumer, "note"),
    Registered("chat", ChatConsumer, "chat"),
    Registered("reports", ReportView, "report"),
)
