"""Whoever writes is heard alike: views of both kinds, threads, a manual transaction, workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.test.utils import isolate_apps
from django.urls import path

from dcrf_graph.changes.hub import hub
from dcrf_graph.observer import publish
from tests.changes.doubles import Reader, observed, tables
from tests.changes.layers import RecordingLayer
from tests.testapp.models import Note, Parcel, ParcelByProxy, Shelf, Volume

pytestmark = pytest.mark.django_db(transaction=True)


async def writes_async(request: HttpRequest) -> HttpResponse:
    note = await Note.objects.acreate(text="made")
    note.text = "saved"
    await note.asave()
    await note.adelete()
    return HttpResponse()


@sync_to_async
@transaction.atomic
def make_two() -> None:
    for text in ("one", "two"):
        Note.objects.create(text=text)
    assert reader_of_notes.read() == []


async def writes_in_a_block(request: HttpRequest) -> HttpResponse:
    await make_two()
    return HttpResponse()


def writes(request: HttpRequest) -> HttpResponse:
    Note.objects.create(text="made")
    if request.GET:
        raise RuntimeError("after the write")
    assert reader_of_notes.events == [], "told before the commit"
    return HttpResponse()


urlpatterns = [
    path("sync", writes),
    path("async", writes_async),
    path("block", writes_in_a_block),
]
reader_of_notes: Reader


@pytest.fixture
def notes() -> Iterator[Reader]:
    """Hears every note, by its text; the views know it."""
    global reader_of_notes
    with (
        override_settings(ROOT_URLCONF=__name__),
        # A name of its own: what two threads say of a row is read again for a while.
        observed(Note, body=lambda note: note.text, stable_id="writers") as reader_of_notes,
    ):
        yield reader_of_notes


def told(reader: Reader) -> list[tuple[str, Any]]:
    return [(action, body) for action, _, body in reader.read()]


async def test_an_asynchronous_view_is_heard(notes: Reader) -> None:
    await AsyncClient().get("/async")
    assert told(notes) == [("create", "made"), ("update", "saved"), ("delete", "saved")]
    await AsyncClient().get("/block")
    assert told(notes) == [("create", "one"), ("create", "two")]


def test_a_view_is_heard_and_one_that_fails_in_its_transaction_is_not(
    notes: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    for url in ("/sync", "/sync?fail=1"):
        client.get(url)
    assert told(notes) == [("create", "made")]


def test_what_a_manual_transaction_writes_outside_a_block_is_logged_and_not_told(
    notes: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    transaction.set_autocommit(False)
    try:
        Note.objects.create(text="nobody says when it commits")
        with transaction.atomic():
            Note.objects.create(text="in a block")
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert told(notes) == [("create", "in a block")]
    [message] = caplog.messages
    assert message.startswith("A change on 'default' is not told: autocommit is off")


def test_threads_that_write_at_once_are_told_each_in_its_order(notes: Reader) -> None:
    def write(name: str) -> None:
        for number in range(5):
            with transaction.atomic(durable=True):
                Note.objects.create(text=f"{name}{number}")
        connection.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    bodies = [body for _, body in told(notes)]
    assert len(bodies) == 15
    for name in "abc":
        assert [b for b in bodies if b[0] == name] == [f"{name}{n}" for n in range(5)]


def test_a_block_that_has_to_be_the_outermost_is_told_when_it_ends(notes: Reader) -> None:
    with transaction.atomic(durable=True):
        with transaction.atomic():
            note = Note.objects.create(text="one")
        note.text = "two"
        note.save()
        assert notes.read() == []
    assert told(notes) == [("create", "two")]


def test_the_rows_that_a_generic_relation_takes_along_are_deleted_from_their_groups() -> None:
    with isolate_apps("tests.testapp", "django.contrib.contenttypes"):

        class Remark(models.Model):
            content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
            object_id = models.IntegerField()
            about = GenericForeignKey()

            class Meta:
                app_label = "testapp"

        class Topic(models.Model):
            remarks = GenericRelation(Remark)

            class Meta:
                app_label = "testapp"

    with tables(Topic, Remark), observed(Remark, "7", group_by=lambda r: r.object_id) as reader:
        topic = Topic._base_manager.create(pk=7)
        made = [topic.remarks.create() for _ in range(2)]
        reader.read()
        topic.delete()
        assert sorted(reader.read()) == [("delete", "7", pk) for pk in (1, 2)]
        assert len(made) == 2


@pytest.fixture
def readers() -> Iterator[list[Reader]]:
    """Who hears notes, volumes, and parcels of one place as what they are and by their proxy."""
    place: Any = {"group_by": lambda parcel: parcel.place}
    with (
        observed(Note, stable_id="notes") as notes,
        observed(Volume, stable_id="volumes") as volumes,
        observed(Parcel, "1", stable_id="parcels", **place) as parcels,
        observed(ParcelByProxy, "1", stable_id="by proxy", **place),
    ):
        yield [notes, volumes, parcels]


def test_whatever_a_commit_writes_is_one_message_of_the_layer(
    readers: list[Reader], layer: RecordingLayer
) -> None:
    """Rows of several models, and more of them than a message holds of several commits."""
    shelf = Shelf.objects.create()
    with transaction.atomic():
        Note.objects.create(text="a").save()
        with transaction.atomic():
            Parcel.objects.create(place=1)
        Volume.objects.bulk_create([Volume(isbn=str(n), shelf=shelf) for n in range(600)])
        publish(Note, [Note.objects.get().pk], "update")
    assert hub.drain(10)
    assert [len(reader.events) for reader in readers] == [1, 600, 2]
    assert len(layer.sent) == 1


def test_a_save_of_its_own_is_one_message_whoever_observes_the_row(
    readers: list[Reader], layer: RecordingLayer
) -> None:
    Parcel.objects.create(place=1)
    assert hub.drain(10)
    assert len(readers[-1].events) == 2
    assert len(layer.sent) == 1
