"""Each database commits alone, and PostgreSQL's transactions are told like SQLite's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from tests.changes.doubles import observed
from tests.testapp.models import Note, Parcel

pytestmark = pytest.mark.long


@pytest.fixture
def other(transactional_db: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[str]:
    """The alias of a second database, with a table of notes; for this test alone."""
    connections.settings["other"] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "other.sqlite3"),
        "OPTIONS": {},
    }
    with django_db_blocker.unblock():
        with connections["other"].schema_editor() as editor:
            editor.create_model(Note)
            editor.create_model(Parcel)
        yield "other"
        connections["other"].close()
    del connections["other"], connections.settings["other"]


def test_a_change_is_told_when_its_own_database_commits(other: str) -> None:
    with observed(Note, body=lambda note: note.text) as reader:
        with transaction.atomic():
            here = Note.objects.create(text="here")
            with transaction.atomic(using=other):
                Note.objects.using(other).create(pk=here.pk, text="there")
                assert reader.read() == []
            assert [(event.using, event.pk) for event in reader.events] == [(other, here.pk)]
            assert [body for *_, body in reader.read()] == ["there"]
        assert [event.using for event in reader.events] == ["default"]
        assert [body for *_, body in reader.read()] == ["here"]


def test_a_row_is_read_again_from_the_database_that_it_was_written_to(other: str) -> None:
    with observed(Note, body=lambda note: note.text) as reader:
        with transaction.atomic(using=other):
            note = Note.objects.using(other).create(text="committed")
            note.text = "not saved"
        assert [body for *_, body in reader.read()] == ["committed"]


def test_a_row_leaves_the_group_that_it_was_in_where_it_is_written(other: str) -> None:
    """An instance that was loaded from one database may be saved to another."""
    parcel = Parcel.objects.create(place=1)
    Parcel.objects.using(other).create(pk=parcel.pk, place=2)
    with observed(Parcel, "1", "2", group_by=lambda row: row.place) as reader:
        parcel.save(using=other)
        assert [(event.action, event.group) for event in reader.events] == [
            ("delete", "2"),
            ("create", "1"),
        ]


@pytest.mark.parametrize("name", ["test_journal.py", "test_outbox.py"])
def test_transactions_of_postgresql_are_told_alike(name: str, postgres_url: str) -> None:
    tests = Path(__file__).with_name(name)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)],
        env={**os.environ, "DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
