"""Where a field's value comes from, and whether it can be null."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pytest
from rest_framework import serializers

from tests.graphql.test_fields import shape_of
from tests.testapp.models import Article, Author


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
