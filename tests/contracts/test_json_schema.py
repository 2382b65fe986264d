"""Serializers, fields and annotations as JSON Schema: what DRF writes and reads, natively."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from rest_framework import serializers

from dcrf_graph.contracts.definitions import Schemas
from dcrf_graph.contracts.json_schema import FIELD_SCHEMAS, register_field
from dcrf_graph.contracts.keywords import described, nullable
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.types import Types
from tests.testapp.models import Article, Author, Slugged


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Point(TypedDict):
    x: int
    y: NotRequired[float | None]


@dataclass
class Box:
    size: Size
    label: str = ""


class AuthorSerializer(serializers.ModelSerializer[Author]):
    class Meta:
        model = Author
        fields = ("id", "name")


class ArticleSerializer(serializers.ModelSerializer[Article]):
    """What is written about."""

    words = serializers.SerializerMethodField()

    class Meta:
        model = Article
        fields = ("id", "title", "status", "author", "estimate", "due", "labels", "words")

    def get_words(self, instance: Article) -> int | None:
        return None


class SinkSerializer(serializers.Serializer[Any]):
    flag = serializers.BooleanField()
    mail = serializers.EmailField(required=False)
    code = serializers.UUIDField()
    small = serializers.IntegerField(min_value=1, max_value=9, help_text="From one to nine.")
    ratio = serializers.FloatField(allow_null=True)
    price = serializers.DecimalField(max_digits=5, decimal_places=2)
    money = serializers.DecimalField(max_digits=5, decimal_places=2, coerce_to_string=False)
    moment = serializers.DateTimeField()
    stamp = serializers.DateTimeField(format="%s")
    day = serializers.DateField()
    colour = serializers.ChoiceField(choices=["red", "green"], allow_blank=True)
    colours = serializers.MultipleChoiceField(choices=["red", "green"])
    numbers = serializers.ListField(child=serializers.IntegerField(), max_length=3)
    prices = serializers.DictField(child=serializers.FloatField())
    anything = serializers.JSONField()
    picture = serializers.FileField(allow_null=True)
    author = AuthorSerializer()
    authors = AuthorSerializer(many=True, read_only=True)
    owner = serializers.PrimaryKeyRelatedField(queryset=Author.objects.all())
    page = serializers.SlugRelatedField(slug_field="title", queryset=Slugged.objects.all())
    secret = serializers.CharField(write_only=True, max_length=3)


@pytest.fixture
def schemas() -> Schemas:
    return Schemas("#/$defs/", Types())


def properties(schemas: Schemas, serializer: type, direction: Any) -> dict[str, Any]:
    name = schemas.named(serializer, direction, "Test")["$ref"].removeprefix("#/$defs/")
    found: dict[str, Any] = schemas.definitions[name]["properties"]
    return found


OUTPUT: dict[str, Any] = {
    "flag": {"type": "boolean"},
    "mail": {"type": ["string", "null"], "format": "email"},
    "code": {"type": "string", "format": "uuid"},
    "small": {"type": "integer", "description": "From one to nine."},
    "ratio": {"type": ["number", "null"]},
    "price": {"type": "string"},
    "money": {"type": "number"},
    "moment": {"type": "string", "format": "date-time"},
    "stamp": {"type": "string"},
    "day": {"type": "string", "format": "date"},
    "colour": {"enum": ["red", "green", ""]},
    "colours": {"type": "array", "items": {"enum": ["red", "green"]}, "uniqueItems": True},
    "numbers": {"type": "array", "items": {"type": "integer"}},
    "prices": {"type": "object", "additionalProperties": {"type": "number"}},
    "anything": {},
    "picture": {"type": ["string", "null"]},
    "author": {"$ref": "#/$defs/Author"},
    "authors": {"type": ["array", "null"], "items": {"$ref": "#/$defs/Author"}},
    "owner": {"type": "integer"},
    "page": {"type": "string"},
}
INPUT: dict[str, Any] = OUTPUT | {
    "mail": {"type": "string", "format": "email"},
    "page": {"type": "string", "maxLength": 200},
    "small": {"type": "integer", "minimum": 1, "maximum": 9, "description": "From one to nine."},
    "price": {"type": ["string", "number"]},
    "money": {"type": ["string", "number"]},
    "stamp": {"type": "string", "format": "date-time"},
    "numbers": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
    "picture": {"anyOf": [{"not": {}}, {"type": "null"}]},
    "author": {"$ref": "#/$defs/AuthorInput"},
    "secret": {"type": "string", "maxLength": 3},
}
del INPUT["authors"]


def test_every_field_has_the_schema_of_what_it_writes(schemas: Schemas) -> None:
    assert properties(schemas, SinkSerializer, "output") == OUTPUT


def test_every_field_has_the_schema_of_what_it_reads(schemas: Schemas) -> None:
    assert properties(schemas, SinkSerializer, "input") == INPUT


def test_what_a_column_may_hold_decides_about_null(schemas: Schemas) -> None:
    schemas.named(ArticleSerializer, "output", "Test")
    article = schemas.definitions["Article"]
    assert article["description"] == "What is written about."
    assert article["properties"]["author"] == {"type": ["integer", "null"]}
    assert article["properties"]["words"] == {"type": ["integer", "null"]}
    assert article["properties"]["id"] == {"type": "integer"}
    assert article["required"] == list(article["properties"])


def test_inputs_name_what_is_required_and_take_nothing_else(schemas: Schemas) -> None:
    schemas.named(ArticleSerializer, "input", "Test")
    schemas.named(ArticleSerializer, "patch", "Test")
    created, patched = (schemas.definitions[f"Article{name}"] for name in ("Input", "PatchInput"))
    assert created["required"] == ["title"]
    assert "required" not in patched
    assert created["additionalProperties"] is patched["additionalProperties"] is False


def test_two_serializers_of_one_name_are_an_error_that_names_both(schemas: Schemas) -> None:
    other = type("AuthorSerializer", (AuthorSerializer,), {"__module__": "other"})
    schemas.named(AuthorSerializer, "output", "Test")
    with pytest.raises(ConfigurationError, match=r"AuthorSerializer and other\.AuthorSerializer"):
        schemas.named(other, "output", "Test")


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Any, {}),
        (int | None, {"type": ["integer", "null"]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (list[uuid.UUID], {"type": "array", "items": {"type": "string", "format": "uuid"}}),
        (tuple[int, str], {"type": "array", "items": {}}),
        (dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Size | None, {"enum": ["small", "large", None]}),
        (datetime.date, {"type": "string", "format": "date"}),
        (decimal.Decimal, {"type": ["string", "number"]}),
        (AuthorSerializer, {"$ref": "#/$defs/AuthorInput"}),
        (object(), {}),
    ],
    ids=lambda value: str(value).partition(" at 0x")[0],
)
def test_annotations_of_arguments(annotation: Any, expected: Any, schemas: Schemas) -> None:
    assert schemas.annotated(annotation, "input", "Test") == expected


def test_typed_dicts_and_dataclasses_are_objects_of_their_names(schemas: Schemas) -> None:
    assert schemas.annotated(Point, "input", "Test") == {"$ref": "#/$defs/PointInput"}
    assert schemas.annotated(Box, "input", "Test") == {"$ref": "#/$defs/BoxInput"}
    point, box = schemas.definitions["PointInput"], schemas.definitions["BoxInput"]
    assert point["properties"] == {"x": {"type": "integer"}, "y": {"type": ["number", "null"]}}
    assert (point["required"], box["required"]) == (["x"], ["size"])


def test_a_field_of_an_app_can_be_given_a_schema(
    schemas: Schemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    class MoneyField(serializers.Field[Any, Any, Any, Any]):
        pass

    class PriceSerializer(serializers.Serializer[Any]):
        price = MoneyField()

    monkeypatch.setitem(FIELD_SCHEMAS, MoneyField, {})
    register_field(MoneyField, {"type": "string", "pattern": "^[0-9]+ EUR$"})
    found = properties(schemas, PriceSerializer, "input")["price"]
    assert found == {"type": "string", "pattern": "^[0-9]+ EUR$"}


def test_a_reference_is_described_and_made_nullable_from_outside() -> None:
    reference = {"$ref": "#/$defs/Card"}
    assert nullable(reference) == {"anyOf": [reference, {"type": "null"}]}
    assert described(reference, "A card.") == {"allOf": [reference], "description": "A card."}
