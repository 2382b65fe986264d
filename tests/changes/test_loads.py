"""What instances keep of the row that they were loaded from, and what that spares."""

from __future__ import annotations

import copy
import gc
import pickle
from contextlib import ExitStack, nullcontext, suppress
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models.signals import pre_save
from django.test.utils import CaptureQueriesContext, isolate_apps

from dcrf_graph.changes.loads import ATTRIBUTE, Batch
from dcrf_graph.changes.snapshot import keep_loaded_values, recall
from tests.changes.doubles import Reader, observed
from tests.testapp.models import Parcel

pytestmark = pytest.mark.django_db(transaction=True)


def placed() -> Any:
    return observed(Parcel, "1", "2", "3", group_by=lambda parcel: parcel.place)


def moved(parcel: Parcel, place: Any) -> None:
    parcel.place = place
    parcel.save()


def test_a_row_that_is_refreshed_leaves_the_group_that_the_database_named() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed() as reader:
        Parcel.objects.filter(pk=parcel.pk).update(place=2)
        parcel.refresh_from_db()
        moved(parcel, 3)
        assert [event.group for event in reader.events] == ["2", "3"]


def test_a_column_that_is_refreshed_is_remembered_and_others_are_as_they_were() -> None:
    Parcel.objects.create(place=1)
    parcel = Parcel.objects.get()
    with placed() as reader:
        Parcel.objects.filter(pk=parcel.pk).update(place=2, title="b")
        parcel.refresh_from_db(fields=["title"])
        moved(parcel, 3)
        assert [event.group for event in reader.events] == ["1", "3"]


def test_a_row_that_was_saved_while_nobody_listened_is_read_where_somebody_does() -> None:
    """A save that nobody wants to hear of is not remembered: that would cost all of them."""
    Parcel.objects.create(place=1)
    parcel = Parcel.objects.get()
    moved(parcel, 2)
    with placed() as reader, CaptureQueriesContext(connection) as queries:
        moved(parcel, 3)
        moved(parcel, 1)
        assert [event.group for event in reader.events] == ["2", "3", "3", "1"]
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "UPDATE", "UPDATE"]


def test_a_part_of_a_row_is_not_remembered_where_the_rest_is_not() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed() as reader:
        parcel.save(update_fields=["title"])
        parcel.refresh_from_db(fields=["weight"])
        moved(parcel, 2)
        assert [event.group for event in reader.events] == ["1", "1", "2"]


def test_what_a_save_that_failed_has_left_behind_is_not_the_next_ones() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed(), suppress(IntegrityError):
        moved(parcel, None)
    moved(parcel, 2)
    with ExitStack() as stack:
        readers: list[Reader] = []

        def begin(**kwargs: Any) -> None:
            """Listen from the middle of a save on, when nobody can say what was before."""
            readers.append(stack.enter_context(placed()))

        pre_save.connect(begin, sender=Parcel)
        stack.callback(pre_save.disconnect, begin, sender=Parcel)
        moved(parcel, 3)
        assert [event.group for event in readers[0].events] == ["3"]


def test_an_instance_is_made_as_django_makes_it() -> None:
    Parcel.objects.create(place=1)
    watched = Parcel.objects.get()
    with isolate_apps("tests.testapp"):

        class Unwatched(models.Model):
            place = models.IntegerField()
            title = models.CharField(max_length=200, default="")
            weight = models.IntegerField(default=0)

            class Meta:
                app_label = "testapp"
                db_table = "testapp_parcel"

        plain = Unwatched._base_manager.get()
    assert vars(watched._state) == vars(plain._state)
    apart = ("_state", ATTRIBUTE)
    held, expected = (
        {name: value for name, value in vars(row).items() if name not in apart}
        for row in (watched, plain)
    )
    assert held == expected


def test_rows_of_two_models_may_be_made_with_one_list_of_names() -> None:
    """As libraries do that read children with their parents."""
    names = ["id", "name"]
    with isolate_apps("tests.testapp"):

        class Short(models.Model):
            name = models.CharField(max_length=10)

            class Meta:
                app_label = "testapp"

        class Long(Short):
            more = models.CharField(max_length=10, default="not read")

            class Meta:
                app_label = "testapp"

    keep_loaded_values(Short)
    assert Short.from_db("default", names, [1, "a"]).name == "a"
    assert "more" in Long.from_db("default", names, [1, "a"]).get_deferred_fields()


async def test_a_row_is_refreshed_asynchronously_too() -> None:
    parcel = await Parcel.objects.acreate(place=1)
    with placed() as reader:
        await Parcel.objects.filter(pk=parcel.pk).aupdate(place=2)
        await parcel.arefresh_from_db()
        parcel.place = 3
        await parcel.asave()
        assert [event.group for event in reader.events] == ["2", "3"]


def test_a_deferred_column_that_was_read_later_is_remembered() -> None:
    Parcel.objects.create(place=1)
    with placed() as reader:
        parcel = Parcel.objects.only("title").get()
        assert parcel.place == 1
        with CaptureQueriesContext(connection) as queries:
            moved(parcel, 2)
        assert next(query["sql"].split()[0] for query in queries) == "UPDATE"
        assert [event.group for event in reader.events] == ["1", "2"]


class Oops(Exception):
    """Rolls a block back."""


@pytest.mark.parametrize("inside", [True, False], ids=["a savepoint", "a transaction"])
@pytest.mark.parametrize("read", ["refresh_from_db", "get"])
def test_what_was_read_in_a_block_that_is_rolled_back_was_never_so(inside: bool, read: str) -> None:
    parcel = Parcel.objects.create(place=1)
    with placed() as reader, transaction.atomic() if inside else nullcontext():
        with suppress(Oops), transaction.atomic():
            moved(parcel, 2)
            if read == "get":
                parcel = Parcel.objects.get()
            else:
                parcel.refresh_from_db()
            raise Oops
        moved(parcel, 3)
        if not inside:
            assert [event.group for event in reader.events] == ["1", "3"]
    assert [event.group for event in reader.events] == ["1", "3"]


def test_what_was_read_in_a_savepoint_goes_with_what_was_written_around_it() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed() as reader:
        with suppress(Oops), transaction.atomic():
            moved(parcel, 2)
            with transaction.atomic():
                parcel.refresh_from_db()
            raise Oops
        moved(parcel, 3)
        assert [event.group for event in reader.events] == ["1", "3"]


def test_what_was_read_in_a_block_that_commits_is_so() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed() as reader:
        with transaction.atomic():
            moved(parcel, 2)
            parcel.refresh_from_db()
            again = Parcel.objects.get()
        for each, place in ((parcel, 3), (again, 3)):
            reader.events.clear()
            with CaptureQueriesContext(connection) as queries:
                moved(each, place)
            assert not [q for q in queries if q["sql"].startswith("SELECT")]
        assert [event.group for event in reader.events] == ["2", "3"]


def test_many_reads_in_a_transaction_are_one_callback() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed(), transaction.atomic():
        moved(parcel, 2)
        before = len(connection.run_on_commit)
        for _ in range(5):
            parcel.refresh_from_db()
            Parcel.objects.get()
        assert len(connection.run_on_commit) == before + 1
        copy.deepcopy(parcel)
        assert recall(pickle.loads(pickle.dumps(parcel)), "default", look_up=False) is None


def test_each_of_many_rows_leaves_its_own_group() -> None:
    Parcel.objects.bulk_create([Parcel(place=1 + number % 2) for number in range(600)])
    with placed() as reader:
        for parcel in list(Parcel.objects.order_by("pk"))[::100]:
            moved(parcel, 3)
        for parcel in list(Parcel.objects.order_by("pk"))[1::100]:
            moved(parcel, 3)
        assert [event.group for event in reader.events] == ["1", "3"] * 6 + ["2", "3"] * 6


def test_a_row_that_was_loaded_twice_and_has_changed_between_is_looked_up() -> None:
    with placed() as reader, transaction.atomic():
        Parcel.objects.create(place=1)
        one, two = Parcel.objects.all().union(Parcel.objects.all(), all=True)
        Parcel.objects.filter(pk=one.pk).update(place=2)
        moved(one, 3)
    assert [event.group for event in reader.events] == ["3"]
    assert two.place == 1


def test_a_copy_and_a_pickle_of_an_instance_are_not_larger_for_it() -> None:
    Parcel.objects.bulk_create([Parcel(place=1) for _ in range(100)])
    with placed() as reader:
        parcels = list(Parcel.objects.all())
        assert len(pickle.dumps(parcels[0])) < 2_000
        assert copy.deepcopy(parcels[0]).place == 1
        moved(pickle.loads(pickle.dumps(parcels[0])), 2)
        assert [event.group for event in reader.events] == ["1", "2"]


def test_loading_a_row_makes_no_container_of_its_own() -> None:
    Parcel.objects.bulk_create([Parcel(place=1) for _ in range(1_000)])
    with placed():
        list(Parcel.objects.all())
        gc.collect()
        before = len(gc.get_objects())
        parcels = list(Parcel.objects.all())
        # The instance and Django's state of it.
        assert len(gc.get_objects()) - before < 2.1 * len(parcels)


def test_keys_that_are_not_in_a_batch_are_unknown() -> None:
    assert Batch().of(Parcel, 1) is None


@isolate_apps("tests.testapp")
def test_the_from_db_and_refresh_from_db_of_a_model_go_on_being_called() -> None:
    calls = []

    class Own(models.Model):
        place = models.IntegerField()

        class Meta:
            app_label = "testapp"

        @classmethod
        def from_db(cls, *args: Any, **kwargs: Any) -> Any:
            calls.append("from_db")
            return super().from_db(*args, **kwargs)

        def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
            calls.append("refresh_from_db")
            super().refresh_from_db(*args, **kwargs)

    with connection.schema_editor() as editor:
        editor.create_model(Own)
    try:
        keep_loaded_values(Own)
        Own._base_manager.create(place=1)
        own = Own._base_manager.get()
        own.place = 2
        own.refresh_from_db()
        assert calls == ["from_db", "refresh_from_db", "from_db"]
        loaded = recall(own, "default")
        assert isinstance(loaded, Own)
        assert loaded.place == 1
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Own)
