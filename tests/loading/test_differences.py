"""Loading with foresight changes nothing but the number of queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Count, F, Prefetch, QuerySet, Value
from rest_framework import serializers

from dcrf_graph.loading.representation import loading, narrowed_for, represented
from dcrf_graph.loading.writing import written
from examples.board.models import Card, Comment, Label
from tests.loading.shelf import ROWS, FlatSerializer, OwnSerializer, filled
from tests.queries import counted

pytestmark = pytest.mark.django_db


def halves(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(pk__lt=3).union(rows.filter(pk__gte=3))


QUERIES: dict[str, Callable[[Any], Any]] = {
    "all": lambda rows: rows.all(),
    "manager": lambda rows: rows,
    "unordered": lambda rows: rows.order_by(),
    "ordered by a key": lambda rows: rows.order_by("-pk"),
    "ordered by an expression": lambda rows: rows.order_by(F("pk").desc()),
    "ordered by what is alike": lambda rows: rows.order_by("?").order_by(Value(1)),
    "sliced": lambda rows: rows.order_by("pk")[1:4],
    "joined": lambda rows: rows.select_related(),
    "not joined": lambda rows: rows.select_related(None),
    "narrowed": lambda rows: rows.only("pk").order_by("pk"),
    "put off": lambda rows: rows.defer("id").order_by("pk"),
    "annotated": lambda rows: rows.annotate(one=Value(1)).order_by("pk"),
    "grouped": lambda rows: rows.annotate(many=Count("pk")).order_by("pk"),
    "without doubles": lambda rows: rows.distinct().order_by("pk"),
    "put together": lambda rows: halves(rows.order_by()).order_by("pk"),
    "locked": lambda rows: rows.select_for_update().order_by("pk"),
    "rows": lambda rows: list(rows.order_by("pk")),
    "none": lambda rows: rows.none(),
}


@pytest.mark.filterwarnings("ignore:Calling select_related")
@pytest.mark.parametrize("named", QUERIES)
@pytest.mark.parametrize("serializer", ROWS, ids=lambda each: each.__name__)
def test_the_data_are_those_of_the_serializer_alone(serializer: Any, named: str) -> None:
    filled()
    rows = QUERIES[named]
    manager: Any = ROWS[serializer]._default_manager
    plain = serializer(rows(manager), many=True).data
    optimised = loading(serializer(rows(manager), many=True))
    assert optimised.data == plain
    page = list(narrowed_for(serializer(many=True), rows(manager.all())))
    assert serializer(page, many=True).data == plain


@pytest.mark.parametrize("serializer", ROWS, ids=lambda each: each.__name__)
def test_a_single_row_is_written_as_always(serializer: Any) -> None:
    filled()
    for row in ROWS[serializer]._default_manager.all():
        plain = serializer(type(row)._default_manager.get(pk=row.pk)).data
        assert loading(serializer(row)).data == plain


CARDS: dict[str, Callable[[], QuerySet[Card]]] = {
    "one's own labels": lambda: Card.objects.prefetch_related(
        Prefetch("labels", queryset=Label.objects.filter(name="red"))
    ),
    "labels beside": lambda: Card.objects.prefetch_related(
        Prefetch("labels", queryset=Label.objects.none(), to_attr="few")
    ),
    "one's own comments": lambda: Card.objects.prefetch_related(
        Prefetch("comments", queryset=Comment.objects.order_by("-pk").select_related("author"))
    ),
    "one's own assignees": lambda: Card.objects.order_by("pk").prefetch_related(
        Prefetch("assignee", queryset=User.objects.filter(username="ada"))
    ),
    "joined": lambda: Card.objects.select_related("assignee", "column__board"),
    "joined and narrowed": lambda: Card.objects.select_related("assignee").only(
        "title", "assignee__username"
    ),
    "put off": lambda: Card.objects.defer("title", "assignee"),
    "renamed": lambda: Card.objects.annotate(column_title=F("column__title")),
    "in memory": lambda: Card.objects.filter(pk__in=[row.pk for row in Card.objects.all()]),
}


@pytest.mark.parametrize("named", CARDS)
@pytest.mark.parametrize(
    "serializer", [s for s, m in ROWS.items() if m is Card], ids=lambda each: each.__name__
)
def test_what_the_application_loads_is_kept(serializer: Any, named: str) -> None:
    filled()
    plain = serializer(CARDS[named](), many=True).data
    assert loading(serializer(CARDS[named](), many=True)).data == plain
    assert written(serializer, CARDS[named]()) in (None, plain)


@pytest.mark.parametrize("serializer", ROWS, ids=lambda each: each.__name__)
def test_what_is_selected_is_the_same_and_the_rest_is_not_written(serializer: Any) -> None:
    filled()
    manager: Any = ROWS[serializer]._default_manager
    plain = serializer(manager.all(), many=True).data
    for key in plain[0]:
        data = represented(loading(serializer(manager.all(), many=True)), {key: None})
        assert [row[key] for row in data] == [row[key] for row in plain]


def test_a_part_of_a_part_is_written() -> None:
    filled()
    selection = {"title": None, "comments": {"author": {"username": None}}}
    serializer = next(each for each in ROWS if each.__name__ == "DeepSerializer")
    data = represented(loading(serializer(Card.objects.all(), many=True)), selection)
    assert {tuple(row) for row in data} == {("title", "comments")}
    assert {tuple(comment) for row in data for comment in row["comments"]} == {("author",)}


def test_what_a_row_was_told_in_memory_is_written() -> None:
    filled()
    rows = Card.objects.order_by("pk")
    for row in rows:
        row.title = "changed"
    data = loading(FlatSerializer(rows, many=True)).data
    assert len(data) == len(rows)

    class Titles(serializers.ModelSerializer[Card]):
        class Meta:
            model = Card
            fields = ("title",)

    assert {row["title"] for row in loading(Titles(rows, many=True)).data} == {"changed"}


def test_what_changes_before_it_is_written_is_seen() -> None:
    filled()
    card = Card.objects.order_by("pk")[0]
    serializer = loading(FlatSerializer(card))
    comment = Comment.objects.create(card=card, text="late")
    assert comment.pk in serializer.data["comments"]


def test_rows_that_are_not_saved_are_written_as_they_are() -> None:
    board = filled()
    column = board.columns.all()[0]

    class Titles(serializers.ModelSerializer[Card]):
        labels: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

        class Meta:
            model = Card
            fields = ("title", "column", "labels")

    rows = [Card(title="new", column=column, board=board)]
    assert loading(Titles(rows, many=True)).data == Titles(rows, many=True).data


@pytest.mark.parametrize(
    # What a method asks for is its own.
    "serializer",
    [each for each in ROWS if each is not OwnSerializer],
    ids=lambda each: each.__name__,
)
def test_more_rows_cost_no_more_queries(serializer: Any) -> None:
    spent = []
    filled(4)
    for _ in range(2):
        with counted() as queries:
            assert loading(serializer(ROWS[serializer]._default_manager.all(), many=True)).data
        print(f"{serializer.__name__}: {len(queries)} queries\n{queries}")
        spent.append(len(queries))
        cards = list(Card.objects.all())
        for card in cards:
            Comment.objects.create(card=card, author=card.assignee, text="more")
            card.pk = None
            card.save()
            card.labels.set(Label.objects.all())
    assert spent[0] == spent[1]
