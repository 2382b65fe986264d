"""Django's signals have other receivers: what those write is told after what they have heard of."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from django.db import models, transaction
from django.db.models.signals import ModelSignal, post_delete, post_save, pre_delete
from django.test.utils import isolate_apps

from dcrf_graph.changes.capture import watch
from dcrf_graph.changes.first import connect_first
from tests.changes.doubles import Observer, Reader, observed, tables

pytestmark = pytest.mark.django_db(transaction=True)

in_a_block_or_not = pytest.mark.parametrize(
    "block", [transaction.atomic, nullcontext], ids=["transaction", "autocommit"]
)


@contextmanager
def heard_by(signal: Any, receive: Callable[[Any], None]) -> Iterator[tuple[type[Any], Reader]]:
    """A model that a receiver of the application hears of before ours, and who observes it."""
    with isolate_apps("tests.testapp"):

        class Draft(models.Model):
            place = models.IntegerField(default=1)

            class Meta:
                app_label = "testapp"

    def receiver(instance: Any, **kwargs: Any) -> None:
        receive(instance)

    signal.connect(receiver, sender=Draft)
    with (
        tables(Draft),
        observed(Draft, "1", "2", "3", group_by=lambda d: d.place, body=lambda d: d.place) as heard,
    ):
        yield Draft, heard


def move_on(draft: Any) -> None:
    """Move a row on, once; within the ``save()`` that put it into place 2."""
    if draft.place == 2:
        draft.place = 3
        draft.save()


@in_a_block_or_not
def test_a_row_that_is_saved_again_while_it_is_created_is_a_create_first(block: Any) -> None:
    with heard_by(post_save, move_on) as (draft, reader):
        with block():
            draft.objects.create(place=2)
        told = reader.read()
        if block is transaction.atomic:
            assert told == [("create", "3", 3)]
        else:
            assert [(action, group) for action, group, _ in told] == [
                ("create", "2"),
                ("delete", "2"),
                ("create", "3"),
            ]


@in_a_block_or_not
def test_a_row_that_is_saved_again_while_it_moves_ends_where_it_is(block: Any) -> None:
    with heard_by(post_save, move_on) as (draft, reader):
        row = draft.objects.create(place=1)
        reader.read()
        with block():
            row.place = 2
            row.save()
        told = [(action, group) for action, group, _ in reader.read()]
        assert (told[0], told[-1]) == (("delete", "1"), ("create", "3"))
        assert len(told) == (2 if block is transaction.atomic else 4)


def test_a_row_that_is_created_again_while_it_is_deleted_is_an_update() -> None:
    def create_again(draft: Any) -> None:
        type(draft)(pk=draft.pk, place=1).save(force_insert=True)

    with heard_by(post_delete, create_again) as (draft, reader):
        row = draft.objects.create(place=1)
        reader.read()
        row.delete()
        assert [(action, group) for action, group, _ in reader.read()] == [("update", "1")]


def test_a_row_that_is_saved_again_before_it_is_deleted_is_a_delete() -> None:
    with heard_by(pre_delete, move_on) as (draft, reader):
        row = draft.objects.create(place=2)
        reader.read()
        with transaction.atomic():
            row.delete()
        assert [(action, group) for action, group, _ in reader.read()] == [("delete", "2")]


class Looking(str):
    """The name of a receiver; when it is compared with another, it looks what is connected."""

    def __new__(cls, name: str, look: Callable[[], None]) -> Looking:
        made = super().__new__(cls, name)
        made.look = look  # type: ignore[attr-defined]
        return made

    def __eq__(self, other: object) -> bool:
        self.look()  # type: ignore[attr-defined]
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_nobody_is_unheard_while_somebody_is_connected() -> None:
    signal, found = ModelSignal(use_caching=True), []
    uid = Looking("ours", lambda: found.append(len(signal.receivers)))
    signal.connect(move_on, sender=models.Model, dispatch_uid="theirs")
    connect_first(signal, move_on, models.Model, uid)
    assert found
    assert min(found) > 0


def receivers() -> int:
    return sum(len(signal.receivers) for signal in (post_save, post_delete, pre_delete))


def test_a_model_is_listened_to_once_whatever_the_number_of_its_observers() -> None:
    with isolate_apps("tests.testapp"):

        class Draft(models.Model):
            class Meta:
                app_label = "testapp"

    with observed(Draft), tables(Draft):
        once = receivers()
        with observed(Draft, stable_id="second") as second, observed(Draft, stable_id="third"):
            assert receivers() == once
            Draft._base_manager.create()
            assert second.actions() == ["create"]


def test_an_observer_that_is_gone_takes_no_other_along() -> None:
    with heard_by(post_save, lambda draft: None) as (draft, reader):
        for number in range(10):
            watch(draft, Observer(stable_id=f"gone {number}"))
            gc.collect()
        draft.objects.create(place=1)
        assert reader.actions() == ["create"]
