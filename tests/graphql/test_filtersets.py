"""django-filter's filtersets as inputs."""

from __future__ import annotations

from typing import Any

import django_filters as df
import pytest
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.problems import DerivationError
from dcrf_graph.mixins import ListModelMixin
from tests.graphql.board import ArticleSerializer
from tests.graphql.doubles import schema_of
from tests.graphql.filters import EveryFilter
from tests.testapp.models import Article


class Consumer(ListModelMixin, GenericAsyncAPIConsumer):
    queryset: Any = Article.objects.all()
    serializer_class = ArticleSerializer
    filter_backends: Any = [DjangoFilterBackend]
    filterset_class: Any = EveryFilter


def fields_of(consumer: Any, name: str = "ThingFilter") -> dict[str, str]:
    definition: Any = next(d for d in schema_of(consumer).definitions if d.name == name)
    return {field.name: field.type for field in definition.fields}


def arguments_of(consumer: Any) -> list[str]:
    return [argument.name for argument in schema_of(consumer).operations[0].arguments]


def test_every_filter_has_its_type() -> None:
    assert fields_of(Consumer) == {
        "text": "String",
        "number": "Decimal",
        "key": "ID",
        "loose": "Decimal",
        "flag": "Boolean",
        "code": "UUID",
        "spent": "Duration",
        "day": "Date",
        "moment": "DateTime",
        "clock": "Time",
        "state": "ArticleStatus",
        "states": "[ArticleStatus!]",
        "own": "ThingFilterOwn",
        "label": "ID",
        "labels": "[ID!]",
        "estimateMin": "Decimal",
        "estimateMax": "Decimal",
        "dueAfter": "Date",
        "dueBefore": "Date",
        "createdAfter": "DateTime",
        "createdBefore": "DateTime",
        "titles": "[String!]",
        "sort": "[ThingFilterSort!]",
        "statusIn": "[ArticleStatus!]",
        "author": "ID",
        "authorIn": "[ID!]",
    }


def test_lists_are_joined_where_the_filter_splits_them() -> None:
    operation = schema_of(Consumer).operations[0]
    given = {"titles": ["a", "b"], "labels": ["1", "2"], "sort": ["-title"], "flag": True}
    assert operation.native_arguments({"filter": given}) == {
        "query": {"titles": "a,b", "labels": ["1", "2"], "sort": "-title", "flag": "true"}
    }


def test_backends_that_have_nothing_to_read_give_no_arguments() -> None:
    class Bare(Consumer):
        filter_backends = [DjangoFilterBackend, filters.SearchFilter]
        filterset_class = None

    class Dynamic(Bare):
        queryset = None

    assert arguments_of(Bare) == []
    assert arguments_of(Dynamic) == []


def test_the_model_may_be_that_of_the_serializer() -> None:
    """``get_queryset()`` gives the rows."""

    class Dynamic(Consumer):
        queryset = None
        filterset_class = None
        filterset_fields = ("status", "title")

        def get_queryset(self, **kwargs: Any) -> Any:
            return Article.objects.all()

    assert fields_of(Dynamic) == {"status": "ArticleStatus", "title": "String"}


def test_two_filters_that_want_one_name_are_refused() -> None:
    class Twice(EveryFilter):
        status_in = df.CharFilter("title")

    class Ambiguous(Consumer):
        filterset_class = Twice

    with pytest.raises(DerivationError, match="both become 'statusIn'"):
        schema_of(Ambiguous)


def test_ordering_is_by_what_the_backend_allows() -> None:
    class Shown(Consumer):
        filter_backends = [filters.OrderingFilter]

    class Everything(Shown):
        ordering_fields = "__all__"

    class Nothing(Shown):
        ordering_fields: Any = []

    def names(consumer: Any) -> set[str]:
        definition: Any = next(
            d for d in schema_of(consumer).definitions if d.name == "ThingOrdering"
        )
        return {value.value for value in definition.values if not value.value.startswith("-")}

    assert {"title", "created", "labels"} <= names(Shown)
    assert "word_count" not in names(Shown)
    assert names(Everything) == {field.name for field in Article._meta.fields}
    assert arguments_of(Nothing) == []
