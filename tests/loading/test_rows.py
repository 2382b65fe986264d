"""When a query is joined and narrowed, and when rows are left as they are."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Count, F

from dcrf_graph.loading.needs import needs_of
from dcrf_graph.loading.representation import loading
from dcrf_graph.loading.rows import may_be_narrowed, narrowed
from examples.board.models import Card, Comment
from tests.loading.shelf import AuthoredSerializer, BasicsSerializer, OwnSerializer, filled

CARDS = Card.objects.order_by("pk")


def sql(queryset: Any, serializer: Any = BasicsSerializer) -> str:
    return str(narrowed(queryset, needs_of(serializer(), Card)).query)


def test_a_query_in_a_settled_order_is_joined_and_narrowed() -> None:
    assert "JOIN" in sql(CARDS)
    assert "username" in sql(CARDS)
    assert "description" not in sql(CARDS)


@pytest.mark.parametrize("order", [["-pk"], ["title", "id"], [F("pk").asc()]])
def test_an_order_with_a_unique_column_is_settled(order: Any) -> None:
    assert may_be_narrowed(Card.objects.order_by(*order))
    assert may_be_narrowed(User.objects.order_by("username"))


@pytest.mark.parametrize("order", [[], ["title"], ["?"], ["assignee"], [F("title").asc()]])
def test_an_order_in_which_rows_may_be_alike_is_left_to_the_database(order: Any) -> None:
    queryset = Card.objects.order_by(*order)
    assert str(narrowed(queryset, needs_of(BasicsSerializer(), Card)).query) == str(queryset.query)


@pytest.mark.parametrize(
    "queryset",
    [
        CARDS.only("title"),
        CARDS.defer("title"),
        CARDS.distinct(),
        CARDS.values("title"),
        CARDS.select_for_update(),
        CARDS.annotate(many=Count("comments")),
        CARDS.union(CARDS),
        [],
        None,
    ],
)
def test_a_query_with_a_plan_of_its_own_is_kept(queryset: Any) -> None:
    assert not may_be_narrowed(queryset)


@pytest.mark.parametrize(
    "queryset", [CARDS.select_related("column"), CARDS.prefetch_related("labels")]
)
def test_columns_are_left_out_only_of_queries_that_say_nothing_themselves(queryset: Any) -> None:
    assert "description" in sql(queryset)


def test_what_a_method_may_read_is_there() -> None:
    assert "description" in sql(CARDS, OwnSerializer)


@pytest.mark.django_db
def test_a_row_that_is_gone_is_missing_as_it_was() -> None:
    filled()
    gone = list(Comment.objects.filter(author__isnull=False))
    for comment in gone:
        comment.author_id = 10**6
    data = loading(AuthoredSerializer(gone, many=True)).data
    assert [comment["author"] for comment in data] == [None] * len(gone)
    with pytest.raises(User.DoesNotExist):
        _ = gone[0].author
