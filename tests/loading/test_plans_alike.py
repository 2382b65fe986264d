"""Any serializer, of fields of every kind: a plan writes what it writes, or there is none."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from dcrf_graph.loading.writing import written
from tests.kitchen.models import Course, Dish, Heat, Secret, Step, Supplier, Tag
from tests.soak import Count

pytestmark = pytest.mark.django_db

SERIALIZERS = Count("serializers that a plan writes as DRF does", full=20_000, part=250)
Make = Callable[[], Any]


class OwnField(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return str(value).upper()


class OwnSource(serializers.CharField):
    def get_attribute(self, instance: Any) -> Any:
        return f"of {instance.name}"


class ForReader(serializers.CharField):
    """Looks at who reads."""

    def to_representation(self, value: Any) -> str:
        return f"{value} for {self.context['reader']}"


class Harmless(serializers.CharField):
    """Of the application, but nothing in it has been changed."""

    default_error_messages = {"invalid": "No."}


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ("id", "name")


class SupplierSerializer(serializers.ModelSerializer[Supplier]):
    class Meta:
        model = Supplier
        fields = ("name", "country")


class OwnSupplier(SupplierSerializer):
    def to_representation(self, instance: Any) -> Any:
        return {"reader": self.context["reader"], **super().to_representation(instance)}


class FewerFields(SupplierSerializer):
    def get_fields(self) -> Any:
        fields = super().get_fields()
        if self.context.get("reader"):
            fields.pop("country")
        return fields


class SecretSerializer(serializers.ModelSerializer[Secret]):
    class Meta:
        model = Secret
        fields = ("text",)


class ChildSerializer(serializers.ModelSerializer[Step]):
    class Meta:
        model = Step
        fields = ("id", "text", "parent")


class StepSerializer(ChildSerializer):
    children = ChildSerializer(many=True)

    class Meta(ChildSerializer.Meta):
        fields = (*ChildSerializer.Meta.fields, "children")  # type: ignore[assignment]


class Inner(serializers.Serializer[Any]):
    name = serializers.CharField()


COLUMNS = [field.attname for field in Dish._meta.concrete_fields if field.name != "recipe"]
SIMPLE = ("CharField", "ReadOnlyField")
FITTING: dict[str, list[str]] = {
    "IntegerField": ["portions", "eaten", "heat", "price", "is_hot", "rating", "id", "supplier_id"],
    "FloatField": ["portions", "price", "rating", "is_hot"],
    "BooleanField": ["portions", "is_hot", "is_organic", "name", "eaten"],
    "DateField": ["since"],
    "TimeField": ["served_at"],
    "DateTimeField": ["created"],
    "DurationField": ["cooking"],
    "UUIDField": ["token"],
    "JSONField": ["notes", "name", "portions"],
    "DictField": ["notes"],
    "EmailField": ["contact", "name"],
    "URLField": ["website"],
    "SlugField": ["slug"],
    "IPAddressField": ["seen_from"],
}
PRICES: list[dict[str, Any]] = [
    {"max_digits": 8, "decimal_places": 2},
    {"max_digits": 9, "decimal_places": 3},
    {"max_digits": 8, "decimal_places": 1, "rounding": decimal.ROUND_UP},
    {"max_digits": None, "decimal_places": 2},
    {"max_digits": 8, "decimal_places": None},
    {"max_digits": 8, "decimal_places": 2, "coerce_to_string": False},
    {"max_digits": 8, "decimal_places": 2, "normalize_output": True},
    {"max_digits": 8, "decimal_places": 2, "localize": True},
]
DATED = {"DateField": "since", "TimeField": "served_at", "DateTimeField": "created"}
FORMATS: list[Any] = [None, "iso-8601", "%d %b %Y"]


def simple() -> dict[str, Make]:
    """Each class of DRF over each column that it can read."""
    made: dict[str, Make] = {}
    pairs = [(kind, column) for kind in SIMPLE for column in COLUMNS]
    pairs += [(kind, column) for kind, columns in FITTING.items() for column in columns]
    for kind, column in pairs:
        makes = getattr(serializers, kind)
        made[f"{kind} {column}"] = partial(makes, source=column)
    for number, options in enumerate(PRICES):
        for source in ("price", "portions", "double"):
            made[f"decimal {number} {source}"] = partial(
                serializers.DecimalField, source=source, **options
            )
    return made


POOL: dict[str, Make] = {
    **simple(),
    "choice": lambda: serializers.ChoiceField(Course.choices, source="course"),
    "number choice": lambda: serializers.ChoiceField(Heat.choices, source="heat"),
    "choice of others": lambda: serializers.ChoiceField(["A", "B"], source="grade"),
    "binary": lambda: serializers.JSONField(source="notes", binary=True),
    "zone": lambda: serializers.DateTimeField(
        source="created", default_timezone=ZoneInfo("Asia/Tokyo")
    ),
    "hex": lambda: serializers.UUIDField(source="token", format="hex"),
    "int": lambda: serializers.UUIDField(source="token", format="int"),
    **{
        f"{kind} {form}": partial(getattr(serializers, kind), source=source, format=form)
        for kind, source in DATED.items()
        for form in FORMATS
    },
    "property": lambda: serializers.CharField(source="title"),
    "display": lambda: serializers.CharField(source="get_course_display"),
    "missing with default": lambda: serializers.CharField(source="nothing", default="x"),
    "missing, not required": lambda: serializers.CharField(source="nothing", required=False),
    "missing, nullable": lambda: serializers.CharField(source="nothing.more", allow_null=True),
    "read only": lambda: serializers.CharField(source="name", read_only=True),
    "write only": lambda: serializers.CharField(source="name", write_only=True),
    "hidden": lambda: serializers.HiddenField(default="x"),
    "nullable": lambda: serializers.CharField(source="grade", allow_null=True),
    "default": lambda: serializers.CharField(source="grade", default="z"),
    "dotted": lambda: serializers.CharField(source="supplier.name", default=None),
    "dotted, nullable": lambda: serializers.CharField(source="supplier.name", allow_null=True),
    "dotted, required": lambda: serializers.CharField(source="supplier.name"),
    "key": lambda: serializers.PrimaryKeyRelatedField(source="supplier", read_only=True),
    "key as text": lambda: serializers.PrimaryKeyRelatedField(
        source="supplier", read_only=True, pk_field=serializers.CharField()
    ),
    "keys": lambda: serializers.PrimaryKeyRelatedField(source="tags", many=True, read_only=True),
    "steps' keys": lambda: serializers.PrimaryKeyRelatedField(
        source="steps", many=True, read_only=True
    ),
    "slug": lambda: serializers.SlugRelatedField("code", source="supplier", read_only=True),
    "slugs": lambda: serializers.SlugRelatedField("name", source="tags", many=True, read_only=True),
    "text of another": lambda: serializers.StringRelatedField(source="supplier"),
    "nested": lambda: SupplierSerializer(source="supplier"),
    "nested and read": lambda: SupplierSerializer(source="supplier", read_only=True),
    "many": lambda: TagSerializer(source="tags", many=True),
    "many of many": lambda: StepSerializer(source="steps", many=True),
    "one to one": lambda: SecretSerializer(source="secret", allow_null=True),
    "one to one, required": lambda: SecretSerializer(source="secret"),
    "itself": lambda: Inner(source="*"),
    "list": lambda: serializers.ListField(source="notes", child=serializers.CharField()),
    "own field": lambda: OwnField(source="name"),
    "own source": lambda: OwnSource(source="slug"),
    "for the reader": lambda: ForReader(source="name"),
    "harmless": lambda: Harmless(source="name"),
    "own serializer": lambda: OwnSupplier(source="supplier"),
    "fewer fields": lambda: FewerFields(source="supplier"),
}


class Base(serializers.ModelSerializer[Dish]):
    class Meta:
        model = Dish
        fields: Any = ()


class Method(Base):
    method = serializers.SerializerMethodField()

    def get_method(self, dish: Dish) -> str:
        return f"{dish.name} for {self.context['reader']}"


class Written(Base):
    def to_representation(self, instance: Any) -> Any:
        return {**super().to_representation(instance), "reader": self.context["reader"]}


class Choosing(Base):
    def get_fields(self) -> Any:
        fields = super().get_fields()
        return fields if self.context.get("reader") else dict(list(fields.items())[:-1])


BASES = [Base, Base, Base, Base, Base, Method, Written, Choosing]


def cook() -> None:
    """Three dishes, of which one has everything, one nothing, and one what is odd."""
    if Dish.objects.exists():
        return
    farm = Supplier.objects.create(name="Farm", code="farm", country="at")
    made = datetime.datetime(2026, 3, 29, 1, 30, tzinfo=datetime.UTC)
    rich = Dish.objects.create(
        name="soup",
        slug="a",
        course="starter",
        heat=2,
        diet="vegan",
        grade="A",
        portions=3,
        eaten=2**60,
        rating=1.5,
        is_organic=True,
        price=decimal.Decimal("12.50"),
        since=datetime.date(2020, 2, 29),
        served_at=datetime.time(12, 30, 0, 5),
        seen_from="::1",
        supplier=farm,
        cooking=datetime.timedelta(days=2, microseconds=1),
        notes={"a": [1, None]},
        website="https://example.org/",
        contact="a@example.org",
    )
    Dish.objects.create(name="", slug="b", price=0, is_hot=False, rating=-0.0)
    Dish.objects.create(
        name="1",
        slug="c",
        course="gone",
        heat=9,
        grade="?",
        eaten=-1,
        price=decimal.Decimal("-0.01"),
        portions=0,
        is_organic=False,
        rating=1e300,
        notes={},
    )
    Dish.objects.update(created=made)
    rich.tags.set([Tag.objects.create(name=name) for name in "ab"])
    Secret.objects.create(dish=rich, text="salt")
    step = Step.objects.create(dish=rich, text="cut")
    Step.objects.create(dish=rich, text="cook", parent=step)


@st.composite
def made(draw: st.DrawFn) -> Any:
    """A serializer class of several fields, and a selection of them."""
    names = draw(st.lists(st.sampled_from(sorted(POOL)), min_size=2, max_size=8, unique=True))
    base: Any = draw(st.sampled_from(BASES))
    attributes: dict[str, Any] = {f"f{number}": POOL[name]() for number, name in enumerate(names)}
    own = ("method",) if base is Method else ()
    listed = draw(st.lists(st.sampled_from(COLUMNS), max_size=2, unique=True))
    listed = [name.removesuffix("_id") for name in listed]
    meta = type("Meta", (), {"model": Dish, "fields": (*attributes, *own, *listed)})
    serializer = type("Made", (base,), {**attributes, "Meta": meta})
    keys = draw(st.none() | st.sets(st.sampled_from([*attributes, *own, *listed])))
    return serializer, keys, names


def told(work: Callable[[], Any]) -> str:
    """What comes of it, types and order of keys included; the class of an exception."""
    try:
        return repr(plain(work()))
    except Exception as error:
        return type(error).__name__


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.mark.long
@SERIALIZERS.mark
@SERIALIZERS.settings
@given(made(), st.sampled_from(["UTC", "Europe/Berlin"]), st.booleans())
def test_any_serializer_is_written_as_drf_writes_it(case: Any, zone: str, rows: bool) -> None:
    """For whoever reads, whole and each of its fields alone: two readers read the same."""
    serializer, keys, names = case
    cook()
    query = Dish.objects.order_by("pk")

    def of_drf(reader: str, wanted: Any) -> Any:
        whole = serializer(query.all(), many=True, context={"reader": reader})
        for key in list(whole.child.fields):
            if wanted is not None and key not in wanted:
                del whole.child.fields[key]
        return whole.data

    with timezone.override(zone):
        for wanted in (keys, *({f"f{number}"} for number in range(len(names)))):
            selection = None if wanted is None else dict.fromkeys(wanted)
            given_rows: Any = list(query) if rows else query.all()
            ours = told(partial(written, serializer, given_rows, selection))
            if ours != "None":
                theirs = [told(partial(of_drf, reader, wanted)) for reader in ("ada", "")]
                assert theirs == [ours, ours], (names, wanted)
