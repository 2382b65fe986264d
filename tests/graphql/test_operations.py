"""From actions to operations: kinds, arguments, results, and what stays out."""

from __future__ import annotations

import datetime
import enum
from collections.abc import AsyncIterator
from decimal import Decimal
from types import new_class
from typing import Annotated, Any, Literal

import pytest
from rest_framework import serializers
from rest_framework.pagination import BasePagination, LimitOffsetPagination

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.operations import Operation
from dcrf_graph.graphql.schema import derive
from dcrf_graph.mixins import (
    CreateModelMixin,
    ListModelMixin,
    PaginatedModelListMixin,
    RetrieveModelMixin,
)
from dcrf_graph.observer import model_observer
from tests.graphql.board import (
    REGISTRATIONS,
    LabelSerializer,
    LimitOffset,
    NoteSerializer,
    Numbered,
)
from tests.graphql.doubles import definition_of, schema_of
from tests.testapp.models import Label, Note, Slugged


class Mood(enum.Enum):
    CALM = "c"
    LOUD = "l"


def operation_of(consumer: Any, action_name: str) -> Operation:
    found = [o for o in schema_of(consumer).operations if o.action == action_name]
    assert len(found) == 1, found
    return found[0]


def arguments_of(consumer: Any, action_name: str) -> dict[str, str]:
    operation = operation_of(consumer, action_name)
    return {
        a.name: a.type if a.default is None else f"{a.type} = {a.default}"
        for a in operation.arguments
    }


# -- arguments ------------------------------------------------------------------------------


def test_parameters_are_typed_by_their_annotations() -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def ask(
            self,
            count: int,
            ratio: float,
            name: str,
            sure: bool,
            price: Decimal,
            day: datetime.date,
            tags: list[str],
            note: str | None,
            mood: Mood,
            tone: Literal["soft", "hard"],
            data: dict[str, Any],
            label: LabelSerializer,
            noted: Annotated[int, "for nobody"],
            bare: list,  # type: ignore[type-arg]
            mixed: tuple[int, str],
            one_of: Literal["a", None],
            anything: Any,
            **kwargs: Any,
        ) -> None: ...

    assert arguments_of(Consumer, "ask") == {
        "count": "Int!",
        "ratio": "Float!",
        "name": "String!",
        "sure": "Boolean!",
        "price": "Decimal!",
        "day": "Date!",
        "tags": "[String!]!",
        "note": "String",
        "mood": "Mood!",
        "tone": "ThingAskTone!",
        "data": "JSON!",
        "label": "LabelInput!",
        "noted": "Int!",
        "bare": "[JSON]!",
        "mixed": "[JSON]!",
        "oneOf": "ThingAskOneOf",
        "anything": "JSON",
    }


def test_defaults_are_said_where_sdl_can() -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def ask(  # type: ignore[no-untyped-def]
            self,
            count: int = 3,
            ratio: float = 0.5,
            name: str = 'a "b"',
            sure: bool = True,
            mood: Mood = Mood.LOUD,
            tags: tuple[str, ...] = (),
            note: str | None = None,
            loose=7,
            **kwargs: Any,
        ) -> None: ...

    assert arguments_of(Consumer, "ask") == {
        "count": "Int = 3",
        "ratio": "Float = 0.5",
        "name": 'String = "a \\"b\\""',
        "sure": "Boolean = true",
        "mood": "Mood = LOUD",
        "tags": "[String!]",
        "note": "String",
        "loose": "JSON",
    }


def test_pk_is_id_and_goes_back_as_pk() -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def touch(self, pk: int, **kwargs: Any) -> None: ...

    operation = operation_of(Consumer, "touch")
    assert [(a.name, a.type) for a in operation.arguments] == [("id", "ID!")]
    assert operation.native_arguments({"id": "7"}) == {"pk": "7"}


def test_what_is_left_out_stays_out() -> None:
    """Unset is not null: null is passed on, an argument that was not given is not."""

    class Consumer(AsyncAPIConsumer):
        @action()
        async def set(
            self, first: str | None = "x", second: str | None = "y", **kwargs: Any
        ) -> None: ...

    assert operation_of(Consumer, "set").native_arguments({"first": None}) == {"first": None}


def test_two_parameters_of_one_name_are_refused_with_their_place() -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def set(self, due_date: str, dueDate: str, **kwargs: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="Consumer > set > dueDate: two arguments"):
        schema_of(Consumer)


def test_another_lookup_field_is_an_argument_of_its_own_type() -> None:
    class Consumer(RetrieveModelMixin, GenericAsyncAPIConsumer):
        queryset = Slugged.objects.all()
        serializer_class = NoteSerializer
        lookup_field = "slug"
        lookup_url_kwarg = "page_slug"

    operation = operation_of(Consumer, "retrieve")
    assert [(a.name, a.type) for a in operation.arguments] == [("pageSlug", "String!")]
    assert operation.native_arguments({"pageSlug": "x"}) == {"page_slug": "x"}


def test_own_parameters_of_a_standard_action_are_arguments_too() -> None:
    class Consumer(ListModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer

        @action()
        def list(self, board: int, **kwargs: Any) -> Any:
            return super().list(board=board, **kwargs)

    assert arguments_of(Consumer, "list") == {"board": "Int!"}


def test_input_types_the_data_of_a_custom_action() -> None:
    class Consumer(AsyncAPIConsumer):
        @action(input=LabelSerializer)
        async def tag(self, data: Any, **kwargs: Any) -> None: ...

        @action(input=LabelSerializer)
        async def untag(self, **kwargs: Any) -> None: ...

        @action(input=list[LabelSerializer])
        async def tag_all(self, data: Any, **kwargs: Any) -> None: ...

    assert arguments_of(Consumer, "tag_all") == {"data": "[LabelInput!]!"}
    assert arguments_of(Consumer, "tag") == {"data": "LabelInput!"}
    assert arguments_of(Consumer, "untag") == {"data": "LabelInput!"}


# -- results --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "result"),
    [
        (int, "Int"),
        (str | None, "String"),
        (list[int], "[Int!]"),
        (tuple[str, int], "String"),
        (tuple[None, int], "JSON"),
        (dict[str, Any], "JSON"),
        (None, "JSON"),
        (LabelSerializer, "Label"),
    ],
    ids=str,
)
def test_a_custom_action_is_typed_by_what_it_returns(annotation: Any, result: str) -> None:
    """Roots are nullable: one refusal does not erase its neighbours."""

    def ask(self: Any, **kwargs: Any) -> Any: ...

    ask.__annotations__["return"] = annotation
    consumer = new_class(
        "Consumer", (AsyncAPIConsumer,), exec_body=lambda body: body.update(ask=action()(ask))
    )
    assert operation_of(consumer, "ask").result == result


def test_output_goes_before_the_annotation() -> None:
    class Consumer(AsyncAPIConsumer):
        @action(output=list[LabelSerializer], kind="query")
        async def ask(self, **kwargs: Any) -> dict[str, Any]:
            return {}

    operation = operation_of(Consumer, "ask")
    assert (operation.kind, operation.result, operation.shape) == ("query", "[Label!]", "list")


def test_the_serializer_may_depend_on_the_action() -> None:
    class Consumer(CreateModelMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
        queryset = Label.objects.all()
        serializer_class = NoteSerializer

        def get_serializer_class(self, action: str = "", **kwargs: Any) -> Any:
            return LabelSerializer if action == "create" else NoteSerializer

    assert operation_of(Consumer, "create").result == "Label"
    assert operation_of(Consumer, "retrieve").result == "Note"


def test_a_serializer_that_depends_on_the_client_is_the_declared_one() -> None:
    class Consumer(RetrieveModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class: Any = NoteSerializer

        def get_serializer_class(self, **kwargs: Any) -> Any:
            return self.scope["user"].serializer

    class Undeclared(Consumer):
        serializer_class = None

    assert operation_of(Consumer, "retrieve").result == "Note"
    assert operation_of(Undeclared, "retrieve").result == "JSON"


def test_without_a_serializer_data_is_json() -> None:
    class Consumer(CreateModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()

    assert arguments_of(Consumer, "create") == {"data": "JSON!"}
    assert operation_of(Consumer, "create").result == "JSON"


def test_standard_names_of_a_plain_consumer_are_plain_actions() -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def list(self, **kwargs: Any) -> list[str]:
            return []

        @action()
        async def create(self, title: str, **kwargs: Any) -> None: ...

    assert operation_of(Consumer, "list").result == "[String!]"
    assert arguments_of(Consumer, "create") == {"title": "String!"}


def test_a_renamed_action_is_called_by_its_name() -> None:
    class Consumer(AsyncAPIConsumer):
        @action(name="do_it", graphql_name="thingDone", deprecated="Do not.")
        async def method(self, **kwargs: Any) -> None:
            """Does it.

            In a way that is nobody's business.
            """

    operation = operation_of(Consumer, "do_it")
    assert (operation.name, operation.deprecated) == ("thingDone", "Do not.")
    assert operation.description == "Does it."
    assert 'thingDone: JSON @deprecated(reason: "Do not.")' in schema_of(Consumer).sdl


def test_an_action_that_streams_is_a_subscription() -> None:
    """Each reply is an event; a generator need not say that it streams."""

    class Consumer(AsyncAPIConsumer):
        @action()
        async def count(self, until: int, **kwargs: Any) -> AsyncIterator[int]:
            yield until

        @action(streams=True, output=LabelSerializer)
        async def watch(self, request_id: Any, **kwargs: Any) -> None: ...

        @action(streams=True)
        async def guess(self, **kwargs: Any) -> None: ...

    derived = schema_of(Consumer)
    assert {(o.name, o.kind, o.result, o.shape) for o in derived.operations} == {
        ("thingCount", "subscription", "Int!", "replies"),
        ("thingWatch", "subscription", "Label!", "replies"),
        ("thingGuess", "subscription", "JSON", "replies"),
    }
    assert [p.breadcrumb for p in derived.problems] == ["Consumer > guess"]


# -- subscriptions --------------------------------------------------------------------------


class Observing(AsyncAPIConsumer):
    @model_observer(Note)
    async def first(self, message: Any, **kwargs: Any) -> None: ...

    @model_observer(Note, serializer_class=NoteSerializer)
    async def second(self, message: Any, **kwargs: Any) -> None: ...


def test_an_observer_without_a_serializer_gives_json() -> None:
    class Consumer(Observing):
        @action(subscribes="first")
        async def subscribe_first(self, request_id: Any, **kwargs: Any) -> None: ...

    derived = schema_of(Consumer)
    assert derived.operations[0].result == "ChangeEvent!"
    assert "data: JSON" in definition_of(derived, "ChangeEvent")


def test_what_an_action_subscribes_is_read_from_its_code_when_certain() -> None:
    class Consumer(Observing):
        @action()
        async def watch(self, request_id: Any, **kwargs: Any) -> None:
            await self.second.subscribe(request_id=request_id)

    operation = operation_of(Consumer, "watch")
    assert (operation.kind, operation.result) == ("subscription", "NoteEvent!")


def test_what_is_not_certain_stays_out() -> None:
    """Also as a mutation: it would subscribe somebody who never hears."""

    class Consumer(Observing):
        @action()
        async def watch_both(self, request_id: Any, **kwargs: Any) -> None:
            await self.first.subscribe(request_id=request_id)
            await self.second.subscribe(request_id=request_id)

        @action()
        async def unsubscribe_first(self, request_id: Any, **kwargs: Any) -> None:
            await self.first.unsubscribe(request_id=request_id)

        @action(graphql=False)
        async def hidden(self, **kwargs: Any) -> None: ...

    assert schema_of(Consumer).operations == ()


def test_a_subscription_may_say_the_type_of_its_data() -> None:
    class Consumer(Observing):
        @action(subscribes="first", output=LabelSerializer)
        async def subscribe_first(self, request_id: Any, **kwargs: Any) -> None: ...

    assert operation_of(Consumer, "subscribe_first").result == "LabelEvent!"


def test_the_data_of_a_subscription_may_be_a_list() -> None:
    class Consumer(Observing):
        @action(subscribes="first", output=list[LabelSerializer])
        async def subscribe_first(self, request_id: Any, **kwargs: Any) -> None: ...

    assert "data: [Label!]\n" in definition_of(schema_of(Consumer), "LabelListEvent")


# -- lists ----------------------------------------------------------------------------------


def by_name(name: str) -> Operation:
    return next(o for o in derive(REGISTRATIONS).operations if o.name == name)


def test_pages_by_limit_are_arguments_of_the_call() -> None:
    assert by_name("articles").native_arguments({"limit": 5, "offset": None}) == {"limit": 5}


def test_pages_by_number_travel_in_the_query() -> None:
    assert by_name("pages").native_arguments({"page": 2, "pageSize": 50}) == {
        "query": {"page": "2", "size": "50"}
    }


def test_filters_search_and_ordering_travel_in_the_query() -> None:
    """As a native client sends them: text, lists joined where the backend splits them."""
    values = {
        "filter": {"status__in": ["draft", "in-review"], "author": "3", "status": None},
        "ordering": ["-title", "created"],
        "search": "a b",
    }
    assert by_name("articles").native_arguments(values) == {
        "query": {
            "status__in": "draft,in-review",
            "author": "3",
            "ordering": "-title,created",
            "search": "a b",
        }
    }


def test_a_view_takes_what_its_request_has() -> None:
    native = by_name("reportCreate").native_arguments(
        {"query": {"pk": 1}, "parameters": None, "data": {"snake_case": True}}
    )
    assert native == {"query": {"pk": 1}, "data": {"snake_case": True}}


def test_one_type_is_paged_in_one_way() -> None:
    from tests.graphql.board import ArticleConsumer, Numbered, Registered

    class Other(ArticleConsumer):
        pagination_class: Any = Numbered
        filter_backends: Any = []

    with pytest.raises(ConfigurationError, match="the pages of Article by number"):
        derive([*REGISTRATIONS, Registered("others", Other, "other")])


class Own(BasePagination):
    pass


class Links(LimitOffsetPagination):
    offset_query_param = "skip"


@pytest.mark.parametrize(
    ("paginator", "arguments", "keys"),
    [
        (LimitOffset, ["limit", "offset"], ["count", "results", "limit", "offset"]),
        (Links, ["limit", "offset"], ["count", "results", "next", "previous"]),
        (Numbered, ["page", "pageSize"], ["count", "results", "next", "previous"]),
    ],
)
def test_each_paginator_has_its_page(paginator: Any, arguments: Any, keys: Any) -> None:
    class Consumer(PaginatedModelListMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer
        pagination_class = paginator

    derived = schema_of(Consumer)
    definition: Any = next(d for d in derived.definitions if d.name == "NotePage")
    assert [argument.name for argument in derived.operations[0].arguments] == arguments
    assert [field.name for field in definition.fields] == keys


def test_the_entries_of_the_query_are_the_paginators() -> None:
    class Consumer(PaginatedModelListMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer
        pagination_class = Links

    operation = operation_of(Consumer, "list")
    assert operation.native_arguments({"limit": 1, "offset": 2}) == {
        "query": {"limit": "1", "skip": "2"}
    }


def test_a_paginator_of_unknown_shape_gives_json() -> None:
    class Consumer(PaginatedModelListMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer
        pagination_class = Own

    assert operation_of(Consumer, "list").result == "JSON"


def test_a_list_that_is_not_paginated_ignores_the_paginator() -> None:
    """`ListModelMixin` answers every row, whatever `pagination_class` says."""

    class Consumer(ListModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer
        pagination_class = Numbered

    assert operation_of(Consumer, "list").result == "[Note!]"


def test_a_choice_that_may_be_blank_is_written_as_null() -> None:
    """GraphQL's null is DRF's blank, both ways."""

    class Blank(serializers.Serializer[Any]):
        level = serializers.ChoiceField(["a"], allow_blank=True)

    class Consumer(CreateModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = Blank

    derived = schema_of(Consumer)
    assert "level: BlankLevel\n" in definition_of(derived, "Blank")
    assert "level: BlankLevel\n" in definition_of(derived, "BlankInput")
