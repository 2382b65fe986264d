"""What an observer fails to say of a commit is told as a gap to whom it concerns."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from dcrf_graph.changes import capture, events
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.publish import publish
from tests.changes.doubles import Observer, Reader, join, observed
from tests.testapp.models import Note, Parcel

pytestmark = pytest.mark.django_db(transaction=True)

Readers = tuple[Reader, Reader]


numbers = itertools.count()


def about(*broken: str) -> Callable[[Any], Any]:
    """The title of a row, but for these."""

    def body(row: Any) -> Any:
        if row.title in broken:
            raise RuntimeError(f"{row.title} cannot be told")
        return row.title

    return body


@pytest.fixture
def readers(caplog: pytest.LogCaptureFixture) -> Iterator[Readers]:
    """Who hears the first place, and the second, of an observer that fails on what is broken."""
    caplog.set_level(logging.ERROR, "dcrf_graph")
    # What was raised keeps the observers of the last test alive: these have another name.
    name, groups = f"places {next(numbers)}", {"group_by": lambda row: row.place}
    with observed(Parcel, "1", stable_id=name, body=about("broken"), **groups) as first:
        second = Reader(name)
        join(second, "2")
        yield first, second
        hub.leave("2", second)


@pytest.mark.parametrize("action", ["create", "update"])
def test_what_cannot_be_said_is_a_gap_of_the_groups_that_were_to_hear_it(
    readers: Readers, caplog: pytest.LogCaptureFixture, action: str
) -> None:
    first, second = readers
    parcel = Parcel(place=1, title="sound")
    if action == "update":
        parcel.save()
    parcel.title = "broken"
    with observed(Parcel, stable_id=f"other {action}", body=lambda row: row.title) as other:
        parcel.save()
        assert other.read() == [(action, f"other {action}", "broken")]
    assert (len(first.gaps), second.gaps, other.gaps) == (1, [], [])
    [record] = caplog.records
    assert record.exc_info
    assert "broken cannot be told" in str(record.exc_info[1])


def test_the_events_before_and_after_it_are_told(readers: Readers) -> None:
    with transaction.atomic():
        for title in ("one", "broken", "two"):
            Parcel.objects.create(place=1, title=title)
    assert [body for *_, body in readers[0].read()] == ["one", "two"]
    assert len(readers[0].gaps) == 1


def test_the_group_that_a_row_has_left_hears_so_though_the_new_one_hears_of_a_gap(
    readers: Readers,
) -> None:
    parcel = Parcel.objects.create(place=1)
    parcel.place, parcel.title = 2, "broken"
    parcel.save()
    first, second = readers
    assert (first.actions(), first.gaps) == (["create", "delete"], [])
    assert (second.actions(), len(second.gaps)) == ([], 1)


def test_a_row_that_fails_for_two_actions_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It stays in one group, and enters another."""

    class Both(Observer):
        def group_names_for_signal(self, *, instance: Any) -> Any:
            return ("all", str(instance.place))

    parcel = Parcel.objects.create(place=1)
    observer = Both(group_by=lambda row: row.place, body=about("broken"))
    capture.watch(Parcel, observer)
    reader = Reader(observer.stable_id)
    join(reader, "all", "2")
    parcel.place, parcel.title = 2, "broken"
    parcel.save()
    for group in ("all", "2"):
        hub.leave(group, reader)
    assert (len(reader.gaps), len(caplog.records)) == (2, 1)


def test_many_rows_that_fail_in_a_commit_are_one_gap(readers: Readers) -> None:
    with transaction.atomic():
        for _ in range(5):
            Parcel.objects.create(place=1, title="broken")
    assert len(readers[0].gaps) == 1


def test_what_json_cannot_say_is_a_gap(caplog: pytest.LogCaptureFixture) -> None:
    with observed(Parcel, body=lambda row: object()) as reader:
        Parcel.objects.create(place=1)
    assert (reader.events, len(reader.gaps), len(caplog.records)) == ([], 1, 1)


def test_where_the_groups_cannot_be_named_all_of_the_observer_hear_of_a_gap(
    readers: Readers, caplog: pytest.LogCaptureFixture
) -> None:
    def nowhere(row: Any) -> Any:
        raise RuntimeError("nobody knows where it is")

    with observed(Parcel, "3", "4", stable_id="lost", group_by=nowhere) as reader:
        Parcel.objects.create(place=1)
    assert (len(reader.gaps), len(caplog.records)) == (1, 1)
    assert (readers[0].actions(), readers[0].gaps) == (["create"], [])


def test_rows_that_cannot_be_read_are_a_gap(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*args: Any) -> Any:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(events, "read", unreachable)
    with observed(Parcel) as reader, observed(Note, stable_id="other") as other:
        publish(Parcel, [1, 2], "update")
    assert (reader.events, len(reader.gaps), other.gaps) == ([], 1, [])
    assert len(caplog.records) == 1


def test_a_commit_that_cannot_be_published_is_a_gap_for_all(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> Any:
        raise RuntimeError("something that nobody has thought of")

    monkeypatch.setattr(capture, "events_of_commit", fail)
    with observed(Parcel) as reader, observed(Note, stable_id="other") as other:
        Parcel.objects.create(place=1)
    assert (len(reader.gaps), len(other.gaps), len(caplog.records)) == (1, 1, 1)
