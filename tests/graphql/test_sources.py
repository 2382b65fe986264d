"""Where a field's value comes from, and whether it can be null."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pytest
from rest_framework import serializers

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.schema import Derived, derive
from dcrf_graph.mixins import ListModelMixin
from dcrf_graph.observer import model_observer
from dcrf_graph.routers import Router
from tests.graphql.board import Registered
from tests.graphql.doubles import definition_of
from tests.graphql.sessions import Session
from tests.graphql.test_fields import shape_of
from tests.native.client import connected, in_thread
from tests.testapp.models import Article, Author, Label, Place


class WithHelp(Article):
    """An article with properties."""

    class Meta:
        app_label = "testapp"
        proxy = True

    @property
    def headline(self) -> str:
        return self.title.upper()

    @property
    def subtitle(self) -> str | None:
        return None

    @cached_property
    def size(self) -> int:
        return len(self.body)

    @staticmethod
    def kind() -> str:
        return "article"

    def rank(self) -> float:
        return 0.5

    @property
    def loose(self):  # type: ignore[no-untyped-def]
        return 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("headline", "String!"),
        ("subtitle", "String"),
        ("size", "Int!"),
        ("kind", "String!"),
        ("rank", "Float!"),
        ("loose", "JSON"),
        ("nowhere", "JSON"),
        ("pk", "ID!"),
        ("author", "ID"),
        ("author.name", "String"),
        ("author.nothing.at_all", "JSON"),
        ("title.upper", "JSON"),
        ("headline.upper", "JSON"),
        ("created", "DateTime!"),
        ("estimate", "Decimal"),
    ],
)
def test_a_read_only_field_is_what_its_source_is(source: str, expected: str) -> None:
    class Thing(serializers.ModelSerializer[WithHelp]):
        value = serializers.ReadOnlyField(source=source)

        class Meta:
            model = WithHelp
            fields = ["value"]

    assert list(shape_of(Thing, "output").values()) == [expected]


def test_relations_backwards_are_lists() -> None:
    class Thing(serializers.ModelSerializer[Author]):
        articles: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

        class Meta:
            model = Author
            fields = ["articles"]

    assert shape_of(Thing, "output") == {"articles": "[ID!]!"}


@pytest.mark.parametrize(
    ("choices", "options", "expected"),
    [
        (["a"], {}, "ThingLevel!"),
        (["a", ""], {}, "ThingLevel"),
        (["a", None], {}, "ThingLevel"),
        (["a"], {"allow_blank": True}, "ThingLevel"),
        (["a"], {"allow_null": True}, "ThingLevel"),
    ],
)
def test_a_choice_that_may_be_nothing_is_nullable(
    choices: list[Any], options: dict[str, Any], expected: str
) -> None:
    class Thing(serializers.Serializer[Any]):
        level = serializers.ChoiceField(choices, **options)

    assert shape_of(Thing, "output") == {"level": expected}


# -- serializers without a model, of rows of one ---------------------------------------------------


class Person(serializers.Serializer[Any]):
    name = serializers.CharField()


class Text(serializers.Serializer[Any]):
    title = serializers.CharField()
    due = serializers.DateField()
    author = Person()


class Named(serializers.Serializer[Any]):
    name = serializers.CharField()
    restaurant = Person()


class Writes(serializers.ModelSerializer[Author]):
    articles = Text(many=True)

    class Meta:
        model = Author
        fields = ["articles"]


def reading(serializer: Any, model: Any) -> Any:
    attributes = {"queryset": model.objects.all(), "serializer_class": serializer}
    bases = (ListModelMixin, GenericAsyncAPIConsumer)
    return type(f"{model.__name__}Consumer", bases, attributes)


def sdl_of(*consumers: Any) -> Derived:
    return derive([Registered(f"t{n}s", each, f"t{n}") for n, each in enumerate(consumers)])


NULLABLE = "type Text {\n  title: String!\n  due: Date\n  author: Person\n}"


@pytest.mark.parametrize(
    "consumers",
    [
        [reading(Text, Article)],
        [reading(Writes, Author)],
        [reading(Text, Label), reading(Text, Article)],
        [reading(Text, Article), reading(Text, Label)],
    ],
    ids=["of a consumer", "nested", "later", "sooner"],
)
def test_what_the_rows_may_not_have_is_nullable(consumers: list[Any]) -> None:
    """Whatever else the serializer writes."""
    assert NULLABLE in sdl_of(*consumers).sdl


def test_what_no_known_model_has_is_as_the_serializer_says() -> None:
    expected = "type Text {\n  title: String!\n  due: Date!\n  author: Person!\n}"
    assert expected in sdl_of(reading(Text, Label)).sdl


class Things(serializers.Serializer[Any]):
    title = serializers.CharField()
    due = serializers.DateField()

    class Meta:
        graphql_types = {"text": Text}
        graphql_discriminator = "kind"


def test_an_interface_is_as_nullable_as_its_members() -> None:
    class Consumer(AsyncAPIConsumer):
        @action(output=Things)
        async def find(self, **kwargs: Any) -> Any: ...

    derived = sdl_of(Consumer, reading(Text, Article))
    assert "interface Things {\n  title: String!\n  due: Date\n}" in derived.sdl


def test_a_one_to_one_relation_backwards_is_always_nullable() -> None:
    derived = sdl_of(reading(Named, Place))
    assert definition_of(derived, "Named").endswith("  name: String!\n  restaurant: Person\n}")


def test_what_an_observer_tells_is_nullable_too() -> None:
    class Consumer(AsyncAPIConsumer):
        @model_observer(Article, serializer_class=Text)
        async def texts(self, message: Any, **kwargs: Any) -> None: ...

        @action(subscribes="texts")
        async def subscribe_texts(self, request_id: Any, **kwargs: Any) -> None: ...

    assert NULLABLE in sdl_of(Consumer).sdl


@pytest.mark.django_db(transaction=True)
async def test_a_null_behind_a_relation_is_no_error() -> None:
    """Natively it was none before."""
    consumer = reading(Text, Article)
    await in_thread(Article.objects.create, title="of nobody")
    router = Router()
    router.register("texts", consumer, singular="text")
    async with connected(consumer) as client:
        assert (await client.call("list"))["data"][0]["author"] is None
    async with Session(router) as session:
        data = await session.data("{ texts { title author { name } } }")
    assert data == {"texts": [{"title": "of nobody", "author": None}]}
