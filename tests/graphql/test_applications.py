"""Applications that nobody wrote for GraphQL: each gets a schema that is of use, and hints."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from graphql import validate_schema
from rest_framework import serializers

from dcrf_graph import mixins, permissions
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.schema import Derived, derive
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from tests.graphql.board import Registered
from tests.graphql.doubles import definition_of
from tests.testapp.models import Article, Author, Label

# -- with drf-spectacular's annotations ----------------------------------------------------------


@extend_schema_field(OpenApiTypes.DECIMAL)
class Money(serializers.Field):  # type: ignore[type-arg]
    def to_representation(self, value):  # type: ignore[no-untyped-def]
        return str(value)


@extend_schema_serializer(component_name="Writer", deprecate_fields=["name"])
class AnnotatedAuthorSerializer(serializers.ModelSerializer[Author]):
    books = serializers.SerializerMethodField()
    rank = serializers.SerializerMethodField()

    class Meta:
        model = Author
        fields = ["id", "name", "books", "rank"]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_books(self, obj):  # type: ignore[no-untyped-def]
        return []

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_rank(self, obj):  # type: ignore[no-untyped-def]
        return None


class AnnotatedArticleSerializer(serializers.ModelSerializer[Article]):
    price = Money(source="estimate", allow_null=True)
    writer = serializers.SerializerMethodField()

    class Meta:
        model = Article
        fields = ["id", "title", "price", "writer"]

    @extend_schema_field(AnnotatedAuthorSerializer(allow_null=True))
    def get_writer(self, obj):  # type: ignore[no-untyped-def]
        return None


class AnnotatedConsumer(mixins.ListModelMixin, mixins.CreateModelMixin, GenericAsyncAPIConsumer):
    queryset = Article.objects.all()
    serializer_class = AnnotatedArticleSerializer


# -- with no annotations at all --------------------------------------------------------------------


class BareSerializer(serializers.ModelSerializer[Article]):
    shout = serializers.SerializerMethodField()
    author_name = serializers.CharField(source="author.name", read_only=True)
    state = serializers.ReadOnlyField(source="get_status_display")

    class Meta:
        model = Article
        fields = ["id", "title", "status", "shout", "author_name", "state"]

    def get_shout(self, obj):  # type: ignore[no-untyped-def]
        return obj.title.upper()


class BareConsumer(
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.PatchModelMixin,
    mixins.DeleteModelMixin,
    ObserverModelInstanceMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Article.objects.all()
    serializer_class = BareSerializer


# -- written for upstream, with nothing but the import changed -------------------------------------


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "username", "email"]


class UserConsumer(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.PatchModelMixin,
    mixins.UpdateModelMixin,
    mixins.CreateModelMixin,
    mixins.DeleteModelMixin,
    GenericAsyncAPIConsumer,
):
    queryset = User.objects.all()
    serializer_class = UserSerializer
    permission_classes = [permissions.AllowAny]

    @action()
    async def send_email(self, pk=None, to=None, **kwargs):  # type: ignore[no-untyped-def]
        return {"message": f"sent to {to}"}, 200

    @action()
    def publish(self, pk=None, **kwargs):  # type: ignore[no-untyped-def]
        return None, 204

    @model_observer(Label)
    async def label_activity(self, message, observer=None, **kwargs):  # type: ignore[no-untyped-def]
        await self.send_json(message)

    @action()
    async def subscribe_to_label_activity(self, request_id, **kwargs):  # type: ignore[no-untyped-def]
        await self.label_activity.subscribe(request_id=request_id)


class RoomConsumer(AsyncAPIConsumer):
    @model_observer(Article)
    async def messages(self, message, **kwargs):  # type: ignore[no-untyped-def]
        await self.send_json(message)

    @model_observer(Author)
    async def people(self, message, **kwargs):  # type: ignore[no-untyped-def]
        await self.send_json(message)

    @action()
    async def join_room(self, pk, **kwargs):  # type: ignore[no-untyped-def]
        await self.messages.subscribe(room=pk)
        await self.people.subscribe()

    @action()
    async def leave_room(self, pk, **kwargs):  # type: ignore[no-untyped-def]
        await self.messages.unsubscribe(room=pk)


def schema(*consumers: tuple[str, Any]) -> Derived:
    derived = derive([Registered(f"{name}s", consumer, name) for name, consumer in consumers])
    assert validate_schema(derived.schema) == []
    return derived


def hints(derived: Derived) -> list[str]:
    return [f"{p.id.removeprefix('dcrf_graph.')} {p.breadcrumb}" for p in derived.problems]


def test_an_application_with_spectacular_annotations_needs_no_others() -> None:
    derived = schema(("article", AnnotatedConsumer))
    article = definition_of(derived, "AnnotatedArticle")
    assert "  price: Decimal\n" in article
    assert "  writer: Writer\n" in article
    writer = definition_of(derived, "Writer")
    assert "  books: [String!]!\n" in writer
    assert "  rank: Int\n" in writer
    assert "  name: String! @deprecated" in writer
    assert "  price: Decimal\n" in definition_of(derived, "AnnotatedArticleInput")
    assert hints(derived) == []


def test_an_application_without_annotations_is_typed_by_its_models() -> None:
    derived = schema(("article", BareConsumer))
    article = definition_of(derived, "Bare")
    for line in (
        "id: ID!",
        "title: String!",
        "status: ArticleStatus!",
        "shout: JSON",
        "authorName: String",
        "state: String!",
    ):
        assert f"  {line}\n" in article
    assert {o.name: o.result for o in derived.operations} == {
        "articles": "[Bare!]",
        "article": "Bare",
        "articleCreate": "Bare",
        "articlePatch": "Bare",
        "articleDelete": "ID",
        "articleChanged": "BareEvent!",
    }
    assert hints(derived) == ["W001 BareConsumer > BareSerializer > shout"]


def test_an_unmodified_application_is_usable_and_told_what_to_say() -> None:
    derived = schema(("user", UserConsumer), ("room", RoomConsumer))
    operations = {o.name: o for o in derived.operations}
    described = {
        name: ([f"{a.name}: {a.type}" for a in o.arguments], o.result)
        for name, o in operations.items()
    }
    assert described["users"] == ([], "[User!]")
    assert described["userPatch"] == (["id: ID!", "data: UserPatchInput!"], "User")
    assert described["userSendEmail"] == (["id: ID", "to: JSON"], "JSON")
    assert described["userPublish"] == (["id: ID"], "JSON")
    assert described["userLabelActivity"] == ([], "ChangeEvent!")
    assert described["roomLeaveRoom"] == (["id: ID!"], "JSON")
    assert "roomJoinRoom" not in described
    assert sorted(hints(derived)) == [
        "W004 UserConsumer > send_email > to",
        "W005 UserConsumer > send_email",
        "W006 RoomConsumer > join_room",
        "W008 UserConsumer > subscribe_to_label_activity",
    ]


def test_every_hint_says_what_to_do() -> None:
    for problem in schema(("user", UserConsumer), ("room", RoomConsumer)).problems:
        assert problem.cause.endswith(".")
        assert problem.consequence.endswith(".")
        assert "@action" in problem.remedy or "Annotate" in problem.remedy
