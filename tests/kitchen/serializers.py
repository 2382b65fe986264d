"""A serializer field of every class, and every way to nest them."""

from __future__ import annotations

import datetime
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, NotRequired, TypedDict

from django import forms
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from dcrf_graph.graphql.fields import register_field
from tests.kitchen.models import Course, Dish, Heat, Secret, Step, Supplier, Tag

HERE = Path(__file__).parent


class Weather(enum.Enum):
    """The weather, outside."""

    SUN = "sun"
    RAIN = "rain"


class Table(TypedDict):
    """Where somebody sits.

    Attributes:
        seats: How many can sit there.
    """

    number: int
    seats: int
    near: NotRequired[Literal["window", "door"]]


@dataclass
class Nutrition:
    """What is in a portion."""

    energy: int
    protein: Decimal
    vitamins: list[str]
    checked: datetime.date | None = None


class Money(serializers.Field[Any, Any, Any, Any]):
    """A field of the project's own."""

    def to_representation(self, value: Any) -> str:
        return str(value)

    def to_internal_value(self, data: Any) -> Decimal:
        return Decimal(data)


register_field(Money, "Decimal")


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["id", "name"]


class SupplierSerializer(serializers.ModelSerializer[Supplier]):
    """Where things come from."""

    class Meta:
        model = Supplier
        fields = ["id", "name", "code", "country"]


class SupplierCardSerializer(SupplierSerializer):
    """A supplier, and what comes from there."""

    dishes: Any = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)

    class Meta(SupplierSerializer.Meta):
        fields = [*SupplierSerializer.Meta.fields, "dishes"]


class SecretSerializer(serializers.ModelSerializer[Secret]):
    class Meta:
        model = Secret
        fields = ["text"]


class SummarySerializer(serializers.ModelSerializer[Dish]):
    """A dish, in short."""

    class Meta:
        model = Dish
        fields = ["title", "price"]


class StepSerializer(serializers.ModelSerializer[Step]):
    """A step, and the steps that it is made of."""

    class Meta:
        model = Step
        fields = ["id", "dish", "parent", "text"]

    def get_fields(self) -> Any:
        fields = super().get_fields()
        fields["children"] = StepSerializer(many=True, read_only=True)
        return fields


class DishSerializer(serializers.ModelSerializer[Dish]):
    """A dish.

    Prices are those of today.
    """

    supplier = SupplierSerializer(read_only=True)
    supplier_id = serializers.PrimaryKeyRelatedField(
        source="supplier", queryset=Supplier.objects.all(), allow_null=True, required=False
    )
    supplier_code: Any = serializers.SlugRelatedField(
        source="supplier", slug_field="code", read_only=True
    )
    supplier_country = serializers.ReadOnlyField(source="supplier.country")
    tags = TagSerializer(many=True, read_only=True)
    tag_ids = serializers.PrimaryKeyRelatedField(
        source="tags", queryset=Tag.objects.all(), many=True, write_only=True, required=False
    )
    tag_names: Any = serializers.SlugRelatedField(
        source="tags", slug_field="name", many=True, read_only=True
    )
    tag_texts: Any = serializers.StringRelatedField(source="tags", many=True, read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="dish-detail")
    secret = SecretSerializer(read_only=True)
    steps = StepSerializer(many=True, read_only=True)
    title = serializers.ReadOnlyField()
    summary = SummarySerializer(source="*", read_only=True)
    course_text = serializers.ReadOnlyField(source="get_course_display")
    nutrition = serializers.SerializerMethodField()
    tables = serializers.SerializerMethodField()
    weather = serializers.SerializerMethodField(help_text="For which it is made.")
    best_tag = serializers.SerializerMethodField()
    similar = serializers.SerializerMethodField()
    popularity = serializers.SerializerMethodField()
    history = serializers.SerializerMethodField()

    class Meta:
        model = Dish
        fields = [
            *("id", "name", "slug", "description", "course", "heat", "diet", "grade", "portions"),
            *("eaten", "rating", "price", "double", "is_hot", "is_organic", "token", "created"),
            *("since", "served_at", "cooking", "seen_from", "website", "contact", "recipe"),
            *("notes", "temperature", "supplier", "supplier_id", "supplier_code"),
            *("supplier_country", "tags", "tag_ids", "tag_names", "tag_texts", "url", "secret"),
            *("steps", "title", "summary", "course_text", "nutrition", "tables", "weather"),
            *("best_tag", "similar", "popularity", "history"),
        ]
        graphql_deprecated = {"eaten": "Count the orders.", "seen_from": "Not kept any more."}

    def get_nutrition(self, dish: Dish) -> Nutrition | None:
        """What is in a portion, where it has been measured."""

    def get_tables(self, dish: Dish) -> list[Table]:
        return []

    def get_weather(self, dish: Dish) -> Weather:
        return Weather.SUN

    def get_best_tag(self, dish: Dish) -> TagSerializer | None: ...

    def get_similar(self, dish: Dish) -> list[TagSerializer | SupplierSerializer]:
        return []

    @extend_schema_field(OpenApiTypes.FLOAT)
    def get_popularity(self, dish):  # type: ignore[no-untyped-def]
        return None

    def get_history(self, dish: Dish) -> Any:
        return {}


class EveryField(serializers.Serializer[Any]):
    """Every field class of DRF, required, and as it comes."""

    boolean = serializers.BooleanField()
    char = serializers.CharField()
    email = serializers.EmailField()
    regex = serializers.RegexField("^[a-z]+$")
    slug = serializers.SlugField()
    url = serializers.URLField()
    uuid = serializers.UUIDField()
    uuid_hex = serializers.UUIDField(format="hex")
    uuid_int = serializers.UUIDField(format="int")
    file_path = serializers.FilePathField(path=str(HERE), match=r"models\.py$")
    ip = serializers.IPAddressField()
    integer = serializers.IntegerField()
    big_integer = serializers.IntegerField(max_value=2**63 - 1)
    float = serializers.FloatField()
    decimal = serializers.DecimalField(8, 2)
    decimal_number = serializers.DecimalField(8, 2, coerce_to_string=False)
    decimal_local = serializers.DecimalField(8, 2, localize=True)
    date_time = serializers.DateTimeField()
    date_time_formatted = serializers.DateTimeField(format="%d.%m.%Y", input_formats=["%d.%m.%Y"])
    date = serializers.DateField()
    date_or_text = serializers.DateField(input_formats=["%d.%m.%Y", "iso-8601"])
    time = serializers.TimeField()
    duration = serializers.DurationField()
    choice = serializers.ChoiceField(choices=["a", "b-c", "1"])
    choice_of_class = serializers.ChoiceField(choices=Course.choices)
    choice_of_numbers = serializers.ChoiceField(choices=Heat.choices)
    choice_or_blank = serializers.ChoiceField(choices=["a"], allow_blank=True)
    choices = serializers.MultipleChoiceField(choices=["x", "y"])
    file = serializers.FileField()
    # Looking into the picture would need Pillow.
    image = serializers.ImageField(_DjangoImageField=forms.FileField)
    list = serializers.ListField()
    list_of_integers = serializers.ListField(child=serializers.IntegerField())
    list_of_nulls = serializers.ListField(child=serializers.CharField(allow_null=True))
    list_of_lists = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField())
    )
    dict = serializers.DictField()
    dict_of_integers = serializers.DictField(child=serializers.IntegerField())
    hstore = serializers.HStoreField()
    json = serializers.JSONField()
    json_text = serializers.JSONField(binary=True)
    model_field = serializers.ModelField(model_field=Dish._meta.get_field("price"))
    money = Money()
    only_read = serializers.ReadOnlyField()
    hidden = serializers.HiddenField(default=1)
    primary_key = serializers.PrimaryKeyRelatedField(queryset=Dish.objects.all())
    primary_keys = serializers.PrimaryKeyRelatedField(queryset=Tag.objects.all(), many=True)
    slug_related = serializers.SlugRelatedField(slug_field="slug", queryset=Dish.objects.all())
    slug_nullable = serializers.SlugRelatedField(
        slug_field="country", queryset=Supplier.objects.all()
    )
    string_related: Any = serializers.StringRelatedField()
    hyperlink = serializers.HyperlinkedRelatedField(
        view_name="dish-detail", queryset=Dish.objects.all()
    )
    nested = SupplierSerializer()
    nested_many = TagSerializer(many=True)
    nullable = serializers.CharField(allow_null=True)
    optional = serializers.CharField(required=False)
    defaulted = serializers.IntegerField(default=3)
    only_written = serializers.CharField(write_only=True)
    labelled = serializers.CharField(label="With a label")


def sample() -> SimpleNamespace:
    """What has a value for each field of ``EveryField``."""
    day = datetime.date(2026, 11, 22)
    clock = datetime.time(10, 44, 39)
    moment = datetime.datetime.combine(day, clock, datetime.UTC)
    key = uuid.UUID("0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d")
    supplier = Supplier(pk=1, name="Ada", code="ada")
    dish = Dish(pk=1, name="Soup", slug="soup", recipe="recipes/soup.txt")
    amount = Decimal("2.50")
    return SimpleNamespace(
        **dict.fromkeys(("char", "email", "regex", "slug"), "a@example.org"),
        **dict.fromkeys(("uuid", "uuid_hex", "uuid_int"), key),
        **dict.fromkeys(("decimal", "decimal_number", "decimal_local", "price", "money"), amount),
        **dict.fromkeys(("date_time", "date_time_formatted"), moment),
        **dict.fromkeys(("date", "date_or_text"), day),
        **dict.fromkeys(("file", "image"), dish.recipe),
        **dict.fromkeys(("primary_key", "slug_related", "string_related", "hyperlink"), dish),
        primary_keys=[Tag(pk=1, name="hot")],
        nested_many=[Tag(pk=2, name="cold")],
        list=[1, None],
        list_of_integers=[1, 2],
        dict={"a": [1]},
        dict_of_integers={"a": 1},
        json={"a": [None]},
        json_text=[1],
        boolean=True,
        url="https://example.org/",
        file_path=str(HERE / "models.py"),
        ip="127.0.0.1",
        integer=1,
        big_integer=2**40,
        float=1.5,
        time=clock,
        duration=datetime.timedelta(days=3, hours=4),
        choice="b-c",
        choice_of_class="main",
        choice_of_numbers=2,
        choice_or_blank="",
        choices=["x", "y"],
        list_of_nulls=["a", None],
        list_of_lists=[[1.0], []],
        hstore={"a": "b", "c": None},
        only_read={"anything": True},
        slug_nullable=supplier,
        nested=supplier,
        nullable=None,
        optional="",
        defaulted=3,
        labelled="",
    )


class Dine(serializers.Serializer[Any]):
    """What somebody ordered, in a way."""

    guest = serializers.CharField()


class EatIn(Dine):
    table = serializers.IntegerField()


class TakeAway(Dine):
    until = serializers.TimeField(allow_null=True)


class OrderSerializer(Dine):
    """An order, of either kind."""

    class Meta:
        graphql_name = "Order"
        graphql_types = {"in": EatIn, "away": TakeAway}
        graphql_discriminator = "kind"

    def to_internal_value(self, data: Any) -> Any:
        serializer = EatIn if data.get("kind") == "in" else TakeAway
        return serializer().run_validation(data)

    def to_representation(self, instance: Any) -> Any:
        serializer = EatIn if "table" in instance else TakeAway
        kind = "in" if serializer is EatIn else "away"
        return {"kind": kind, **serializer().to_representation(instance)}
