"""The derived schema as a whole: its text, its validity, its errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ariadne import ObjectType, QueryType
from graphql import print_schema, validate_schema
from rest_framework import serializers

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.schema import derive
from dcrf_graph.mixins import ListModelMixin, RetrieveModelMixin
from tests.graphql.board import REGISTRATIONS, NoteSerializer, Registered
from tests.graphql.doubles import Client, reply, schema_of
from tests.testapp.models import Label, Note

GOLDEN = Path(__file__).parent / "board_like.graphql"
ROOT = Path(__file__).parents[2]
WRITE_GOLDEN = """
import django; django.setup()
from dcrf_graph.graphql.schema import derive
from tests.graphql.board import REGISTRATIONS
print(derive(REGISTRATIONS).sdl, end="")
"""


class NoteConsumer(ListModelMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.all()
    serializer_class: Any = NoteSerializer


def test_the_schema_of_a_board_like_application() -> None:
    """It is what a human has read; after a wanted change, run WRITE_GOLDEN and read it again."""
    assert derive(REGISTRATIONS).sdl == GOLDEN.read_text()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_text_does_not_depend_on_the_run(seed: str) -> None:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    text = subprocess.run(
        [sys.executable, "-c", WRITE_GOLDEN],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert text == GOLDEN.read_text()


def test_the_schema_is_valid_and_keeps_its_descriptions() -> None:
    schema = derive(REGISTRATIONS).schema
    assert validate_schema(schema) == []
    assert "Drafts are seen by their authors only." in print_schema(schema)


def test_every_operation_is_a_root_field() -> None:
    derived = derive(REGISTRATIONS)
    roots: dict[str, Any] = {
        "query": derived.schema.query_type,
        "mutation": derived.schema.mutation_type,
        "subscription": derived.schema.subscription_type,
    }
    assert {(kind, name) for kind, root in roots.items() for name in root.fields} == {
        (operation.kind, operation.name) for operation in derived.operations
    }


def test_a_schema_without_queries_has_a_placeholder() -> None:
    class Writer(AsyncAPIConsumer):
        @action()
        async def write(self, **kwargs: Any) -> str:
            return ""

    derived = schema_of(Writer)
    assert "_empty: Boolean" in derived.sdl
    assert validate_schema(derived.schema) == []


def test_no_consumers_give_a_valid_schema() -> None:
    assert validate_schema(derive([]).schema) == []


# -- extending ------------------------------------------------------------------------------


async def test_a_project_adds_fields_to_derived_types() -> None:
    """`extend type`, bound the Ariadne way; the parent is the native object."""
    note = ObjectType("Note")
    note.set_field("shout", lambda parent, info: parent["text"].upper())
    derived = derive(
        [Registered("notes", NoteConsumer, "note")], "extend type Note { shout: String! }", [note]
    )
    client = Client(derived, {"retrieve": reply({"pk": 1, "text": "quiet"})})
    result = await client.result("{ note(id: 1) { id shout } }")
    assert result == {"data": {"note": {"id": "1", "shout": "QUIET"}}}


async def test_a_project_adds_root_fields() -> None:
    query = QueryType()
    query.set_field("today", lambda *_: "2026-11-22")
    derived = derive(
        [Registered("notes", NoteConsumer, "note")],
        ["extend type Query { today: Date! }", "extend type Mutation { forget: Boolean }"],
        [query],
    )
    assert (await Client(derived).result("{ today }")) == {"data": {"today": "2026-11-22"}}


def test_own_sdl_that_does_not_fit_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="Nonsense"):
        derive([], "extend type Nonsense { a: Int }")
    with pytest.raises(ConfigurationError, match="no SDL"):
        derive([], "type {")


# -- names that clash -----------------------------------------------------------------------


def test_two_serializers_of_one_name_are_refused() -> None:
    """The error names both classes and the way out."""

    class Other:
        class NoteSerializer(serializers.ModelSerializer[Label]):
            class Meta:
                model = Label
                fields = ["id"]

    class LabelConsumer(ListModelMixin, GenericAsyncAPIConsumer):
        queryset = Label.objects.all()
        serializer_class = Other.NoteSerializer

    with pytest.raises(ConfigurationError) as caught:
        derive(
            [Registered("notes", NoteConsumer, "note"), Registered("labels", LabelConsumer, "l")]
        )
    message = str(caught.value)
    assert "tests.graphql.board.NoteSerializer" in message
    assert "Other.NoteSerializer" in message
    assert "graphql_name" in message


def test_a_serializer_may_name_its_type() -> None:
    class Renamed(NoteSerializer):
        class Meta(NoteSerializer.Meta):
            graphql_name = "Memo"

    class MemoConsumer(NoteConsumer):
        serializer_class = Renamed

    assert "things: [Memo!]" in schema_of(MemoConsumer).sdl


def test_a_type_that_graphql_has_is_refused() -> None:
    class QuerySerializer(NoteSerializer):
        pass

    class QueryConsumer(NoteConsumer):
        serializer_class = QuerySerializer

    with pytest.raises(ConfigurationError, match="'Query'"):
        schema_of(QueryConsumer)


def test_a_plural_that_is_its_singular_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="both become the query 'sheep'"):
        schema_of(NoteConsumer, "sheep", "sheep")


def test_two_fields_of_one_name_are_refused_with_their_place() -> None:
    class Twice(serializers.Serializer[Any]):
        due_date = serializers.DateField()
        dueDate = serializers.DateField()

    class Consumer(NoteConsumer):
        serializer_class = Twice

    with pytest.raises(ConfigurationError, match="Consumer > Twice: the fields 'due_date'"):
        schema_of(Consumer)


def test_a_field_whose_name_is_not_legal_is_refused_with_its_place() -> None:
    class Odd(serializers.Serializer[Any]):
        def get_fields(self) -> Any:
            return {"@id": serializers.CharField()}

    class Consumer(NoteConsumer):
        serializer_class = Odd

    with pytest.raises(ConfigurationError, match="Consumer > Odd > @id: '@id' is no legal"):
        schema_of(Consumer)


def test_a_name_for_introspection_is_refused() -> None:
    class Reserved(AsyncAPIConsumer):
        @action(graphql_name="__type")
        async def peek(self, **kwargs: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="Reserved > peek: '__type' starts with two"):
        schema_of(Reserved)


def test_a_serializer_that_needs_a_request_is_refused_with_its_place() -> None:
    class Needy(serializers.Serializer[Any]):
        def get_fields(self) -> Any:
            return self.context["request"].fields

    class Consumer(NoteConsumer):
        serializer_class = Needy

    with pytest.raises(ConfigurationError, match="Consumer > Needy: its fields cannot be read"):
        schema_of(Consumer)


def test_an_unknown_observer_is_refused_with_its_place() -> None:
    class Lost(AsyncAPIConsumer):
        @action(subscribes="nothing")
        async def subscribe_it(self, request_id: Any, **kwargs: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="Lost > subscribe_it"):
        schema_of(Lost)
