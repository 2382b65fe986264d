"""A row of several tables is told to the observers of each, and composite keys are keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.core.serializers import deserialize, serialize
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

from dcrf_graph.observer import ObservedQuerySet, publish
from tests.changes.doubles import Reader, observed, tables
from tests.testapp.models import Booking, Place, Restaurant, Seat

pytestmark = pytest.mark.django_db(transaction=True)


def by_city(model: Any) -> Any:
    return observed(model, "1", "2", group_by=lambda row: row.city, body=lambda row: row.name)


def heard(reader: Reader) -> list[tuple[str, str, Any]]:
    return reader.read()


def test_a_child_is_created_moved_and_deleted_as_a_row_of_its_parent() -> None:
    with by_city(Place) as reader:
        child = Restaurant.objects.create(name="a", stars=1)
        assert heard(reader) == [("create", "1", "a")]
        child.city = 2
        child.save()
        assert heard(reader) == [("delete", "1", {"key": child.pk}), ("create", "2", "a")]
        child.delete()
        assert heard(reader) == [("delete", "2", "a")]


def test_an_observer_of_the_parent_gets_rows_of_it() -> None:
    with observed(Place, body=lambda row: type(row).__name__) as reader:
        Restaurant.objects.create(name="a").delete()
        assert {body for *_, body in heard(reader)} == {"Place"}


def test_a_parent_that_is_saved_by_itself_is_an_update_of_the_child() -> None:
    pk = Restaurant.objects.create(name="a").pk
    Place.objects.create(name="no restaurant")
    with by_city(Restaurant) as reader:
        for place in Place.objects.order_by("pk"):
            place.city = 2
            place.save()
        assert heard(reader) == [("delete", "1", {"key": pk}), ("create", "2", "a")]


def test_a_child_that_is_added_to_a_row_of_the_parent_is_an_update_there() -> None:
    place = Place.objects.create(name="a")
    with observed(Place) as places, observed(Restaurant, stable_id="child") as restaurants:
        Restaurant(place_ptr=place, name="b").save()
        assert places.actions() == ["update"]
        assert restaurants.actions() == ["create"]


def test_a_child_that_leaves_its_parent_is_a_delete_of_the_child_alone() -> None:
    restaurant = Restaurant.objects.create(name="a")
    with observed(Place) as places, observed(Restaurant, stable_id="child") as restaurants:
        restaurant.delete(keep_parents=True)
        assert places.actions() == []
        assert restaurants.actions() == ["delete"]


def test_a_fixture_of_a_child_is_told_of_the_parent_once() -> None:
    """By the parent's own line of it."""
    child = Restaurant.objects.create(name="a")
    text = serialize("json", [Place.objects.get(), child])
    child.delete()
    with observed(Place) as reader:
        for loaded in deserialize("json", text):
            loaded.save()
        assert reader.actions() == ["create"]


def test_a_child_loaded_before_a_move_leaves_the_group_that_it_was_loaded_in() -> None:
    Restaurant.objects.create(name="a")
    with by_city(Place) as reader:
        child = Restaurant.objects.get()
        child.city = 2
        child.save()
        assert [(action, group) for action, group, _ in heard(reader)] == [
            ("delete", "1"),
            ("create", "2"),
        ]


def test_a_row_with_a_composite_key_is_told_by_it() -> None:
    with observed(Seat, "1", "2", group_by=lambda seat: seat.hall + 0 * seat.number) as reader:
        seat = Seat.objects.create(hall=1, number=7)
        seat.guest = "a"
        seat.save()
        Seat.objects.get(pk=(1, 7)).delete()
        assert [(event.action, event.pk) for event in reader.events] == [
            (action, (1, 7)) for action in ("create", "update", "delete")
        ]


def test_composite_keys_that_are_read_again_are_read_together() -> None:
    with observed(Seat, body=lambda seat: seat.guest) as reader:
        with transaction.atomic():
            for number in (1, 2):
                Seat.objects.create(hall=1, number=number, guest=str(number))
        assert [body for *_, body in heard(reader)] == ["1", "2"]


def test_parts_of_a_composite_key_may_be_given_as_text() -> None:
    room, day = uuid4(), date(2026, 1, 2)
    Booking.objects.create(room=room, day=day)
    with observed(Booking) as reader:
        Booking(room=str(room), day="2026-01-02").save()
        publish(Booking, [(str(room), "2026-01-02")], "update")
        with transaction.atomic():
            Booking(room=str(room), day="2026-01-02").save()
            Booking.objects.get(pk=(room, day)).save()
        assert [(event.action, event.pk) for event in reader.events] == 3 * [
            ("update", (room, day))
        ]


@pytest.mark.parametrize("columns", [["stars"], ["stars", "city"], ["city"]])
def test_a_child_whose_columns_were_loaded_in_part_moves_as_a_row_of_its_parent(
    columns: list[str],
) -> None:
    pk = Restaurant.objects.create(name="a").pk
    with by_city(Place) as reader:
        child = Restaurant.objects.only(*columns).get()
        child.city = 2
        child.save()
        assert heard(reader) == [("delete", "1", {"key": pk}), ("create", "2", "a")]


def test_a_grandchild_whose_columns_were_loaded_in_part_moves_as_a_row_of_each_parent() -> None:
    with isolate_apps("tests.testapp"):

        class Bistro(Restaurant):
            menu = models.CharField(max_length=10)

            class Meta:
                app_label = "testapp"

        class BistroByProxy(Bistro):
            class Meta:
                app_label = "testapp"
                proxy = True

    with connection.schema_editor() as editor:
        editor.create_model(Bistro)
    try:
        pk = Bistro.objects.create(name="a", menu="m").pk
        for model in (Place, Restaurant):
            with by_city(model) as reader:
                child = BistroByProxy.objects.only("menu").get()
                child.city = 3 - child.city
                child.save()
                told = heard(reader)
                assert [action for action, *_ in told] == ["delete", "create"]
                assert told[0][2] == {"key": pk}
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Bistro)


@pytest.fixture
def parents() -> Iterator[Any]:
    """A child of two parents, with the key of the first; the second has relations."""
    with isolate_apps("tests.testapp"):

        class Tint(models.Model):
            class Meta:
                app_label = "testapp"

        class Left(models.Model):
            left_id = models.AutoField(primary_key=True)

            class Meta:
                app_label = "testapp"

        class Right(models.Model):
            right_id = models.AutoField(primary_key=True)
            size = models.IntegerField(default=0)
            tints: Any = models.ManyToManyField(Tint, related_name="rights")

            class Meta:
                app_label = "testapp"

        class Both(Left, Right):
            objects: Any = ObservedQuerySet.as_manager()

            class Meta:
                app_label = "testapp"

        with tables(Tint, Left, Right, Both):
            Right._base_manager.create()
            yield Both, Right, Tint._base_manager.create(), Both.objects.create(size=1)


@pytest.mark.parametrize(
    "write",
    [
        lambda both, tint: both.save(),
        lambda both, tint: both.right_ptr.save(),
        lambda both, tint: both.tints.add(tint),
        lambda both, tint: both.right_ptr.tints.add(tint),
        lambda both, tint: tint.rights.add(both.right_ptr),
        lambda both, tint: type(both).objects.update(size=3),
        lambda both, tint: publish(type(both), [both.pk], "update"),
        lambda both, tint: publish(type(both.right_ptr), [both.right_id], "update"),
    ],
    ids=["save", "parent", "add", "parent_adds", "is_added", "update", "publish", "publish_parent"],
)
def test_each_parent_is_told_by_its_own_key_and_the_child_of_what_is_written_into_a_parent(
    parents: Any, write: Any
) -> None:
    model, parent, tint, both = parents
    assert both.pk != both.right_id
    with (
        observed(model, many_to_many=True, stable_id="child") as child,
        observed(parent, many_to_many=True, stable_id="parent") as second,
    ):
        write(both, tint)
        assert child.read() == [("update", "child", both.pk)]
        assert second.read() == [("update", "parent", both.right_id)]


def test_what_is_published_of_a_parent_alone_is_nothing_of_the_child(parents: Any) -> None:
    model, parent, _, _ = parents
    alone = parent._base_manager.order_by("pk").first()
    with observed(model) as child:
        publish(parent, [alone.pk], "update")
        publish(parent, [alone.pk], "delete")
        assert child.read() == []


def test_a_relation_of_the_parent_changes_the_child_too() -> None:
    with isolate_apps("tests.testapp"):

        class Guide(models.Model):
            class Meta:
                app_label = "testapp"

        class Sight(models.Model):
            guides: Any = models.ManyToManyField(Guide)

            class Meta:
                app_label = "testapp"

        class Tower(Sight):
            class Meta:
                app_label = "testapp"

        with tables(Guide, Sight, Tower):
            guide, tower = Guide._base_manager.create(), Tower._base_manager.create()
            with observed(Tower, many_to_many=True) as reader:
                Sight._base_manager.get().guides.add(guide)
                Sight._base_manager.create().guides.add(guide)
                guide.delete()
                assert reader.read() == [("update", "observer", tower.pk)] * 2
