"""What an application has told drf-spectacular is heard."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    PolymorphicProxySerializer,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from dcrf_graph.graphql.types import Types
from tests.graphql.board import LabelSerializer, NoteSerializer
from tests.graphql.test_fields import shape_of

PROXY: Any = PolymorphicProxySerializer(
    component_name="Subject",
    serializers=[LabelSerializer, NoteSerializer],
    resource_type_field_name=None,
)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (OpenApiTypes.FLOAT, "Float"),
        (OpenApiTypes.INT64, "BigInt"),
        (OpenApiTypes.DATETIME, "DateTime"),
        (OpenApiTypes.URI, "String"),
        (OpenApiTypes.OBJECT, "JSON"),
        (serializers.DecimalField(6, 2), "Decimal!"),
        (serializers.IntegerField(allow_null=True), "Int"),
        (serializers.DateField, "Date!"),
        (serializers.ListField(child=serializers.UUIDField()), "[UUID!]!"),
        (LabelSerializer, "Label!"),
        (LabelSerializer(), "Label!"),
        (LabelSerializer(many=True), "[Label!]!"),
        (int, "Int!"),
        (list[str], "[String!]!"),
        ({"type": "string", "format": "date-time"}, "DateTime"),
        ({"type": "array", "items": {"type": "integer"}}, "[Int!]"),
        ({"type": ["null", "boolean"]}, "Boolean"),
        ({"type": "object"}, "JSON"),
        (PROXY, "Subject"),
    ],
    ids=repr,
)
def test_a_method_field_has_the_type_that_spectacular_was_told(told: Any, expected: str) -> None:
    class Thing(serializers.Serializer[Any]):
        field = serializers.SerializerMethodField()

        @extend_schema_field(told)
        def get_field(self, obj):  # type: ignore[no-untyped-def]
            return obj

    assert shape_of(Thing, "output") == {"field": expected}


def test_a_field_class_has_the_type_that_spectacular_was_told() -> None:
    @extend_schema_field(OpenApiTypes.DATE)
    class Day(serializers.Field[Any, Any, Any, Any]):
        pass

    class Thing(serializers.Serializer[Any]):
        field = Day()

    assert shape_of(Thing, "output") == {"field": "Date!"}
    assert shape_of(Thing, "input") == {"field": "Date!"}


def test_a_serializer_has_the_name_and_the_words_that_spectacular_was_told() -> None:
    @extend_schema_serializer(
        component_name="Tag", deprecate_fields=["name"], description="A word on a card."
    )
    class Renamed(LabelSerializer):
        pass

    types = Types()
    assert types.named(Renamed, "output", "test") == "Tag"
    definition: Any = types.definitions.get("Tag")
    assert definition.description == "A word on a card."
    assert {field.name: field.deprecated for field in definition.fields} == {
        "id": None,
        "name": "No longer supported.",
    }
