"""A list is narrowed, searched, sorted and paged in GraphQL as it is natively."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import django_filters as df
import pytest
import pytest_asyncio
from django import forms
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters
from rest_framework.pagination import LimitOffsetPagination

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import ListModelMixin, PaginatedModelListMixin
from dcrf_graph.routers import Router
from tests.graphql.board import ArticleSerializer, LimitOffset, Numbered
from tests.graphql.doubles import definition_of, schema_of
from tests.graphql.test_router import Session
from tests.native.client import connected, in_thread
from tests.testapp.models import Article, Author, Label

db = pytest.mark.django_db(transaction=True)
STATUS = Article.Status


class EveryWay(df.FilterSet):  # type: ignore[misc]
    word = df.CharFilter(method="with_word", help_text="In title or body.")
    look = df.LookupChoiceFilter("title", lookup_choices=[("exact", "is"), ("endswith", "ends")])
    costs = df.LookupChoiceFilter("estimate", field_class=forms.DecimalField)
    when = df.DateRangeFilter(field_name="created")
    titles = df.AllValuesMultipleFilter(field_name="title")
    state = df.ChoiceFilter("status", choices=STATUS.choices)
    states = df.MultipleChoiceFilter(field_name="status", choices=STATUS.choices)
    author = df.ModelChoiceFilter(queryset=Author.objects.all(), null_label="nobody")
    labels = df.ModelMultipleChoiceFilter(queryset=Label.objects.all())
    all_labels = df.ModelMultipleChoiceFilter(
        "labels", queryset=Label.objects.all(), conjoined=True
    )
    nobody = df.BooleanFilter("author", lookup_expr="isnull")
    estimate = df.RangeFilter()
    numeric = df.NumericRangeFilter("estimate", lookup_expr="range")
    due = df.DateFromToRangeFilter()
    sort = df.OrderingFilter(fields=[("title", "name"), "due"])

    class Meta:
        model = Article
        fields = {
            "due": ["exact", "year", "range", "isnull", "lt"],
            "title": ["icontains", "in", "startswith"],
            "author__name": ["exact"],
        }

    def with_word(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(title__contains=value) | queryset.filter(body__contains=value)


class Consumer(ListModelMixin, GenericAsyncAPIConsumer):
    queryset: Any = Article.objects.order_by("pk")
    serializer_class = ArticleSerializer
    filter_backends: Any = [DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter]
    filterset_class: Any = EveryWay
    search_fields = ["title", "=author__name"]
    ordering_fields = ["title", "due"]


def create() -> dict[str, Any]:
    ada = Author.objects.create(name="Ada")
    red, blue = (Label.objects.create(name=name) for name in ("red", "blue"))
    first = Article.objects.create(
        title="cranes", body="birds", author=ada, estimate=Decimal("1.5"), due="2026-01-02"
    )
    second = Article.objects.create(
        title="swans", status="published", estimate=Decimal("3"), due="2025-06-01"
    )
    Article.objects.create(title="cars", status="in-review")
    first.labels.set([red, blue])
    second.labels.set([red])
    return {"$ada": str(ada.pk), "$red": str(red.pk), "$blue": str(blue.pk)}


def with_keys(value: Any, keys: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [with_keys(item, keys) for item in value]
    return keys.get(value, value) if isinstance(value, str) else value


class Both:
    """A list asked for by a GraphQL client and by a native one."""

    def __init__(self, consumer: Any, keys: dict[str, Any]) -> None:
        router = Router()
        router.register("articles", consumer)
        self.consumer = consumer
        self.session = Session(router)
        self.keys = keys

    async def graphql(self, **narrowing: Any) -> list[str]:
        values = {name: with_keys(value, self.keys) for name, value in narrowing.items()}
        query = "query($f: ArticleFilter) { articles(filter: $f) { title } }"
        return [row["title"] for row in (await self.session.data(query, f=values))["articles"]]

    async def native(self, **query: Any) -> list[str]:
        values = {name: with_keys(value, self.keys) for name, value in query.items()}
        async with connected(self.consumer) as client:
            frame = await client.call("list", query=values)
        return [row["title"] for row in frame["data"]]


@pytest_asyncio.fixture
async def both(transactional_db: None) -> AsyncIterator[Both]:
    asked = Both(Consumer, await in_thread(create))
    yield asked
    await asked.session.streams.close()


YEAR = datetime.date.today().year


@pytest.mark.parametrize(
    ("narrowing", "query", "titles"),
    [
        ({}, {}, "cranes swans cars"),
        ({"word": "bird"}, {"word": "bird"}, "cranes"),
        (
            {"look": "s", "lookLookup": "ENDSWITH"},
            {"look": "s", "look_lookup": "endswith"},
            "cranes swans cars",
        ),
        (
            {"costs": "3", "costsLookup": "exact"},
            {"costs": "3", "costs_lookup": "exact"},
            "swans",
        ),
        ({"when": "TODAY"}, {"when": "today"}, "cranes swans cars"),
        ({"when": "YESTERDAY"}, {"when": "yesterday"}, ""),
        ({"titles": ["cars", "swans"]}, {"titles": ["cars", "swans"]}, "swans cars"),
        ({"state": "IN_REVIEW"}, {"state": "in-review"}, "cars"),
        (
            {"states": ["DRAFT", "PUBLISHED"]},
            {"states": ["draft", "published"]},
            "cranes swans",
        ),
        ({"author": "$ada"}, {"author": "$ada"}, "cranes"),
        ({"author": "null"}, {"author": "null"}, "swans cars"),
        ({"labels": ["$red"]}, {"labels": ["$red"]}, "cranes swans"),
        ({"allLabels": ["$red", "$blue"]}, {"all_labels": ["$red", "$blue"]}, "cranes"),
        ({"nobody": True}, {"nobody": "true"}, "swans cars"),
        ({"nobody": False}, {"nobody": False}, "cranes"),
        ({"estimateMin": "2"}, {"estimate_min": 2}, "swans"),
        (
            {"estimateMin": "1", "estimateMax": "2"},
            {"estimate_min": 1, "estimate_max": 2},
            "cranes",
        ),
        ({"numericMin": "1", "numericMax": "2"}, {"numeric_min": 1, "numeric_max": 2}, None),
        ({"dueAfter": "2026-01-01"}, {"due_after": "2026-01-01"}, "cranes"),
        ({"dueBefore": "2025-12-31"}, {"due_before": "2025-12-31"}, "swans"),
        ({"dueYear": 2025}, {"due__year": "2025"}, "swans"),
        (
            {"dueRange": ["2025-01-01", "2025-12-31"]},
            {"due__range": "2025-01-01,2025-12-31"},
            "swans",
        ),
        ({"dueIsnull": True}, {"due__isnull": "true"}, "cars"),
        ({"dueLt": "2026-01-01"}, {"due__lt": "2026-01-01"}, "swans"),
        ({"titleIcontains": "CRA"}, {"title__icontains": "CRA"}, "cranes"),
        ({"titleIn": ["cars", "cranes"]}, {"title__in": "cars,cranes"}, "cranes cars"),
        ({"authorName": "Ada"}, {"author__name": "Ada"}, "cranes"),
        ({"sort": ["NAME_DESC"]}, {"sort": "-name"}, None),
        ({"word": None, "states": []}, {}, "cranes swans cars"),
    ],
)
async def test_a_list_is_narrowed_alike(
    both: Both, narrowing: Any, query: Any, titles: str | None
) -> None:
    assert await both.graphql(**narrowing) == (native := await both.native(**query))
    assert titles is None or native == titles.split()


async def test_what_a_filter_refuses_is_told_by_its_name(both: Both) -> None:
    query = '{ articles(filter: {author: "0"}) { id } }'
    (error,) = await both.session.errors(query)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert list(error["extensions"]["fields"]) == ["author"]


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        ('search: "cran"', "cranes"),
        ('search: "ada"', "cranes"),
        ('search: "s, w"', "swans"),
        ("ordering: [TITLE_DESC]", "swans cranes cars"),
        ("ordering: [DUE_ASC, TITLE_ASC], filter: {dueIsnull: false}", "swans cranes"),
        ("search: null, ordering: []", "cranes swans cars"),
    ],
)
async def test_a_list_is_searched_and_sorted(both: Both, arguments: str, titles: str) -> None:
    data = await both.session.data(f"{{ articles({arguments}) {{ title }} }}")
    assert [row["title"] for row in data["articles"]] == titles.split()


class Limited(LimitOffset):
    max_limit = 2


class LimitedNumbered(Numbered):
    max_page_size = 2


class Links(LimitOffsetPagination):
    default_limit = 2
    max_limit = 2


@db
@pytest.mark.parametrize(
    ("paginator", "arguments", "titles"),
    [
        (Limited, "limit: 100", "cranes swans"),
        (Limited, "limit: 1, offset: 2", "cars"),
        (Links, "limit: 100", "cranes swans"),
        (Links, "offset: 2", "cars"),
        (LimitedNumbered, "pageSize: 100", "cranes swans"),
        (LimitedNumbered, "pageSize: 2, page: 2", "cars"),
    ],
)
async def test_pages_have_the_paginators_limits(
    paginator: Any, arguments: str, titles: str
) -> None:
    class Paged(PaginatedModelListMixin, Consumer):
        queryset = Article.objects.order_by("pk")
        pagination_class = paginator

    asked = Both(Paged, await in_thread(create))
    data = await asked.session.data(f"{{ articles({arguments}) {{ count results {{ title }} }} }}")
    assert data["articles"]["count"] == 3
    assert [row["title"] for row in data["articles"]["results"]] == titles.split()
    await asked.session.streams.close()


def test_numbers_that_are_parts_of_dates_are_integers() -> None:
    definition = definition_of(schema_of(Consumer), "ThingFilter")
    assert "  dueYear: Int\n" in definition
    assert "  costs: Decimal\n  costsLookup: String\n" in definition
    assert "  numericMin: Decimal\n  numericMax: Decimal\n" in definition


def test_a_filter_that_is_required_is_required() -> None:
    class Required(df.FilterSet):  # type: ignore[misc]
        state = df.ChoiceFilter(
            field_name="status", choices=STATUS.choices, required=True, null_label="none"
        )

    class Strict(Consumer):
        filterset_class = Required

    derived = schema_of(Strict)
    assert "  state: ThingFilterState!\n" in definition_of(derived, "ThingFilter")
    assert "NULL" in definition_of(derived, "ThingFilterState")
