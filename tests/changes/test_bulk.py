"""Writes without signals: an observed queryset tells them row by row, a batch at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from dcrf_graph.changes import bulk
from dcrf_graph.changes.capture import watch
from dcrf_graph.changes.hub import hub
from dcrf_graph.observer import ObservedQuerySet
from tests.changes.doubles import Observer, Reader, join, observed
from tests.changes.layers import RecordingLayer
from tests.changes.test_capture import queries
from tests.testapp.models import Seat, Shelf, Volume

pytestmark = pytest.mark.django_db(transaction=True)

SHELVES = ("1", "2", "3")


class Broken(Exception):
    """What a callback of the application raises."""


@pytest.fixture
def shelf() -> Iterator[Reader]:
    """Hears the volumes of each shelf, by their titles."""
    with observed(
        Volume, *SHELVES, group_by=lambda v: v.shelf_id, body=lambda v: v.title
    ) as reader:
        yield reader


@pytest.fixture(autouse=True)
def shelves() -> None:
    Shelf.objects.bulk_create([Shelf(pk=number) for number in (1, 2, 3)])


def volumes(*titles: str, shelf: int = 1) -> list[Volume]:
    return [Volume(title=title, isbn=title, shelf_id=shelf) for title in titles]


def key(pk: Any) -> dict[str, Any]:
    return {"key": pk}


def test_rows_that_are_inserted_together_are_creates(shelf: Reader) -> None:
    made = Volume.objects.bulk_create(volumes("a", "b"))
    assert [event.pk for event in shelf.events] == [volume.pk for volume in made]
    assert shelf.read() == [("create", "1", "a"), ("create", "1", "b")]


def test_rows_that_are_updated_together_are_updates_and_moves(shelf: Reader) -> None:
    one, two = Volume.objects.bulk_create(volumes("a", "b"))
    shelf.read()
    assert Volume.objects.filter(pk=one.pk).update(shelf=2) == 1
    assert shelf.read() == [("delete", "1", key(one.pk)), ("create", "2", "a")]
    assert Volume.objects.update(title=F("isbn"), shelf=3) == 2
    assert sorted(shelf.read(), key=str) == [  # the database has no order of them
        ("create", "3", "a"),
        ("create", "3", "b"),
        ("delete", "1", key(two.pk)),
        ("delete", "2", key(one.pk)),
    ]


def test_rows_with_keys_of_two_columns_are_updated_together() -> None:
    Seat.objects.create(hall=1, number=1)
    with observed(Seat, body=lambda seat: seat.guest) as reader:
        ObservedQuerySet(Seat).update(guest="Ann")
        assert reader.read() == [("update", "observer", "Ann")]


def test_an_update_of_nothing_is_nothing(shelf: Reader) -> None:
    assert Volume.objects.filter(title="none").update(shelf=2) == 0
    assert shelf.read() == []


def test_many_rows_are_updated_in_chunks_that_the_database_takes(shelf: Reader) -> None:
    Volume.objects.bulk_create(volumes(*map(str, range(2_000))))
    shelf.read()
    assert Volume.objects.update(title="new") == 2_000
    assert len(shelf.read()) == 2_000


def test_no_statement_has_more_parameters_than_the_database_takes(
    shelf: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Besides the keys, of which each may be several."""
    monkeypatch.setattr(bulk, "MAX_PARAMETERS", bulk.ROOM + 10)
    assert [len(chunk) for chunk in bulk.chunks([*range(25)], Volume, "default")] == [10, 10, 5]
    assert [len(chunk) for chunk in bulk.chunks([*range(12)], Seat, "default")] == [5, 5, 2]
    Volume.objects.bulk_create(volumes(*map(str, range(25))))
    assert queries(lambda: Volume.objects.update(title="new")).count("UPDATE") == 3
    assert len(shelf.read()) == 50


def test_objects_that_are_updated_together_know_where_they_are(shelf: Reader) -> None:
    one, two = Volume.objects.bulk_create(volumes("a", "b"))
    shelf.read()
    one.shelf_id, two.title = 2, "c"
    assert Volume.objects.bulk_update([one, two], ["shelf", "title"]) == 2
    assert [(action, group) for action, group, _ in shelf.read()] == [
        ("delete", "1"),
        ("create", "2"),
        ("update", "1"),
    ]
    one.shelf_id = 3
    one.save()
    assert [(action, group) for action, group, _ in shelf.read()] == [
        ("delete", "2"),
        ("create", "3"),
    ]


def test_what_a_conflict_has_left_alone_is_not_told(shelf: Reader) -> None:
    Volume.objects.bulk_create(volumes("a"))
    shelf.read()
    Volume.objects.bulk_create(volumes("a", "b"), ignore_conflicts=True)
    assert shelf.read() == [("create", "1", "b")]
    Volume.objects.bulk_create(Volume.objects.all(), ignore_conflicts=True)
    assert shelf.read() == []


def test_what_a_conflict_has_updated_is_an_update(shelf: Reader) -> None:
    Volume.objects.bulk_create(volumes("a"))
    shelf.read()
    Volume.objects.bulk_create(
        volumes("a", "b", shelf=2),
        update_conflicts=True,
        update_fields=["shelf"],
        unique_fields=["isbn"],
    )
    assert [(action, group) for action, group, _ in shelf.read()] == [
        ("delete", "1"),
        ("create", "2"),
        ("create", "2"),
    ]


def test_deletions_and_the_creating_methods_are_told(shelf: Reader) -> None:
    Volume.objects.get_or_create(isbn="a", defaults={"shelf_id": 1, "title": "a"})
    Volume.objects.get_or_create(isbn="a", defaults={"shelf_id": 1, "title": "x"})
    Volume.objects.update_or_create(isbn="a", defaults={"shelf_id": 2})
    Volume.objects.update_or_create(isbn="b", defaults={"shelf_id": 2})
    Volume.objects.all().delete()
    assert [(action, group) for action, group, _ in shelf.read()] == [
        ("create", "1"),
        ("delete", "1"),
        ("create", "2"),
        ("create", "2"),
        ("delete", "2"),
        ("delete", "2"),
    ]


async def test_the_asynchronous_methods_are_told_alike(shelf: Reader) -> None:
    one, _ = await Volume.objects.abulk_create(volumes("a", "b"))
    await Volume.objects.filter(isbn="b").aupdate(shelf=2)
    one.title = "c"
    await Volume.objects.abulk_update([one], ["title"])
    await Volume.objects.aupdate_or_create(isbn="b", defaults={"shelf_id": 3})
    await Volume.objects.filter(isbn="a").adelete()
    assert [action for action, *_ in shelf.read()] == [
        *("create", "create"),
        *("delete", "create"),
        "update",
        *("delete", "create"),
        "delete",
    ]


def test_related_managers_are_observed_too(shelf: Reader) -> None:
    first, second = Shelf.objects.filter(pk__lt=3)
    (one,) = first.volumes.bulk_create(volumes("a"))
    first.volumes.update(title="b")
    second.volumes.add(one)
    assert [(action, group) for action, group, _ in shelf.read()] == [
        ("create", "1"),
        ("update", "1"),
        ("delete", "1"),
        ("create", "2"),
    ]


def test_a_batch_that_is_rolled_back_was_never_there(shelf: Reader) -> None:
    with transaction.atomic():
        Volume.objects.bulk_create(volumes("a"))
        with transaction.atomic():
            Volume.objects.update(shelf=2)
            transaction.set_rollback(True)
    assert [(action, group) for action, group, _ in shelf.read()] == [("create", "1")]


def test_nobody_listening_costs_no_statement() -> None:
    def act() -> None:
        made = Volume.objects.bulk_create(volumes("a"))
        Volume.objects.update(title="b")
        Volume.objects.bulk_update(made, ["title"])

    plain = queries(act)
    observer = Observer(group_by=lambda volume: volume.title, stable_id="unheard")
    watch(Volume, observer)
    Volume.objects.all().delete()
    assert queries(act) == plain
    assert observer.serialized == []


def test_a_batch_is_one_message_of_the_layer_for_each_group(
    shelf: Reader, layer: RecordingLayer
) -> None:
    Volume.objects.bulk_create(volumes("a", "b", "c"))
    assert hub.drain(5)
    assert len(layer.sent) == 1


def test_who_listens_between_an_unheard_batch_and_its_commit_is_told_of_a_gap() -> None:
    observer = Observer(stable_id="late")
    watch(Volume, observer)
    reader = Reader("late")
    with transaction.atomic():
        Volume.objects.bulk_create(volumes("a"))
        join(reader, "late")
    hub.leave("late", reader)
    assert (len(reader.gaps), reader.events) == (1, [])
    with transaction.atomic():
        Volume.objects.update(title="b")
    assert len(reader.gaps) == 1


@pytest.mark.parametrize("inside", [True, False], ids=["in a savepoint", "outside"])
def test_the_gap_of_an_unheard_batch_is_told_though_a_callback_before_it_fails(
    inside: bool,
) -> None:
    def fail() -> None:
        raise Broken

    watch(Volume, observer := Observer(stable_id="late"))
    reader = Reader(observer.stable_id)
    with suppress(Broken), transaction.atomic():
        transaction.on_commit(fail)
        with transaction.atomic() if inside else nullcontext():
            Volume.objects.bulk_create(volumes("a"))
        join(reader, "late")
    hub.leave("late", reader)
    assert len(reader.gaps) == 1


def test_who_listens_between_a_batch_that_others_hear_and_its_commit_may_have_missed_a_move(
    shelf: Reader,
) -> None:
    """Which group it left nobody has asked for whoever was not there."""
    late = Reader("late")
    observer = Observer(group_by=lambda volume: volume.shelf_id, stable_id="late")
    watch(Volume, observer)
    Volume.objects.bulk_create(volumes("a"))
    with transaction.atomic():
        Volume.objects.update(shelf=2)
        join(late, "1")
    hub.leave("1", late)
    assert (len(late.gaps), shelf.gaps) == (1, [])
