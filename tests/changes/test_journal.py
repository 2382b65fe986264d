"""Only what was committed is told, each row once, when the whole transaction has been committed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import ref

import pytest
from django.db import connections, transaction

from dcrf_graph.changes.journal import journal_of
from tests.changes.doubles import Reader, observed
from tests.testapp.models import Note, Parcel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notes() -> Iterator[Reader]:
    """Hears every note, by its text."""
    with observed(Note, body=lambda note: note.text) as reader:
        yield reader


class Undo(Exception):
    """Rolls a block back."""


def rolled_back(*changes: Callable[..., object]) -> None:
    """Make changes in a savepoint, or a transaction, that is rolled back."""
    with suppress(Undo), transaction.atomic():
        for change in changes:
            change()
        raise Undo


def written(text: str) -> partial[Note]:
    return partial(Note.objects.create, text=text)


def texts(reader: Reader) -> list[tuple[str, str]]:
    return [(action, body) for action, _, body in reader.read()]


def test_without_a_transaction_a_change_is_told_at_once(notes: Reader) -> None:
    note = Note.objects.create(text="made")
    assert texts(notes) == [("create", "made")]
    note.delete()
    assert texts(notes) == [("delete", "made")]


def test_nothing_is_told_before_the_outermost_commit(notes: Reader) -> None:
    with transaction.atomic():
        with transaction.atomic():
            written("inner")()
        written("outer")()
        assert notes.read() == []
    assert texts(notes) == [("create", "inner"), ("create", "outer")]


def test_a_transaction_that_is_rolled_back_was_never_there(notes: Reader) -> None:
    rolled_back(written("undone"))
    assert notes.read() == []


def test_the_last_change_may_be_rolled_back_while_earlier_ones_survive(notes: Reader) -> None:
    with transaction.atomic():
        written("first")()
        rolled_back(written("undone"))
    assert texts(notes) == [("create", "first")]


def test_the_first_change_may_be_rolled_back_while_later_ones_survive(notes: Reader) -> None:
    with transaction.atomic():
        rolled_back(written("undone"))
        written("last")()
    assert texts(notes) == [("create", "last")]


def test_a_savepoint_takes_the_committed_ones_inside_it_along(notes: Reader) -> None:
    def kept() -> None:
        with transaction.atomic():
            written("committed in vain")()

    with transaction.atomic():
        written("before")()
        rolled_back(kept, written("undone"))
        with transaction.atomic():
            rolled_back(kept)
            written("after")()
    assert texts(notes) == [("create", "before"), ("create", "after")]


def test_a_commit_after_a_rollback_tells_nothing_of_what_was_rolled_back(notes: Reader) -> None:
    rolled_back(written("undone"))
    with transaction.atomic():
        written("done")()
    assert texts(notes) == [("create", "done")]


def test_transactions_one_after_the_other_are_told_one_by_one(notes: Reader) -> None:
    with transaction.atomic():
        note = written("first")()
    assert texts(notes) == [("create", "first")]
    with transaction.atomic():
        note.text = "second"
        note.save()
    assert texts(notes) == [("update", "second")]


def test_several_changes_of_a_row_are_one_event(notes: Reader) -> None:
    with transaction.atomic():
        note = written("one")()
        note.text = "two"
        note.save()
        note.text = "three"
        note.save()
    assert texts(notes) == [("create", "three")]


def test_what_is_created_and_deleted_in_one_transaction_is_nothing(notes: Reader) -> None:
    with transaction.atomic():
        written("short-lived")().delete()
        other = written("other")()
        other.delete()
    assert notes.read() == []


def test_what_is_deleted_and_created_again_is_an_update(notes: Reader) -> None:
    note = written("old")()
    pk = note.pk
    notes.read()
    with transaction.atomic():
        note.delete()
        Note.objects.create(pk=pk, text="new")
    assert texts(notes) == [("update", "new")]


def test_an_update_whose_deletion_is_rolled_back_is_an_update(notes: Reader) -> None:
    note = written("old")()
    notes.read()
    with transaction.atomic():
        note.text = "new"
        note.save()
        rolled_back(Note.objects.get(pk=note.pk).delete)
    assert texts(notes) == [("update", "new")]


def test_a_value_that_was_saved_in_a_rolled_back_savepoint_is_not_told(notes: Reader) -> None:
    note = written("old")()
    notes.read()
    with transaction.atomic():
        note.text = "committed"
        note.save()
        note.text = "undone"
        rolled_back(note.save)
    assert texts(notes) == [("update", "committed")]


def test_rows_are_told_in_the_order_of_their_first_changes(notes: Reader) -> None:
    with transaction.atomic():
        first, second = written("first")(), written("second")()
        second.save()
        first.save()
    assert texts(notes) == [("create", "first"), ("create", "second")]


def test_one_transaction_is_one_batch_for_several_models(notes: Reader) -> None:
    with observed(Parcel, stable_id="parcels") as parcels, transaction.atomic():
        written("note")()
        Parcel.objects.create(place=1)
        assert (notes.read(), parcels.read()) == ([], [])
        with transaction.atomic():
            pass
        assert (notes.read(), parcels.read()) == ([], [])
    assert (notes.actions(), parcels.actions()) == (["create"], ["create"])


def test_callbacks_of_the_application_may_come_in_between(notes: Reader) -> None:
    called: list[str] = []
    with transaction.atomic():
        transaction.on_commit(partial(called.append, "first"))
        written("one")()
        transaction.on_commit(partial(called.append, "second"))
        rolled_back(written("undone"), partial(transaction.on_commit, called.clear))
    assert (called, texts(notes)) == (["first", "second"], [("create", "one")])


def test_a_callback_that_changes_the_row_again_is_told_after_the_change_before(
    notes: Reader,
) -> None:
    with transaction.atomic():
        note = written("one")()

        def again() -> None:
            note.text = "two"
            note.save()

        transaction.on_commit(again)
        written("other")()
    assert texts(notes) == [("create", "two"), ("update", "two"), ("create", "other")]


def test_a_callback_that_changes_the_row_and_rolls_back_tells_nothing(notes: Reader) -> None:
    with transaction.atomic():
        note = written("one")()

        def again() -> None:
            note.text = "undone"
            rolled_back(note.save)

        transaction.on_commit(again)
        written("other")()
    assert texts(notes) == [("create", "one"), ("create", "other")]


def fail() -> None:
    raise Undo


def test_a_failing_callback_stops_no_event(notes: Reader) -> None:
    """Django drops the callbacks behind it; what is told is told once."""

    @transaction.atomic
    def write() -> None:
        transaction.on_commit(fail)
        written("behind it")()
        rolled_back(written("undone"))
        with transaction.atomic():
            written("inside")()
        transaction.on_commit(fail)
        written("behind both")()

    with pytest.raises(Undo):
        write()
    assert [text for _, text in texts(notes)] == ["behind it", "inside", "behind both"]
    written("next")()
    assert texts(notes) == [("create", "next")]


def test_a_failing_callback_between_two_changes_of_a_row_leaves_one_event(notes: Reader) -> None:
    with suppress(Undo), transaction.atomic():
        note = written("one")()
        transaction.on_commit(fail)
        note.text = "two"
        note.save()
    assert texts(notes) == [("create", "two")]


def test_a_callback_that_writes_and_then_fails_stops_no_event(notes: Reader) -> None:
    def write_and_fail() -> None:
        with transaction.atomic():
            transaction.on_commit(fail)
            written("by the callback")()

    with suppress(Undo), transaction.atomic():
        written("before")()
        transaction.on_commit(write_and_fail)
        written("after")()
    assert [text for _, text in texts(notes)] == ["before", "by the callback", "after"]


def test_a_row_that_a_callback_changes_before_it_is_told_is_told_as_it_is_then(
    notes: Reader,
) -> None:
    with transaction.atomic():
        note = written("one")()
        transaction.on_commit(lambda: Note(pk=note.pk, text="by the callback").save())
        note.text = "two"
        note.save()
    assert [text for _, text in texts(notes)] == ["by the callback"] * 3


def test_a_row_that_a_callback_deletes_before_it_is_told_is_not_told_after_that(
    notes: Reader,
) -> None:
    note = written("old")()
    notes.read()
    with transaction.atomic():
        transaction.on_commit(lambda: Note.objects.get().delete())
        note.text = "new"
        note.save()
    assert [action for action, _ in texts(notes)] == ["delete"]


def test_a_row_that_a_callback_deletes_before_its_move_is_told_leaves_its_old_group() -> None:
    parcel = Parcel.objects.create(place=1)
    with observed(Parcel, "1", "2", group_by=lambda row: row.place) as reader:
        with transaction.atomic():
            transaction.on_commit(lambda: Parcel.objects.get().delete())
            parcel.place = 2
            parcel.save()
        assert ("delete", "1", {"key": parcel.pk}) in reader.read()


def test_a_row_that_a_callback_creates_again_before_its_deletion_is_told_is_there(
    notes: Reader,
) -> None:
    note = written("old")()
    pk = note.pk
    notes.read()
    with transaction.atomic():
        transaction.on_commit(lambda: Note(pk=pk, text="new").save(force_insert=True))
        note.delete()
    assert texts(notes) == [("create", "new"), ("update", "new")]


def test_a_callback_may_have_callbacks_of_its_own(notes: Reader) -> None:
    def again() -> None:
        with transaction.atomic():
            transaction.on_commit(lambda: None)
            written("by the callback")()

    with transaction.atomic():
        written("one")()
        transaction.on_commit(again)
        written("other")()
    assert [text for _, text in texts(notes)] == ["one", "by the callback", "other"]


def test_what_is_created_again_after_it_amounted_to_nothing_is_a_create(notes: Reader) -> None:
    with transaction.atomic():
        note = written("one")()
        pk = note.pk
        note.delete()
        with transaction.atomic():
            Note.objects.create(pk=pk, text="again")
    assert texts(notes) == [("create", "again")]


def test_a_connection_that_nobody_uses_any_more_is_not_kept() -> None:
    connection = connections.create_connection("default")
    journal_of(connection, lambda records: None)
    kept = ref(connection)
    del connection
    gc.collect()
    assert kept() is None


def test_a_test_that_runs_the_callbacks_itself_hears_the_changes(
    notes: Reader, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with transaction.atomic():
        for text in ("one", "two"):
            with django_capture_on_commit_callbacks(execute=True):
                written(text)()
            assert texts(notes) == [("create", text)]
