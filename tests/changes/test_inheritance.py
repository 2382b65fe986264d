"""A row of several tables is told to the observers of each, and composite keys are keys."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

from dcrf_graph.observer import publish
from tests.changes.doubles import Reader, observed
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
