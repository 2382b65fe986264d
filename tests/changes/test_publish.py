"""What Django did not see is told by ``publish``."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, transaction

from dcrf_graph.observer import publish
from tests.changes.doubles import observed
from tests.testapp.models import KeyedByUUID, Note, Parcel, Place, Restaurant, Seat

pytestmark = pytest.mark.django_db(transaction=True)


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def test_rows_that_raw_sql_has_written_are_read_and_told() -> None:
    note = Note.objects.create(text="old")
    with observed(Note, body=lambda note: note.text) as reader:
        sql("UPDATE testapp_note SET text = %s", "new")
        publish(Note, [note.pk], "update")
        assert reader.read() == [("update", "observer", "new")]


@pytest.mark.parametrize("action", ["create", "update", "delete"])
async def test_on_an_event_loop_it_is_refused_and_says_what_to_do(action: str) -> None:
    """Its transaction is a thread's, and rows are read."""
    with observed(Note) as reader:
        with pytest.raises(SynchronousOnlyOperation, match=r"await sync_to_async\(publish\)"):
            publish(Note, [7], action)
        assert reader.read() == []
        await sync_to_async(publish)(Note, [7], "delete")
        assert [(action, body) for action, _, body in reader.read()] == [("delete", {"key": 7})]


def test_a_deletion_is_told_by_its_key() -> None:
    with observed(Note) as reader:
        publish(Note, [7, "8"], "delete")
        assert [event.pk for event in reader.events] == [7, 8]
        assert reader.read() == [("delete", "observer", {"key": pk}) for pk in (7, 8)]


def test_a_transaction_tells_it_when_it_commits_and_with_its_other_changes() -> None:
    with observed(Note, body=lambda note: note.text) as reader:
        with transaction.atomic():
            note = Note.objects.create(text="old")
            sql("UPDATE testapp_note SET text = %s", "new")
            publish(Note, [note.pk], "update")
            assert reader.read() == []
        assert reader.read() == [("create", "observer", "new")]
        with transaction.atomic():
            publish(Note, [note.pk], "update")
            transaction.set_rollback(True)
        assert reader.read() == []


def test_old_groups_are_named_as_the_observer_names_them() -> None:
    parcel = Parcel.objects.create(place=1)
    with observed(Parcel, "1", "2", group_by=lambda row: row.place) as reader:
        sql("UPDATE testapp_parcel SET place = 2")
        publish(Parcel, [parcel.pk], "update", old_groups=["1"])
        assert [(a, g) for a, g, _ in reader.read()] == [("delete", "1"), ("create", "2")]
        sql("DELETE FROM testapp_parcel")
        publish(Parcel, [parcel.pk], "delete", old_groups=["2"])
        assert [(a, g) for a, g, _ in reader.read()] == [("delete", "2")]


def test_parents_hear_of_their_children_and_keys_are_of_any_kind() -> None:
    child = Restaurant.objects.create(name="a")
    keyed = KeyedByUUID.objects.create(title="a")
    seat = Seat.objects.create(hall=1, number=2)
    with (
        observed(Place) as places,
        observed(KeyedByUUID, stable_id="keyed") as uuids,
        observed(Seat, stable_id="seats") as seats,
    ):
        publish(Restaurant, [child.pk], "update")
        publish(KeyedByUUID, [str(keyed.pk)], "update")
        publish(Seat, [seat.pk], "update")
        assert [event.pk for event in places.events] == [child.pk]
        assert [event.pk for event in uuids.events] == [keyed.pk]
        assert [event.pk for event in seats.events] == [(1, 2)]


def test_an_action_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="upsert"):
        publish(Note, [1], "upsert")


def test_children_are_found_however_many_rows_of_the_parent_are_told() -> None:
    child = Restaurant.objects.create(name="a")
    with observed(Restaurant, body=lambda row: row.name) as reader:
        publish(Place, range(child.pk, child.pk + 260_000), "update")
        assert reader.read() == [("update", "observer", "a")]
