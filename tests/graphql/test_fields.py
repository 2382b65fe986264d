"""The table: each DRF field class, as it is read and as it is written."""

from __future__ import annotations

import copy
import datetime
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rest_framework import relations, serializers

from dcrf_graph.graphql.fields import FIELD_TYPES, register_field
from dcrf_graph.graphql.types import Types
from tests.graphql.board import ArticleSerializer, LabelSerializer
from tests.testapp.models import Article, Author, KeyedByUUID, Slugged

LEVELS = [(1, "Low"), (2, "High")]


def types_of(field: Any) -> tuple[str, str]:
    """The types of a required, writable field: read and written."""
    read, written = described(field)
    return read["field"], written["field"]


def described(field: Any) -> tuple[dict[str, str], dict[str, str]]:
    class Thing(serializers.Serializer[Any]):
        def get_fields(self) -> Any:
            return {"field": copy.deepcopy(field)}

    return shape_of(Thing, "output"), shape_of(Thing, "input")


def shape_of(serializer: Any, direction: Any) -> dict[str, str]:
    types = Types()
    name = types.named(serializer, direction, "test")
    if name == "JSON":
        return {"field": "-"}
    definition: Any = types.definitions.get(name)
    return {each.name: each.type for each in definition.fields}


@pytest.mark.parametrize(
    ("field", "read", "written"),
    [
        (serializers.BooleanField(), "Boolean!", "Boolean!"),
        (serializers.BooleanField(allow_null=True), "Boolean", "Boolean"),
        (serializers.CharField(), "String!", "String!"),
        (serializers.CharField(required=False), "String", "String"),
        (serializers.CharField(default="x"), "String!", "String"),
        (serializers.CharField(default=None), "String", "String"),
        (serializers.CharField(read_only=True), "String", "-"),
        (serializers.CharField(write_only=True), "-", "String!"),
        (serializers.EmailField(), "String!", "String!"),
        (serializers.RegexField("a+"), "String!", "String!"),
        (serializers.SlugField(), "String!", "String!"),
        (serializers.URLField(), "String!", "String!"),
        (serializers.UUIDField(), "UUID!", "UUID!"),
        (serializers.IPAddressField(), "String!", "String!"),
        (serializers.IntegerField(), "Int!", "Int!"),
        (serializers.IntegerField(max_value=2**31 - 1), "Int!", "Int!"),
        (serializers.IntegerField(max_value=2**31), "BigInt!", "BigInt!"),
        (serializers.IntegerField(min_value=-(2**40)), "BigInt!", "BigInt!"),
        (serializers.FloatField(), "Float!", "Float!"),
        (serializers.DecimalField(6, 2), "Decimal!", "Decimal!"),
        (serializers.DateTimeField(), "DateTime!", "DateTime!"),
        (serializers.DateTimeField(format="%H"), "String!", "DateTime!"),
        (serializers.DateTimeField(format=None), "DateTime!", "DateTime!"),
        (serializers.DateField(), "Date!", "Date!"),
        (serializers.DateField(input_formats=["%d.%m.%Y"]), "Date!", "String!"),
        (serializers.TimeField(), "Time!", "Time!"),
        (serializers.DurationField(), "Duration!", "Duration!"),
        (serializers.ChoiceField(LEVELS), "ThingField!", "ThingField!"),
        (serializers.ChoiceField(LEVELS, allow_blank=True), "ThingField", "ThingField"),
        (serializers.ChoiceField([]), "String!", "String!"),
        (serializers.MultipleChoiceField(choices=LEVELS), "[ThingField!]!", "[ThingField!]!"),
        (serializers.FilePathField("/usr"), "String!", "String!"),
        (serializers.FileField(), "String", "Upload!"),
        (serializers.ImageField(), "String", "Upload!"),
        (serializers.ListField(), "[JSON]!", "[JSON]!"),
        (serializers.ListField(child=serializers.IntegerField()), "[Int!]!", "[Int!]!"),
        (
            serializers.ListField(child=serializers.DateField(allow_null=True)),
            "[Date]!",
            "[Date]!",
        ),
        (
            serializers.ListField(child=serializers.ListField(child=serializers.CharField())),
            "[[String!]!]!",
            "[[String!]!]!",
        ),
        (serializers.ListField(child=serializers.ChoiceField(LEVELS)), *["[ThingField!]!"] * 2),
        (serializers.DictField(), "JSON!", "JSON!"),
        (serializers.HStoreField(), "JSON!", "JSON!"),
        (serializers.JSONField(), "JSON", "JSON!"),
        (serializers.ReadOnlyField(), "JSON", "-"),
        (serializers.HiddenField(default=1), "-", "-"),
        (serializers.ModelField(Article._meta.get_field("title")), "String!", "String!"),
        (serializers.PrimaryKeyRelatedField(queryset=Author.objects.all()), "ID!", "ID!"),
        (
            serializers.PrimaryKeyRelatedField(queryset=Author.objects.all(), many=True),
            "[ID!]!",
            "[ID!]!",
        ),
        (
            serializers.SlugRelatedField(slug_field="name", queryset=Author.objects.all()),
            "String!",
            "String!",
        ),
        (
            serializers.SlugRelatedField(slug_field="created", queryset=Article.objects.all()),
            "DateTime!",
            "DateTime!",
        ),
        (serializers.StringRelatedField(), "String", "-"),
        (serializers.StringRelatedField(many=True), "[String!]!", "-"),
        (
            serializers.HyperlinkedRelatedField("author-detail", queryset=Author.objects.all()),
            "String",
            "String!",
        ),
        (serializers.HyperlinkedIdentityField("author-detail"), "String", "-"),
        (LabelSerializer(), "Label!", "LabelInput!"),
        (LabelSerializer(many=True), "[Label!]!", "[LabelInput!]!"),
        (LabelSerializer(allow_null=True), "Label", "LabelInput"),
        (LabelSerializer(many=True, read_only=True), "[Label!]", "-"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_a_field_class_has_its_type(field: Any, read: str, written: str) -> None:
    assert types_of(field) == (read, written)


def test_every_field_class_of_drf_is_in_the_table() -> None:
    """A class that DRF adds is found here before a user finds it."""
    known = {
        value
        for module in (serializers, relations)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, serializers.Field)
    }
    bases = {serializers.Field, serializers.HiddenField, relations.RelatedField}
    missing = {
        cls.__name__
        for cls in known - bases
        if not any(base in FIELD_TYPES for base in cls.__mro__[: -len(serializers.Field.__mro__)])
    }
    assert missing == set()


def test_every_field_class_is_in_the_documentation() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "types.md").read_text()
    own = {cls.__name__ for cls in FIELD_TYPES if cls.__module__.startswith("rest_framework.")}
    public = {name for name in own if not name.startswith("_")}
    assert {name for name in public if f"`{name}`" not in page} == set()


def test_a_project_registers_its_own_field() -> None:
    class MoneyField(serializers.Field[Any, Any, Any, Any]):
        def to_representation(self, value: Any) -> Any:
            return str(value)

    register_field(MoneyField, "Decimal")
    try:
        assert types_of(MoneyField()) == ("Decimal!", "Decimal!")
    finally:
        del FIELD_TYPES[MoneyField]


def test_an_unknown_field_is_read_by_its_annotation() -> None:
    class Halved(serializers.Field[Any, Any, Any, Any]):
        def to_representation(self, value: Any) -> float:
            return float(value / 2)

    assert types_of(Halved()) == ("Float!", "JSON!")


def test_a_subclass_has_the_type_of_its_base() -> None:
    class Title(serializers.CharField):
        pass

    assert types_of(Title()) == ("String!", "String!")


# -- method fields ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, "Int!"),
        (str | None, "String"),
        (list[str], "[String!]!"),
        (list[int | None], "[Int]!"),
        (dict[str, int], "JSON!"),
        (datetime.datetime, "DateTime!"),
        (datetime.date | None, "Date"),
        (datetime.timedelta, "Duration!"),
        (uuid.UUID, "UUID!"),
        (Decimal, "Decimal!"),
        (Article.Status, "ArticleStatus!"),
        (LabelSerializer, "Label!"),
        (list[LabelSerializer], "[Label!]!"),
        (int | str, "JSON!"),
        (tuple[int, ...], "[Int!]!"),
        (Any, "JSON"),
    ],
    ids=str,
)
def test_a_method_field_is_typed_by_its_annotation(annotation: Any, expected: str) -> None:
    class Thing(serializers.Serializer[Any]):
        field = serializers.SerializerMethodField()

        def get_field(self, obj: Any) -> Any: ...

    Thing.get_field.__annotations__["return"] = annotation
    assert shape_of(Thing, "output") == {"field": expected}


def test_a_method_field_without_an_annotation_is_json() -> None:
    class Thing(serializers.Serializer[Any]):
        field = serializers.SerializerMethodField()

        def get_field(self, obj):  # type: ignore[no-untyped-def]
            return obj

    assert shape_of(Thing, "output") == {"field": "JSON"}


# -- model serializers --------------------------------------------------------------------------


def test_a_model_serializer_follows_its_model() -> None:
    """Nulls come from the columns, reads and writes from the fields."""
    assert shape_of(ArticleSerializer, "output") == {
        "id": "ID!",
        "title": "String!",
        "body": "String!",
        "status": "ArticleStatus!",
        "author": "ID",
        "labels": "[Label!]!",
        "estimate": "Decimal",
        "due": "Date",
        "created": "DateTime!",
        "wordCount": "Int!",
    }


def test_everything_is_optional_in_a_patch() -> None:
    assert not any(text.endswith("!") for text in shape_of(ArticleSerializer, "patch").values())


def test_a_key_is_an_id_whatever_it_is_called() -> None:
    class Keyed(serializers.ModelSerializer[KeyedByUUID]):
        class Meta:
            model = KeyedByUUID
            fields = ["pk", "title"]

    class Unkeyed(serializers.ModelSerializer[Slugged]):
        class Meta:
            model = Slugged
            fields = ["slug"]

    assert shape_of(Keyed, "output") == {"id": "ID!", "title": "String!"}
    assert shape_of(Unkeyed, "output") == {"slug": "String!"}


def test_a_key_that_is_listed_twice_is_one_id() -> None:
    class Twice(serializers.ModelSerializer[Author]):
        class Meta:
            model = Author
            fields = ["id", "pk", "name"]

    assert shape_of(Twice, "output") == {"id": "ID!", "name": "String!"}


def test_read_only_fields_follow_source_and_property() -> None:
    class Followed(serializers.ModelSerializer[Article]):
        author_name = serializers.ReadOnlyField(source="author.name")
        state = serializers.ReadOnlyField(source="get_status_display")
        written = serializers.DateTimeField(source="created", read_only=True)
        owner = serializers.IntegerField(source="author_id", read_only=True)
        first_label = serializers.CharField(source="labels.first.name", read_only=True)

        class Meta:
            model = Article
            fields = ["author_name", "state", "written", "owner", "first_label"]

    assert shape_of(Followed, "output") == {
        "authorName": "String",
        "state": "String!",
        "written": "DateTime!",
        "owner": "ID",
        "firstLabel": "String",
    }


def test_depth_makes_named_types() -> None:
    """DRF generates a class per field; it is named by its place."""

    class Deep(serializers.ModelSerializer[Article]):
        class Meta:
            model = Article
            fields = ["author", "labels"]
            depth = 1

    assert shape_of(Deep, "output") == {"author": "DeepAuthor", "labels": "[DeepLabels!]!"}


def test_a_serializer_may_contain_itself() -> None:
    class Tree(serializers.Serializer[Any]):
        name = serializers.CharField()

        def get_fields(self) -> Any:
            fields = super().get_fields()
            if not isinstance(self.parent, serializers.ListSerializer):
                fields["children"] = Tree(many=True)
            return fields

    assert shape_of(Tree, "output")["children"] == "[Tree!]!"
    assert shape_of(Tree, "patch")["children"] == "[TreePatchInput!]"


def test_help_texts_are_descriptions() -> None:
    class Helped(serializers.Serializer[Any]):
        field = serializers.CharField(help_text="  What it\n  is for. ")

    types = Types()
    definition: Any = types.definitions.get(types.named(Helped, "output", "test"))
    assert definition.fields[0].description == "What it\nis for."


def test_a_serializer_without_fields_is_json() -> None:
    class Nothing(serializers.Serializer[Any]):
        pass

    class Plain(serializers.BaseSerializer[Any]):
        pass

    assert Types().named(Nothing, "output", "test") == "JSON"
    assert Types().named(Plain, "output", "test") == "JSON"
