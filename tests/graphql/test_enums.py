"""Choices as enums whose names stay."""

from __future__ import annotations

import enum
from typing import Any

import pytest
from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.enums import choices_class_of, define_class
from dcrf_graph.graphql.types import Types
from tests.graphql.board import ArticleSerializer
from tests.testapp.models import Article


def enum_of(choices: Any, **options: Any) -> dict[str, Any]:
    """Names and raw values of the enum that a choice field gets."""

    class Thing(serializers.Serializer[Any]):
        level = serializers.ChoiceField(choices, **options)

    types = Types()
    types.named(Thing, "output", "test")
    definition = types.definitions.enum("ThingLevel")
    assert definition is not None
    return {value.name: value.value for value in definition.values}


def test_plain_choices_are_named_by_their_values() -> None:
    assert enum_of([("todo", "To do"), ("in-progress", "Doing")]) == {
        "TODO": "todo",
        "IN_PROGRESS": "in-progress",
    }


def test_blank_and_null_are_no_values() -> None:
    assert enum_of([("", "---"), (None, "none"), ("a", "A")]) == {"A": "a"}


def test_grouped_choices_are_flat() -> None:
    assert enum_of([("Open", [("a", "A")]), ("Done", [("b", "B")])]) == {"A": "a", "B": "b"}


def test_values_that_would_share_a_name_are_numbered() -> None:
    assert enum_of(["a-b", "a_b", "A B"]) == {"A_B": "a-b", "A_B_2": "a_b", "A_B_3": "A B"}


def test_a_choices_class_gives_its_members_names() -> None:
    """One enum, named after the class, for every serializer of the model."""
    types = Types()
    types.named(ArticleSerializer, "output", "test")
    types.named(ArticleSerializer, "input", "test")
    definition = types.definitions.enum("ArticleStatus")
    assert definition is not None
    assert [value.name for value in definition.values] == ["DRAFT", "IN_REVIEW", "PUBLISHED"]


def test_a_choices_class_is_found_behind_its_pairs() -> None:
    column = Article._meta.get_field("status")
    assert isinstance(column, models.Field)
    field = serializers.ChoiceField(choices=Article.Status.choices)
    assert choices_class_of(column, field) is Article.Status
    other = serializers.ChoiceField(choices=[("draft", "Draft")])
    assert choices_class_of(column, other) is None


def test_labels_are_described_where_they_say_more_than_the_name() -> None:
    class Speed(models.TextChoices):
        SLOW = "s", "Slow"
        FAST = "f", "As fast as it can"

    types = Types()
    definition = types.definitions.enum(define_class(types.definitions, Speed))
    assert definition is not None
    assert [value.description for value in definition.values] == ["", "As fast as it can"]


def test_a_label_is_not_translated_into_the_contract() -> None:
    class Answer(models.TextChoices):
        YES = "y", gettext_lazy("Yes")

    types = Types()
    with translation.override("de"):
        definition = types.definitions.enum(define_class(types.definitions, Answer))
    assert definition is not None
    assert definition.values[0].description == ""


def test_integer_choices_keep_their_members_names() -> None:
    class Level(enum.IntEnum):
        LOW = 1
        HIGH = 2

    types = Types()
    definition = types.definitions.enum(define_class(types.definitions, Level))
    assert definition is not None
    assert {value.name: value.value for value in definition.values} == {"LOW": 1, "HIGH": 2}


def test_two_choices_classes_of_one_name_are_refused() -> None:
    def another() -> type[models.TextChoices]:
        class Colour(models.TextChoices):
            RED = "r"

        return Colour

    types = Types()
    define_class(types.definitions, another())
    with pytest.raises(ConfigurationError, match="'Colour'"):
        define_class(types.definitions, another())
