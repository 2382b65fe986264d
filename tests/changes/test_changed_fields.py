"""An update names the fields that it wrote, where they are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from dcrf_graph.observer import publish
from tests.changes.doubles import Reader, observed
from tests.testapp.models import (
    Author,
    Club,
    Letter,
    Member,
    Note,
    Parcel,
    ParcelByProxy,
    Shelf,
    Volume,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def parcels() -> Iterator[Reader]:
    """Hears the parcels of one place."""
    with observed(Parcel, "1", group_by=lambda parcel: parcel.place) as reader:
        yield reader


def named(reader: Reader) -> list[Any]:
    told = [json.loads(event.message).get("changed_fields") for event in reader.events]
    reader.read()
    return told


def test_a_save_names_what_differs_from_what_was_loaded(parcels: Reader) -> None:
    Parcel.objects.create(place=1)
    parcel = Parcel.objects.get()
    parcel.title, parcel.weight = "new", F("weight") + 1
    parcel.save()
    Parcel.objects.get().save()
    assert named(parcels) == [None, ["title", "weight"], []]


def test_a_transaction_names_what_all_its_updates_wrote(parcels: Reader) -> None:
    Parcel.objects.create(place=1)
    named(parcels)
    with transaction.atomic():
        for name in ("title", "weight"):
            parcel = Parcel.objects.get()
            setattr(parcel, name, 7)
            parcel.save(update_fields=[name])
    assert named(parcels) == [["title", "weight"]]


def test_without_loaded_values_it_is_what_the_save_was_told_to_write() -> None:
    letter = Letter.objects.create(text="a")
    with observed(Letter) as reader:
        letter.save(update_fields=["text"])
        letter.save()
        assert named(reader) == [["text"], None]


def test_statements_and_relations_name_what_they_write() -> None:
    shelf = Shelf.objects.create()
    author = Author.objects.create(name="a")
    member = Member.objects.create(name="m", mentor=author)
    Volume.objects.create(isbn="a", shelf=shelf)
    with observed(Volume) as volumes, observed(Member, stable_id="m", many_to_many=True) as members:
        Volume.objects.update(title="b", shelf_id=shelf.pk)
        assert named(volumes) == [["shelf", "title"]]
        member.clubs.add(Club.objects.create(name="chess"))
        author.delete()
        assert named(members) == [["clubs"], ["mentor"]]


def test_who_publishes_may_name_them() -> None:
    note = Note.objects.create(text="a")
    with observed(Note) as reader:
        publish(Note, [note.pk], "update", changed_fields=["text"])
        assert named(reader) == [["text"]]


def test_observers_of_a_model_and_of_its_proxy_hear_the_same_names() -> None:
    Parcel.objects.create(place=1)
    with (
        observed(Parcel, "1", group_by=lambda row: row.place) as parcels,
        observed(ParcelByProxy, "1", group_by=lambda row: row.place) as by_proxy,
    ):
        parcel = Parcel.objects.get()
        parcel.title = "new"
        parcel.save()
        # Both readers are in the group, and each hears both observers.
        assert named(parcels) == named(by_proxy) == [["title"]] * 2
