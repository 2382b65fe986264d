"""What cannot be derived is reported: where, why, with which consequence, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import BasePagination

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.problems import KINDS, DerivationError, Problem
from dcrf_graph.mixins import ListModelMixin, PaginatedModelListMixin, RetrieveModelMixin
from dcrf_graph.observer import model_observer
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from tests.graphql.board import NoteSerializer
from tests.graphql.doubles import schema_of
from tests.testapp.models import Note


def problems_of(consumer: Any) -> dict[str, str]:
    """The ids of a consumer's problems and their places."""
    return {
        problem.id.removeprefix("dcrf_graph."): problem.breadcrumb
        for problem in schema_of(consumer).problems
    }


def listing(serializer: Any, **attributes: Any) -> Any:
    """A consumer that lists by a serializer."""
    attributes = {"queryset": Note.objects.all(), "serializer_class": serializer, **attributes}
    return type("Notes", (ListModelMixin, GenericAsyncAPIConsumer), attributes)


class Unknown(serializers.Field[Any, Any, Any, Any]):
    def to_representation(self, value):  # type: ignore[no-untyped-def]
        return value


class Thing(serializers.Serializer[Any]):
    text = serializers.CharField()


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("W001", serializers.SerializerMethodField()),
        ("W002", Unknown()),
        ("W003", serializers.ReadOnlyField()),
    ],
)
def test_a_field_without_a_type_is_json_and_reported(kind: str, field: Any) -> None:
    class Odd(Thing):
        def get_fields(self) -> Any:
            return {"odd": field}

        def get_odd(self, obj):  # type: ignore[no-untyped-def]
            return obj

    assert problems_of(listing(Odd)) == {kind: "Notes > Odd > odd"}


def test_any_is_an_answer() -> None:
    """Who writes ``Any`` knows that it is JSON."""

    class Free(Thing):
        odd = serializers.SerializerMethodField()

        def get_odd(self, obj: Any) -> Any:
            return obj

    class Consumer(AsyncAPIConsumer):
        @action()
        async def ask(self, what: Any, into: dict[str, Any], **kwargs: Any) -> Any:
            return what

    assert problems_of(listing(Free)) == {}
    assert problems_of(Consumer) == {}


def test_an_action_without_annotations_is_reported_by_its_parameters_and_its_answer() -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def ask(self, what, **kwargs):  # type: ignore[no-untyped-def]
            return {"answer": what}

        @action()
        async def tell(self, **kwargs):  # type: ignore[no-untyped-def]
            await self.reply("told")

    assert problems_of(Consumer) == {"W004": "Consumer > ask > what", "W005": "Consumer > ask"}


def test_an_annotation_that_graphql_cannot_say_is_reported() -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def ask(self, what: complex, **kwargs: Any) -> None: ...

    (problem,) = schema_of(Consumer).problems
    assert problem.id == "dcrf_graph.W010"
    assert "complex" in problem.cause


def test_an_unclear_subscription_and_an_unheard_observer_are_reported() -> None:
    class Consumer(AsyncAPIConsumer):
        @model_observer(Note, serializer_class=NoteSerializer)
        async def first(self, message: Any, **kwargs: Any) -> None: ...

        @model_observer(Note, serializer_class=NoteSerializer)
        async def second(self, message: Any, **kwargs: Any) -> None: ...

        @model_observer(Note, serializer_class=NoteSerializer)
        async def third(self, message: Any, **kwargs: Any) -> None: ...

        @action()
        async def watch(self, request_id: Any, **kwargs: Any) -> None:
            await self.first.subscribe(request_id=request_id)
            await self.second.subscribe(request_id=request_id)

    assert problems_of(Consumer) == {"W006": "Consumer > watch", "W007": "Consumer > third"}


def test_an_observer_without_a_serializer_is_reported() -> None:
    class Consumer(AsyncAPIConsumer):
        @model_observer(Note)
        async def changes(self, message: Any, **kwargs: Any) -> None: ...

        @action(subscribes="changes")
        async def subscribe_changes(self, request_id: Any, **kwargs: Any) -> None: ...

    assert problems_of(Consumer) == {"W008": "Consumer > subscribe_changes"}


def test_a_consumer_without_a_serializer_is_reported_once() -> None:
    assert problems_of(listing(None)) == {"W009": "Notes"}


def test_a_paginator_of_unknown_shape_is_reported() -> None:
    class Consumer(PaginatedModelListMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer
        pagination_class = BasePagination

    assert problems_of(Consumer) == {"W012": "Consumer > list"}


def test_a_serializer_that_only_the_client_decides_is_information() -> None:
    def get_serializer_class(self: Any, **kwargs: Any) -> Any:
        return self.scope["user"].serializer

    consumer = listing(NoteSerializer, get_serializer_class=get_serializer_class)
    (problem,) = schema_of(consumer).problems
    assert (problem.id, problem.level) == ("dcrf_graph.I002", "info")


CONFIGURED = {
    "queryset": Note.objects.all(),
    "serializer_class": NoteSerializer,
    "filter_backends": [OrderingFilter],
    "pagination_class": WebsocketLimitOffsetPagination,
    "lookup_field": "pk",
    "lookup_url_kwarg": None,
    "ordering_fields": ["text"],
}


def paged(**attributes: Any) -> Any:
    """A consumer whose list is paged and sorted, and which retrieves."""
    bases = (PaginatedModelListMixin, RetrieveModelMixin, GenericAsyncAPIConsumer)
    return type("Notes", bases, {**CONFIGURED, **attributes})


@pytest.mark.parametrize("name", CONFIGURED)
def test_an_attribute_may_be_a_property(name: str) -> None:
    """It is read of a consumer that nobody has connected to."""
    derived = schema_of(paged(**{name: property(lambda self: CONFIGURED[name])}))
    assert derived.sdl == schema_of(paged()).sdl
    assert not list(derived.problems)


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_property_that_wants_a_client_is_left_out_and_reported(name: str) -> None:
    derived = schema_of(paged(**{name: property(lambda self: self.scope["user"].choice)}))
    found = {each.id: each.breadcrumb for each in derived.problems}
    assert found["dcrf_graph.I003"] == f"Notes > {name}"


def test_what_stops_the_schema_carries_its_problem() -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def set(self, due_date: str, dueDate: str, **kwargs: Any) -> None: ...

    with pytest.raises(DerivationError) as caught:
        schema_of(Consumer)
    problem = caught.value.problem
    assert isinstance(problem, Problem)
    assert (problem.id, problem.level) == ("dcrf_graph.E001", "error")
    assert problem.breadcrumb == "Consumer > set > dueDate"
    assert "Rename" in problem.remedy


def test_every_kind_is_a_sentence_under_a_stable_id() -> None:
    assert all(
        kind[0] in "EWI" and kind[1:].isdigit() and line.endswith(".")
        for kind, line in KINDS.items()
    )
