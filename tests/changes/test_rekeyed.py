"""A row that an observed queryset gives another key has gone, and another one has come."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.db import models, transaction
from django.db.models import Case, F, Func, Subquery, Value, When

from dcrf_graph.observer import ObservedQuerySet
from tests.changes.doubles import Reader, observed
from tests.testapp.models import (
    Booking,
    KeyedByUUID,
    Note,
    Parcel,
    ParcelByProxy,
    Place,
    Restaurant,
    Seat,
)

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of(model: type[models.Model]) -> Any:
    return ObservedQuerySet(model)


def told(reader: Reader) -> list[tuple[str | None, Any]]:
    """What was told of which key."""
    events, reader.events = reader.events, []
    return [(event.action, event.pk) for event in events]


@pytest.fixture
def notes() -> Iterator[Reader]:
    with observed(Note, body=lambda note: note.text) as reader:
        yield reader


def test_the_old_key_is_deleted_and_the_new_one_created(notes: Reader) -> None:
    note = Note.objects.create(text="a")
    notes.read()
    assert rows_of(Note).filter(text="a").update(id=str(note.pk + 9), text="b") == 1
    assert [event.pk for event in notes.events] == [note.pk, note.pk + 9]
    assert notes.read() == [("delete", "observer", {"key": note.pk}), ("create", "observer", "b")]


def test_an_expression_gives_each_row_its_own(notes: Reader) -> None:
    pks = [Note.objects.create(text="a").pk for _ in range(3)]
    notes.read()
    assert rows_of(Note).update(id=F("id") + 100) == 3
    assert sorted(told(notes)) == [
        *(("create", pk + 100) for pk in pks),
        *(("delete", pk) for pk in pks),
    ]
    assert notes.gaps == []


@pytest.mark.parametrize("wrap", [lambda rows: rows, Subquery], ids=["queryset", "subquery"])
def test_a_query_gives_it(notes: Reader, wrap: Any) -> None:
    pk = Note.objects.create(text="a").pk
    notes.read()
    parcel = Parcel.objects.create(place=pk + 9)
    rows_of(Note).update(id=wrap(Parcel.objects.filter(pk=parcel.pk).values("place")[:1]))
    assert told(notes) == [("delete", pk), ("create", pk + 9)]


def test_a_row_that_keeps_its_key_is_updated(notes: Reader) -> None:
    one, two = (Note.objects.create(text=text).pk for text in "ab")
    notes.read()
    new = Case(
        When(text="a", then=Value(one + 9)), default=F("id"), output_field=models.IntegerField()
    )
    rows_of(Note).update(id=new)
    assert sorted(told(notes)) == [
        ("create", one + 9),
        ("delete", one),
        ("update", two),
    ]


def test_it_leaves_the_group_that_it_was_in_and_is_created_where_it_is() -> None:
    pk = Parcel.objects.create(place=1).pk
    with observed(Parcel, "1", "2", group_by=lambda parcel: parcel.place) as reader:
        rows_of(ParcelByProxy).update(id=pk + 9, place=2)
        assert reader.read() == [("delete", "1", {"key": pk}), ("create", "2", pk + 9)]


def test_a_part_of_a_key_of_two_columns_makes_another_key() -> None:
    Seat.objects.create(hall=1, number=1)
    Seat.objects.create(hall=1, number=2)
    with observed(Seat, body=lambda seat: seat.number) as reader:
        rows_of(Seat).filter(number=2).update(hall=F("hall") + 1)
        assert told(reader) == [("delete", (1, 2)), ("create", (2, 2))]


def test_a_key_is_told_as_it_is_read() -> None:
    room, day = uuid.uuid4(), date(2026, 1, 2)
    Booking.objects.create(room=room, day=day)
    with observed(Booking, body=lambda booking: booking.floor) as reader:
        rows_of(Booking).update(day="2026-01-03")
        assert told(reader) == [("delete", (room, day)), ("create", (room, date(2026, 1, 3)))]


def test_what_is_rolled_back_is_not_told(notes: Reader) -> None:
    pk = Note.objects.create(text="a").pk
    notes.read()
    with transaction.atomic():
        rows_of(Note).update(id=pk + 9)
        transaction.set_rollback(True)
    assert (notes.events, notes.gaps) == ([], [])


def test_a_row_that_is_created_and_given_another_key_is_one_create(notes: Reader) -> None:
    with transaction.atomic():
        pk = Note.objects.create(text="a").pk
        rows_of(Note).update(id=pk + 9)
    assert told(notes) == [("create", pk + 9)]


class AnotherEachTime(Func):
    """A key that nobody knows before it is written."""

    template = "lower(hex(randomblob(16)))"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="gen_random_uuid()", **context)


def test_a_key_that_is_not_known_is_a_gap_and_the_old_one_is_deleted(notes: Reader) -> None:
    pk = KeyedByUUID.objects.create(title="a").pk
    with observed(KeyedByUUID, stable_id="keyed", body=lambda row: row.title) as reader:
        new = AnotherEachTime(output_field=models.UUIDField())
        assert rows_of(KeyedByUUID).update(id=new) == 1
        assert (told(reader), len(reader.gaps)) == ([("delete", pk)], 1)
    assert (notes.events, notes.gaps) == ([], [])


def test_the_key_of_a_parent_table_is_a_gap_for_its_children(notes: Reader) -> None:
    """Where the row of the child goes, another statement says."""
    pk = Restaurant.objects.create(name="a").pk
    with observed(Restaurant, stable_id="restaurants", body=lambda row: row.name) as reader:
        with transaction.atomic():
            rows_of(Place).update(id=pk + 9)
            rows_of(Restaurant).update(place_ptr=pk + 9)
        assert told(reader) == [("delete", pk), ("create", pk + 9)]
        assert (len(reader.gaps), notes.gaps) == (1, [])


def test_an_update_of_no_row_is_nothing(notes: Reader) -> None:
    assert rows_of(Note).update(id=7) == 0
    assert (notes.events, notes.gaps) == ([], [])
