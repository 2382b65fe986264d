"""The outbox keeps what was committed until it has been published, whoever dies meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings

from dcrf_graph.changes.capture import watch
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.relay import relay
from dcrf_graph.models import OutboxChange
from tests.changes.doubles import Observer, observed
from tests.changes.layers import RecordingLayer
from tests.testapp.models import Note, Parcel, Volume

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def outbox() -> Iterator[None]:
    """Whose saves became transactions, saves as before once the test has ended."""
    with override_settings(DCRF_GRAPH={"OUTBOX": True}):
        yield
    for model in apps.get_models():
        if "save_base" in vars(model):
            del model.save_base


def test_a_change_is_in_the_table_until_it_has_been_published(outbox: None) -> None:
    with observed(Note, body=lambda note: note.text) as reader:
        with transaction.atomic():
            note = Note.objects.create(text="a")
            assert OutboxChange.objects.get().key == note.pk
        assert reader.read() == [("create", "observer", "a")]
    assert not OutboxChange.objects.exists()


def test_a_change_that_is_rolled_back_leaves_nothing_in_the_table(outbox: None) -> None:
    with observed(Note), transaction.atomic():
        with transaction.atomic():
            Note.objects.create(text="a")
            transaction.set_rollback(True)
        assert not OutboxChange.objects.exists()


def test_a_save_is_a_transaction_even_without_one(outbox: None) -> None:
    """Else a crash could come between the row and its place in the outbox."""
    kept = []
    with observed(Note, body=lambda note: kept.append(OutboxChange.objects.count())):
        note = Note.objects.create(text="a")
        note.save_base(raw=True)
        assert kept == [1, 1]
        note.delete()
    assert not OutboxChange.objects.exists()


def test_what_the_layer_has_not_taken_stays_in_the_table(
    outbox: None, layer: RecordingLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("outbox", "relay"):
        monkeypatch.setattr(f"dcrf_graph.changes.{module}.LAYER_TIMEOUT", 0.01)
    may_take = threading.Event()

    async def stuck(group: str, message: object) -> None:
        may_take.wait(10)

    layer.group_send = stuck  # type: ignore[method-assign]
    observer = Observer(stable_id="elsewhere")
    watch(Note, observer)
    Note.objects.create(text="a")
    assert OutboxChange.objects.count() == 1
    with pytest.raises(TimeoutError):
        relay("default", grace=0)
    assert OutboxChange.objects.count() == 1
    may_take.set()
    assert hub.drain(10)
    assert relay("default", grace=0) == 1
    assert not OutboxChange.objects.exists()


def test_what_amounts_to_nothing_leaves_the_table_too(outbox: None) -> None:
    with observed(Note) as reader:
        with transaction.atomic():
            Note.objects.create(text="a").delete()
        assert reader.read() == []
    assert not OutboxChange.objects.exists()


def test_what_a_killed_process_has_left_is_relayed() -> None:
    stays, moves, goes = (Parcel.objects.create(place=1) for _ in range(3))
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.changes.crashing_process",
            str(connection.settings_dict["NAME"]),
        ],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        check=False,
    )
    assert run.returncode == -9
    assert OutboxChange.objects.count() == 5
    with observed(
        Parcel, "1", "2", group_by=lambda parcel: parcel.place, body=lambda parcel: parcel.title
    ) as reader:
        call_command("relay_changes", once=True, grace=0)
        assert [event.pk for event in reader.events][1:] == [stays.pk, moves.pk, moves.pk, goes.pk]
        assert reader.read() == [
            ("create", "1", "made"),
            ("update", "1", "changed"),
            ("delete", "1", {"key": moves.pk}),
            ("create", "2", ""),
            ("delete", "1", goes.pk),
        ]
    assert not OutboxChange.objects.exists()


def test_the_relay_leaves_what_its_own_process_is_about_to_publish(outbox: None) -> None:
    OutboxChange.objects.create(model="testapp.note", key=7, action="delete")
    with observed(Note) as reader:
        assert relay("default", grace=3_600) == 0
        assert relay("default", grace=0) == 1
        assert reader.read() == [("delete", "observer", {"key": 7})]


@pytest.mark.parametrize("batch", [2, 500])
def test_what_was_committed_together_is_relayed_as_its_net_change(
    outbox: None, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Whoever wrote into the table in between, and however many are taken at once."""
    monkeypatch.setattr("dcrf_graph.changes.relay.BATCH", batch)
    for key, action, name in ((7, "update", "a"), (8, "delete", "b"), (7, "delete", "a")):
        OutboxChange.objects.create(model="testapp.note", key=key, action=action, transaction=name)
    with observed(Note) as reader:
        assert relay("default", grace=0) == 3
        assert reader.read() == [("delete", "observer", {"key": key}) for key in (7, 8)]


def test_a_key_that_no_row_can_have_is_logged_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    OutboxChange.objects.create(model="testapp.note", key="seven", action="delete")
    OutboxChange.objects.create(model="testapp.note", key=8, action="delete")
    with observed(Note) as reader:
        assert relay("default", grace=0) == 2
        assert reader.read() == [("delete", "observer", {"key": 8})]
    assert "There is no row 'seven' of testapp.note" in caplog.messages


def test_a_column_that_cannot_be_read_as_a_trigger_saw_it_is_read_from_the_row() -> None:
    parcel = Parcel.objects.create(place=2)
    OutboxChange.objects.create(
        model="testapp.parcel",
        key=parcel.pk,
        action="update",
        by_trigger=True,
        old={"place": 1, "weight": "much"},
    )
    groups = ("1-0", "2-0")
    with observed(Parcel, *groups, group_by=lambda p: f"{p.place}-{p.weight}") as reader:
        assert relay("default") == 1
        assert [(action, group) for action, group, _ in reader.read()] == [
            ("delete", "1-0"),
            ("create", "2-0"),
        ]


def test_a_model_that_is_gone_is_logged_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    OutboxChange.objects.create(model="testapp.gone", key=7, action="delete")
    assert relay("default", grace=0) == 1
    assert "There is no model testapp.gone any more" in caplog.messages


def test_bulk_writes_are_kept_and_published_together(outbox: None) -> None:
    from tests.testapp.models import Shelf

    shelf = Shelf.objects.create()
    with observed(Volume) as reader:
        Volume.objects.bulk_create([Volume(isbn=str(number), shelf=shelf) for number in range(3)])
        Volume.objects.update(title="b")
        assert reader.actions() == ["create"] * 3 + ["update"] * 3
    assert hub.drain(5)
    assert not OutboxChange.objects.exists()


def test_the_migrations_make_the_table_as_the_model_has_it() -> None:
    with override_settings(MIGRATION_MODULES={}):
        call_command("makemigrations", "dcrf_graph", check=True, dry_run=True, verbosity=0)
