"""What an operation costs: by its objects, multiplied by the pages that they come in."""

from __future__ import annotations

from typing import Any

import pytest
from ariadne.validation import cost_directive
from django.test import override_settings
from graphql import parse
from rest_framework import serializers
from rest_framework.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
)

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.costs import Costs
from dcrf_graph.graphql.schema import derive
from dcrf_graph.mixins import ListModelMixin, PaginatedModelListMixin, RetrieveModelMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from tests.graphql.board import REGISTRATIONS, Registered
from tests.graphql.doubles import Client, reply
from tests.testapp.models import Label, Note


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "name"]


class NoteSerializer(serializers.ModelSerializer[Note]):
    main = LabelSerializer()
    labels = LabelSerializer(many=True)

    class Meta:
        model = Note
        fields = ["id", "text", "main", "labels"]


class Limited(WebsocketLimitOffsetPagination):
    default_limit = 20
    max_limit = 50


class Numbered(PageNumberPagination):
    page_size = 20
    page_size_query_param = "size"


class Sliced(LimitOffsetPagination):
    default_limit = 20


class ByCursor(CursorPagination):
    page_size = 20
    page_size_query_param = "size"
    ordering = "id"


class Notes(RetrieveModelMixin, PaginatedModelListMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer
    pagination_class: Any = Limited


class NumberedNotes(Notes):
    pagination_class = Numbered


class SlicedNotes(Notes):
    pagination_class = Sliced


class CursorNotes(Notes):
    pagination_class = ByCursor


class Labels(ListModelMixin, GenericAsyncAPIConsumer):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer


def schema(notes: Any = Notes, type_defs: str = "") -> Any:
    registered = [Registered("notes", notes, "note"), Registered("labels", Labels, "label")]
    return derive(registered, type_defs)


def cost(text: str, notes: Any = Notes, type_defs: str = "", **variables: Any) -> int:
    derived = schema(notes, type_defs)
    document = parse(text)
    operation: Any = document.definitions[0]
    return Costs(derived.schema, derived.operations).of(document, operation, variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ note(id: 1) { id text } }", 1),
        ("{ note(id: 1) { main { id } } }", 2),
        ("{ note(id: 1) { labels { id } } }", 11),
        ("{ labels { id } }", 10),
        ("{ notes { results { id } } }", 20),
        ("{ notes(limit: 5) { count } }", 5),
        ("{ notes(limit: 5) { results { main { id } labels { id } } } }", 5 + 5 + 50),
        ("{ notes(limit: 5000) { results { id } } }", 50),
        ("{ notes(limit: -3) { results { id } } }", 20),
        ("{ a: note(id: 1) { id } b: note(id: 2) { id } }", 2),
        ("{ notes(limit: 5) { ...F } } fragment F on NotePage { results { main { id } } }", 10),
        ("{ __schema { types { name } } }", 0),
    ],
)
def test_every_object_costs_one_and_a_list_multiplies(text: str, expected: int) -> None:
    assert cost(text) == expected


@pytest.mark.parametrize(
    ("notes", "arguments", "expected"),
    [
        (NumberedNotes, "", 20),
        (NumberedNotes, "(pageSize: 30)", 30),
        (NumberedNotes, "(pageSize: 30000)", 1000),
        (SlicedNotes, "(limit: 30)", 30),
        (SlicedNotes, "(limit: 30000)", 1000),
    ],
)
def test_the_size_of_a_page_is_the_paginators(notes: Any, arguments: str, expected: int) -> None:
    assert cost(f"{{ notes{arguments} {{ results {{ id }} }} }}", notes) == expected


@pytest.mark.parametrize(("arguments", "expected"), [("", 20), ("(first: 3)", 3), ("(last: 4)", 4)])
def test_the_edges_of_a_connection_cost_as_its_page(arguments: str, expected: int) -> None:
    assert cost(f"{{ notes{arguments} {{ edges {{ node {{ id }} }} }} }}", CursorNotes) == expected
    text = f"{{ notes{arguments} {{ edges {{ node {{ main {{ id }} }} }} }} }}"
    assert cost(text, CursorNotes) == 2 * expected


def test_variables_and_their_defaults_count() -> None:
    text = "query Q($limit: Int = 7) { notes(limit: $limit) { results { id } } }"
    assert [cost(text), cost(text, limit=9), cost(text, limit=9.0)] == [7, 9, 9]


def test_the_applications_own_sdl_says_what_it_costs() -> None:
    own = cost_directive + "extend type Query { report(size: Int): Label"
    weighted = own + ' @cost(complexity: 5, multipliers: ["size"]) }'
    assert cost("{ report(size: 3) { id } }", type_defs=weighted) == 15
    assert cost("{ report(size: 3) { id } }", type_defs=own + " }") == 1


@pytest.mark.parametrize(("limit", "refused"), [(10, False), (11, True)])
async def test_what_costs_more_than_the_setting_is_not_executed(limit: int, refused: bool) -> None:
    client = Client(schema(), {"list": reply({"count": 0, "results": []})})
    text = "query Q($limit: Int) { notes(limit: $limit) { results { main { id } } } }"
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_COST": 20}):
        if not refused:
            await client.result(text, limit=limit)
            return
        rejected = await client.rejection(text, limit=limit)
    assert rejected.errors[0]["message"] == (
        "The operation is too large: it costs 22, 20 is allowed."
    )
    assert rejected.errors[0]["extensions"] == {
        "code": "OPERATION_TOO_LARGE",
        "cost": {"requested": 22, "maximum": 20},
    }
    assert client.streams.calls == []


def test_a_remembered_price_depends_on_numbers_and_nothing_else() -> None:
    """One price for any text; another for another page; none for what has parts."""
    derived = derive(REGISTRATIONS)
    query = (
        "query($limit: Int, $search: String) { articles(limit: $limit, search: $search) { count } }"
    )
    document: Any = parse(query)
    costs, prices = Costs(derived.schema, derived.operations), dict[Any, int]()
    variables: list[dict[str, Any]] = [
        {"limit": 5},
        {"limit": 5, "search": "a"},
        {"limit": 50},
        {"search": ["a"]},
    ]
    for each in variables:
        costs.check(document, document.definitions[0], each, prices)
    assert len(prices) == 2
    assert [costs.of(document, document.definitions[0], each) for each in variables[:3]] == [
        min(prices.values()),
        min(prices.values()),
        max(prices.values()),
    ]
