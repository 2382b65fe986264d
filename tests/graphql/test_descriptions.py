"""What the schema says of its fields, in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from dcrf_graph.graphql.types import Types
from tests.testapp.models import Article


class Shown(Article):
    class Meta:
        app_label = "testapp"
        proxy = True

    @property
    def headline(self) -> str:
        """The title, in capitals.

        For the front page.
        """
        return ""


class Thing(serializers.ModelSerializer[Shown]):
    helped = serializers.CharField(source="title", help_text="  What it\n  is for. ")
    labelled = serializers.CharField(source="body", label="The text of it")
    plain = serializers.CharField(source="title", label="Plain")
    method = serializers.SerializerMethodField()
    headline = serializers.ReadOnlyField()
    lazy = serializers.CharField(source="title", help_text=gettext_lazy("Yes"))

    class Meta:
        model = Shown
        fields = ["id", "helped", "labelled", "plain", "method", "headline", "lazy", "title", "due"]
        graphql_deprecated = {"due": "Nothing is due.", "plain": "Too plain."}

    def get_method(self, obj: Any) -> str:
        """What the method gives.

        Args:
            obj: A thing.
        """
        return ""


def fields_of(direction: Any) -> dict[str, Any]:
    types = Types()
    definition: Any = types.definitions.get(types.named(Thing, direction, "test"))
    return {field.name: field for field in definition.fields}


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("id", ""),
        ("helped", "What it\nis for."),
        ("labelled", "The text of it"),
        ("plain", ""),
        ("method", "What the method gives."),
        ("headline", "The title, in capitals."),
        ("title", ""),
    ],
)
def test_a_field_is_described(name: str, description: str) -> None:
    assert fields_of("output")[name].description == description


def test_a_description_is_not_translated() -> None:
    with translation.override("de"):
        assert fields_of("output")["lazy"].description == "Yes"


def test_a_deprecated_field_says_why() -> None:
    assert fields_of("output")["due"].deprecated == "Nothing is due."
    assert fields_of("input")["due"].deprecated == "Nothing is due."


def test_what_has_to_be_given_is_not_deprecated() -> None:
    """GraphQL does not allow it: nobody could do without."""
    assert fields_of("output")["plain"].deprecated == "Too plain."
    assert fields_of("input")["plain"].deprecated is None
