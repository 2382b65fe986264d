"""A plan writes what DRF's serializers write, or leaves it to them."""

from __future__ import annotations

import datetime
import decimal
import functools
import gc
import uuid
import weakref
from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet, Value
from django.db.models.signals import post_init
from django.test import override_settings
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from dcrf_graph.loading.overrides import KEPT
from dcrf_graph.loading.representation import loading
from dcrf_graph.loading.writing import written
from examples.board.models import Card
from examples.board.serializers import CardSerializer, UserSerializer
from tests.kitchen.models import Course, Dish, Heat, Supplier, Tag
from tests.loading.shelf import ROWS, BasicsSerializer, DeepSerializer, filled
from tests.loading.test_differences import QUERIES
from tests.queries import counted

pytestmark = pytest.mark.django_db

PLANNED = {
    "AuthoredSerializer",
    "BasicsSerializer",
    "CardSerializer",
    "ColumnWithCardsSerializer",
    "DeepSerializer",
}


@pytest.mark.filterwarnings("ignore:Calling select_related")
@pytest.mark.parametrize("named", QUERIES)
@pytest.mark.parametrize("serializer", ROWS, ids=lambda each: each.__name__)
def test_the_data_are_those_of_drf(serializer: Any, named: str) -> None:
    filled()
    rows = QUERIES[named](ROWS[serializer]._default_manager)
    data = written(serializer, rows if isinstance(rows, list) else rows.all())
    assert (data is not None) == (serializer.__name__ in PLANNED)
    if data is not None:
        assert data == serializer(QUERIES[named](ROWS[serializer]._default_manager), many=True).data


class SupplierSerializer(serializers.ModelSerializer[Supplier]):
    class Meta:
        model = Supplier
        fields = ("id", "name", "code", "country")


class DishSerializer(serializers.ModelSerializer[Dish]):
    """Every field of DRF that says no more than the value of its column."""

    supplier = SupplierSerializer()
    supplied_by: Any = serializers.PrimaryKeyRelatedField(source="supplier", read_only=True)
    tag_ids: Any = serializers.PrimaryKeyRelatedField(source="tags", many=True, read_only=True)
    portions_text = serializers.CharField(source="portions")
    price_number = serializers.DecimalField(8, 2, coerce_to_string=False, source="price")
    day = serializers.DateTimeField(source="created", format="%d.%m.%Y")
    plain_token = serializers.UUIDField(source="token", format="hex")
    raw = serializers.ReadOnlyField(source="grade")
    key = serializers.IntegerField(source="supplier_id")

    class Meta:
        model = Dish
        exclude = ("double", "recipe", "temperature")


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
MOMENTS = st.datetimes(
    datetime.datetime(1980, 1, 1), datetime.datetime(2100, 1, 1), timezones=st.just(datetime.UTC)
)
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "name": TEXTS,
    "description": TEXTS,
    "course": st.sampled_from([*Course.values, "gone"]),
    "heat": st.sampled_from(Heat.values),
    "diet": st.sampled_from(["", "vegan", "no nuts"]),
    "grade": st.sampled_from([None, "A+", "B"]),
    "portions": st.integers(0, 32_000),
    "eaten": st.integers(-(2**63), 2**63 - 1),
    "rating": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "price": st.decimals(0, 9999, places=2),
    "is_hot": st.booleans(),
    "is_organic": st.none() | st.booleans(),
    "token": st.uuids(),
    "created": MOMENTS,
    "since": st.none() | st.dates(),
    "served_at": st.none() | st.times(),
    "cooking": st.timedeltas(datetime.timedelta(0), datetime.timedelta(days=900)),
    "seen_from": st.none() | st.ip_addresses().map(str),
    "notes": st.dictionaries(TEXTS, st.none() | st.integers(-9, 9) | TEXTS, max_size=2),
}


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries(dict(VALUES)), max_size=3),
    supplied=st.lists(st.booleans(), min_size=3, max_size=3),
    keys=st.none() | st.sets(st.sampled_from([*DishSerializer().fields])),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
)
def test_any_row_and_any_selection_is_written_as_drf_writes_it(
    rows: list[dict[str, Any]], supplied: list[bool], keys: set[str] | None, zone: str
) -> None:
    Dish.objects.all().delete()
    supplier, _ = Supplier.objects.get_or_create(name="Farm", code="farm")
    tag, _ = Tag.objects.get_or_create(name="new")
    for row, is_supplied in zip(rows, supplied, strict=False):
        dish = Dish.objects.create(
            **row, slug=uuid.uuid4().hex, supplier=supplier if is_supplied else None
        )
        # What is created now has this moment.
        Dish.objects.filter(pk=dish.pk).update(created=row["created"])
        dish.tags.set([tag] if is_supplied else [])
    query = Dish.objects.order_by("pk")
    selection = None if keys is None else dict.fromkeys(keys)
    with timezone.override(zone):
        data = written(DishSerializer, query, selection)
        whole = DishSerializer(query, many=True).data
    wanted = [{k: v for k, v in row.items() if keys is None or k in keys} for row in whole]
    assert data == wanted
    assert [list(row) for row in data or ()] == [list(row) for row in wanted]


def test_columns_alone_are_read_where_they_are_enough() -> None:
    filled()
    with counted() as queries:
        assert written(BasicsSerializer, Card.objects.order_by("pk"))
    assert len(queries) == 1
    assert "description" not in str(queries)


def test_many_rows_of_many_relations_cost_a_constant_number_of_queries() -> None:
    filled(cards=20)
    with counted() as queries:
        assert written(CardSerializer, Card.objects.order_by("pk"))
    assert len(queries) == 2, queries


def test_whoever_listens_to_instances_being_made_hears_of_them() -> None:
    filled(cards=2)
    heard: list[Any] = []

    def hear(instance: Any, **kwargs: Any) -> None:
        heard.append(instance)

    post_init.connect(hear, sender=Card)
    try:
        written(BasicsSerializer, Card.objects.order_by("pk"))
    finally:
        post_init.disconnect(hear, sender=Card)
    assert len(heard) == 2


class Shouting(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return str(value).upper()


class OwnField(BasicsSerializer):
    title = Shouting()


class OwnWay(BasicsSerializer):
    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {}


class OwnFields(BasicsSerializer):
    def get_fields(self) -> Any:
        return {"title": Shouting()}


class OwnBirth(BasicsSerializer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class OwnUser(UserSerializer):
    username = Shouting()


class OwnInside(BasicsSerializer):
    assignee = OwnUser()


class OwnList(serializers.ListSerializer[Any]):
    pass


class Listed(BasicsSerializer):
    class Meta(BasicsSerializer.Meta):
        list_serializer_class = OwnList


class Local(serializers.DateTimeField):
    def default_timezone(self) -> Any:
        return self.context["request"].user.zone


class OwnZone(BasicsSerializer):
    created: Any = Local()

    class Meta(BasicsSerializer.Meta):
        fields = ("title", "created")


class Formatted(serializers.DateField):
    @property
    def format(self) -> Any:
        return self.context["request"].format

    @format.setter
    def format(self, value: Any) -> None:
        pass


class OwnFormat(OwnZone):
    created = Formatted()


class Greeting(serializers.CharField):
    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)
        self.greeting = parent.context["request"].greeting


class OwnBinding(BasicsSerializer):
    title = Greeting()


metaclass: Any = type(BasicsSerializer)
MadeByCalling = metaclass(
    "MadeByCalling", (BasicsSerializer,), {"to_representation": lambda self, row: {}}
)
OWN = [
    OwnField,
    OwnWay,
    OwnFields,
    OwnBirth,
    OwnInside,
    Listed,
    OwnZone,
    OwnFormat,
    OwnBinding,
    MadeByCalling,
    functools.partial(BasicsSerializer),
]


@pytest.mark.parametrize("serializer", OWN, ids=lambda each: getattr(each, "__name__", "function"))
def test_what_the_application_has_changed_is_left_to_drf(serializer: Any) -> None:
    assert written(serializer, Card.objects.order_by("pk")) is None


def test_what_the_application_has_changed_does_not_matter_where_it_is_not_selected() -> None:
    filled(cards=1)
    assert written(OwnField, Card.objects.order_by("pk"), {"assignee": {"id": None}}) is not None
    assert written(OwnField, Card.objects.order_by("pk"), {"title": None}) is None


def test_a_field_that_the_application_has_changed_for_input_only_is_planned() -> None:
    class Trimmed(serializers.CharField):
        def to_internal_value(self, data: Any) -> str:
            return super().to_internal_value(data).strip()

    class Trimming(BasicsSerializer):
        title = Trimmed()

    assert written(Trimming, Card.objects.order_by("pk")) == []


class Masked(QuerySet[Card]):
    def _fetch_all(self) -> None:
        super()._fetch_all()
        for row in self._result_cache or ():
            row.title = "***"


def test_what_a_queryset_does_to_its_rows_is_seen() -> None:
    filled(cards=1)
    [row] = written(BasicsSerializer, Masked(Card).order_by("pk")) or []
    assert row["title"] == "***"


def test_a_serializer_class_that_is_made_for_each_call_is_not_kept() -> None:
    def made() -> Any:
        return type("Made", (serializers.Serializer,), {"title": serializers.CharField()})

    first = made()
    assert written(first, Card.objects.order_by("pk")) == []
    gone = weakref.ref(first)
    del first
    for _ in range(KEPT):
        written(made(), Card.objects.order_by("pk"))
    gc.collect()
    assert gone() is None


class Counted(serializers.ModelSerializer[Card]):
    count = serializers.IntegerField(source="how_many")

    class Meta:
        model = Card
        fields = ("title", "count")


def test_what_can_be_read_only_once_is_not_read() -> None:
    filled(cards=2)
    rows = (row for row in Card.objects.order_by("pk"))
    assert written(BasicsSerializer, rows) is None
    assert len(list(rows)) == 2


def test_annotations_are_read_with_the_columns() -> None:
    filled()
    rows = Card.objects.annotate(how_many=Value(3)).order_by("pk")
    assert written(Counted, rows) == list(Counted(rows, many=True).data)
    grouped = Card.objects.annotate(how_many=Count("comments")).order_by("pk")
    assert written(Counted, grouped) == list(Counted(grouped, many=True).data)


def test_an_attribute_that_is_missing_is_told_by_drf() -> None:
    filled(cards=1)
    assert written(Counted, Card.objects.order_by("pk")) is None


def test_settings_of_drf_are_followed() -> None:
    supplier = Supplier.objects.create(name="Farm", code="farm")
    Dish.objects.create(name="Soup", slug="soup", price=decimal.Decimal("2.5"), supplier=supplier)
    for as_text in (True, False):
        with override_settings(REST_FRAMEWORK={"COERCE_DECIMAL_TO_STRING": as_text}):
            data = written(DishSerializer, Dish.objects.order_by("pk"), {"price": None})
            assert data == [{"price": "2.50" if as_text else decimal.Decimal("2.50")}]


def test_moments_are_written_as_they_are_where_there_are_no_time_zones() -> None:
    supplier = Supplier.objects.create(name="Farm", code="farm")
    with override_settings(USE_TZ=False, TIME_ZONE="Europe/Berlin"):
        Dish.objects.create(name="Soup", slug="soup", price=1, supplier=supplier)
        rows = Dish.objects.order_by("pk")
        assert written(DishSerializer, rows) == list(DishSerializer(rows, many=True).data)


class InMemory(serializers.ModelSerializer[Dish]):
    tags: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = Dish
        fields = ("name", "portions", "is_hot", "rating", "since", "created", "tags")


@pytest.mark.parametrize(
    "held",
    [
        {"name": 5, "portions": "7", "is_hot": "true", "rating": "1.5"},
        {"since": "2026-11-22"},
        {"created": "2026-11-22T10:44"},
        {"created": datetime.datetime(2026, 11, 22, 10, 44)},
        {"created": None, "name": None},
    ],
)
def test_what_the_application_puts_into_a_row_is_written_as_drf_writes_it(held: Any) -> None:
    rows = [Dish(**{"name": "Soup", **held}), Dish(name="Stew")]
    with timezone.override("Europe/Berlin"):
        data = written(InMemory, rows) or loading(InMemory(rows, many=True)).data
        assert data == InMemory(rows, many=True).data


def test_what_is_gone_meanwhile_is_null() -> None:
    filled(cards=2)
    rows = list(Card.objects.filter(assignee__isnull=False))
    User.objects.all().delete()
    data = written(BasicsSerializer, rows) or loading(BasicsSerializer(rows, many=True)).data
    assert [row["assignee"] for row in data] == [None]


def test_a_serializer_deep_inside_is_written_too() -> None:
    filled()
    rows = Card.objects.order_by("pk")
    selection = {"id": None, "comments": {"author": {"username": None}}}
    whole = DeepSerializer(rows, many=True).data
    assert written(DeepSerializer, rows, selection) == [
        {
            "id": row["id"],
            "comments": [
                {"author": c["author"] and {"username": c["author"]["username"]}}
                for c in row["comments"]
            ],
        }
        for row in whole
    ]
