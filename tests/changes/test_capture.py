"""What capture makes of Django's signals: the row as committed, the groups it left and joined."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from django.core import serializers
from django.db import connection, models, transaction
from django.db.models import F
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext, isolate_apps

from dcrf_graph.changes.capture import watch
from dcrf_graph.changes.change import Action
from dcrf_graph.changes.hub import hub
from tests.changes.doubles import Observer, Reader, join, observed
from tests.testapp.models import (
    Article,
    Author,
    Described,
    KeyedByUUID,
    Label,
    Note,
    Parcel,
    ParcelByProxy,
    Place,
    Restaurant,
)

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = ("1", "2", "3")


def placed(*, model: Any = Parcel, **options: Any) -> AbstractContextManager[Reader]:
    """A reader of the parcels of each place."""
    return observed(model, *PLACES, group_by=lambda parcel: parcel.place, **options)


def moves(reader: Reader) -> list[tuple[str, str]]:
    """What was told to which place."""
    return [(action, group) for action, group, _ in reader.read()]


def queries(act: Callable[[], Any]) -> list[str]:
    """The statements of the database that something takes."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return [query["sql"].split()[0] for query in captured]


# -- groups --------------------------------------------------------------------------------------


def test_a_row_that_moves_is_deleted_from_the_old_group_and_created_in_the_new() -> None:
    with placed() as reader:
        parcel = Parcel.objects.create(place=1)
        parcel.place = 2
        parcel.save()
        assert moves(reader) == [("create", "1"), ("delete", "1"), ("create", "2")]


def test_every_commit_moves_a_row_on_from_where_the_last_one_put_it() -> None:
    Parcel.objects.create(place=1)
    with placed() as reader:
        parcel = Parcel.objects.get()
        for place in (2, 3):
            with transaction.atomic():
                parcel.place = place
                parcel.save()
        assert moves(reader) == [
            ("delete", "1"),
            ("create", "2"),
            ("delete", "2"),
            ("create", "3"),
        ]


def test_a_row_that_stays_is_updated_where_it_is() -> None:
    with placed() as reader:
        parcel = Parcel.objects.create(place=1)
        parcel.title = "new"
        parcel.save()
        assert moves(reader) == [("create", "1"), ("update", "1")]


def test_a_row_that_moves_twice_in_a_transaction_moves_once() -> None:
    Parcel.objects.create(place=1)
    with placed() as reader:
        with transaction.atomic():
            for place in (2, 3):
                parcel = Parcel.objects.get()
                parcel.place = place
                parcel.save()
        assert moves(reader) == [("delete", "1"), ("create", "3")]


def test_after_a_rolled_back_save_a_row_still_leaves_the_group_that_it_is_in() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed() as reader:
        with transaction.atomic():
            parcel.place = 2
            parcel.save()
            transaction.set_rollback(True)
        parcel.place = 3
        parcel.save()
        assert moves(reader) == [("delete", "1"), ("create", "3")]


def test_update_fields_move_a_row_only_as_far_as_they_are_written() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed(body=lambda parcel: parcel.title) as reader:
        parcel.place, parcel.title = 2, "written"
        parcel.save(update_fields=["title"])
        assert reader.read() == [("update", "1", "written")]
        parcel.save(update_fields=["place"])
        assert moves(reader) == [("delete", "1"), ("create", "2")]


def test_a_row_that_is_written_in_parts_within_a_transaction_is_where_all_of_them_put_it() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed() as reader:
        with transaction.atomic():
            parcel.place = 2
            parcel.save()
            parcel.save(update_fields=["title"])
        assert moves(reader) == [("delete", "1"), ("create", "2")]
        parcel.place = 3
        parcel.save()
        assert moves(reader) == [("delete", "2"), ("create", "3")]


def test_a_column_that_was_not_loaded_is_read_once_before_the_save_and_never_at_load() -> None:
    Parcel.objects.create(place=1)
    with observed(Parcel, "1", "2", group_by=lambda p: p.place + 0 * p.weight) as reader:
        assert queries(lambda: list(Parcel.objects.only("title"))) == ["SELECT"]
        parcel = Parcel.objects.only("title").get()
        parcel.place = 2
        parcel.weight = 5
        assert queries(parcel.save)[:2] == ["SELECT", "UPDATE"]
        assert moves(reader) == [("delete", "1"), ("create", "2")]


def test_groups_that_need_no_deferred_column_cost_no_query_before_the_save() -> None:
    Parcel.objects.create(place=1)
    with placed():
        parcel = Parcel.objects.only("place").get()
        assert queries(lambda: parcel.save(update_fields=["place"]))[0] == "UPDATE"


def test_a_row_that_somebody_saves_by_its_key_alone_leaves_its_old_group() -> None:
    pk = Parcel.objects.create(place=1).pk
    with placed() as reader:
        Parcel(pk=pk, place=2).save()
        assert moves(reader) == [("delete", "1"), ("create", "2")]


def test_an_instance_that_is_given_another_key_is_another_row() -> None:
    first, second = Parcel.objects.create(place=1), Parcel.objects.create(place=2)
    with placed() as reader:
        first.pk, first.place = second.pk, 3
        first.save()
        assert moves(reader) == [("delete", "2"), ("create", "3")]


def test_a_copy_of_a_row_is_created_and_the_row_stays() -> None:
    parcel = Parcel.objects.create(place=1)
    with placed() as reader:
        parcel.pk, parcel.place = None, 2
        parcel.save()
        assert moves(reader) == [("create", "2")]


def test_a_new_row_whose_key_has_a_default_is_not_looked_for() -> None:
    with observed(KeyedByUUID, "x", group_by=lambda row: row.title) as reader:
        assert queries(lambda: KeyedByUUID.objects.create(title="x")) == ["INSERT"]
        assert reader.actions() == ["create"]


# -- the row as committed ------------------------------------------------------------------------


def test_a_saved_instance_that_is_the_row_is_not_read_again() -> None:
    with observed(Parcel, body=lambda parcel: parcel.title) as reader:
        assert queries(lambda: Parcel.objects.create(place=1, title="a")) == ["INSERT"]
        assert [body for *_, body in reader.read()] == ["a"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"weight": F("weight") + 2}, 3),
        ({"title": Upper(models.Value("b"))}, 1),
        ({"weight": "7"}, 7),
    ],
)
def test_a_row_that_is_not_surely_the_instance_is_read_once(
    change: dict[str, Any], told: int
) -> None:
    parcel = Parcel.objects.create(place=1, weight=1)
    with (
        observed(Parcel, body=lambda row: row.weight) as reader,
        observed(Parcel, body=lambda row: row.weight, stable_id="second") as second,
    ):
        for name, value in change.items():
            setattr(parcel, name, value)
        # The newest Django asks for the value of an expression as it saves.
        assert queries(parcel.save) in (["UPDATE", "SELECT"], ["UPDATE"])
        assert [body for *_, body in reader.read() + second.read()] == [told, told]


def test_an_instance_that_changes_between_save_and_commit_is_not_told() -> None:
    with observed(Parcel, body=lambda row: row.title) as reader:
        with transaction.atomic():
            parcel = Parcel.objects.create(place=1, title="saved")
            parcel.title = "not saved"
        assert [body for *_, body in reader.read()] == ["saved"]


def test_a_value_that_is_changed_in_place_before_the_commit_is_not_told() -> None:
    with observed(Described, body=lambda row: row.details) as reader:
        with transaction.atomic():
            described = Described.objects.create(details={"a": "saved"})
            described.details["a"] = "not saved"
        assert [body for *_, body in reader.read()] == [{"a": "saved"}]


def test_two_instances_of_a_row_that_each_write_a_part_are_told_together() -> None:
    pk = Parcel.objects.create(place=1).pk
    with observed(Parcel, body=lambda row: [row.title, row.weight]) as reader:
        with transaction.atomic():
            first, second = Parcel.objects.get(pk=pk), Parcel.objects.get(pk=pk)
            first.title = "first"
            first.save(update_fields=["title"])
            second.weight = 2
            second.save(update_fields=["weight"])
        assert [body for *_, body in reader.read()] == [["first", 2]]


def test_a_row_that_a_later_statement_has_changed_is_told_as_it_was_committed() -> None:
    with observed(Parcel, body=lambda parcel: parcel.place) as reader:
        with transaction.atomic():
            parcel = Parcel.objects.create(place=1)
            Parcel.objects.filter(pk=parcel.pk).update(place=2)
        assert reader.read() == [("create", "observer", 2)]


def test_who_begins_to_listen_in_between_hears_the_move_from_the_committed_group() -> None:
    parcel = Parcel.objects.create(place=1)
    with ExitStack() as stack:
        with transaction.atomic():
            for place in (2, 3):
                parcel = Parcel.objects.get(pk=parcel.pk)
                parcel.place = place
                parcel.save()
            reader = stack.enter_context(placed())
        assert moves(reader) == [("delete", "1"), ("create", "3")]


def test_who_begins_to_listen_before_a_deletion_commits_hears_it_in_the_committed_group() -> None:
    Parcel.objects.create(place=1)
    parcel = Parcel.objects.get()
    nobody_listens_to = Observer(group_by=lambda row: row.place)
    watch(Parcel, nobody_listens_to)
    with ExitStack() as stack:
        with transaction.atomic():
            parcel.place = 2
            parcel.delete()
            reader = stack.enter_context(placed(stable_id="later"))
        assert moves(reader) == [("delete", "1")]


def test_a_related_row_whose_save_was_rolled_back_is_not_told() -> None:
    author = Author.objects.create(name="committed")
    with observed(Article, body=lambda article: article.author.name) as reader:
        with transaction.atomic():
            with transaction.atomic():
                author.name = "undone"
                author.save()
                transaction.set_rollback(True)
            Article.objects.create(title="a", author=author)
        assert [body for *_, body in reader.read()] == ["committed"]


def test_a_row_that_is_gone_again_when_it_would_be_told_is_not() -> None:
    with observed(Parcel) as reader:
        with transaction.atomic():
            parcel = Parcel.objects.create(place=1)
            parcel.title = "changed, so that it is read again"
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM testapp_parcel WHERE id = %s", [parcel.pk])
        assert reader.read() == []


def test_a_fixture_is_heard_like_any_row() -> None:
    parcel = Parcel.objects.create(place=1)
    text = serializers.serialize("json", [parcel]).replace('"place": 1', '"place": 2')
    with placed() as reader:
        for loaded in serializers.deserialize("json", text):
            loaded.save()
        assert moves(reader) == [("delete", "1"), ("create", "2")]


def test_a_fixture_takes_the_place_of_a_row_whose_key_has_a_default() -> None:
    keyed = KeyedByUUID.objects.create(title="1")
    text = serializers.serialize("json", [keyed]).replace('"title": "1"', '"title": "2"')
    with observed(KeyedByUUID, "1", "2", group_by=lambda row: row.title) as reader:
        for loaded in serializers.deserialize("json", text):
            loaded.save()
        assert moves(reader) == [("delete", "1"), ("create", "2")]


def test_a_fixture_of_a_parent_moves_the_row_of_its_child() -> None:
    child = Restaurant.objects.create(name="a", city=1)
    text = serializers.serialize("json", [Place.objects.get(), child]).replace(
        '"city": 1', '"city": 2'
    )
    with observed(Restaurant, "1", "2", group_by=lambda row: row.city) as reader:
        with transaction.atomic():
            for loaded in serializers.deserialize("json", text):
                loaded.save()
        assert moves(reader) == [("delete", "1"), ("create", "2")]


# -- deletes -------------------------------------------------------------------------------------


def test_a_delete_tells_the_key_and_the_groups_that_the_row_had() -> None:
    parcel = Parcel.objects.create(place=1)
    pk = parcel.pk
    with placed() as reader:
        parcel.place = 2
        parcel.delete()
        assert [event.pk for event in reader.events] == [pk]
        assert reader.read() == [("delete", "1", pk)]
        assert parcel.pk is None


def test_the_message_of_a_delete_is_made_while_the_relations_exist() -> None:
    label = Label.objects.create(name="red")
    article = Article.objects.create(title="a")
    article.labels.add(label)
    with observed(Article, body=lambda a: [each.name for each in a.labels.all()]) as reader:
        with transaction.atomic():
            article.delete()
        assert [body for *_, body in reader.read()] == [["red"]]


def test_a_delete_whose_message_cannot_be_made_any_more_is_told_by_its_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody listened when it was deleted, and what it was related to has gone with it."""
    author = Author.objects.create(name="a")
    article = Article.objects.create(title="a", author=author)
    observer = Observer(body=lambda row: row.author.name, stable_id="late")
    watch(Article, observer)
    reader = Reader("late")
    with caplog.at_level(logging.CRITICAL, "dcrf_graph"), transaction.atomic():
        author.delete()
        join(reader, "late")
    hub.leave("late", reader)
    assert reader.read() == [("delete", "late", {"key": article.pk})]


def test_a_delete_that_is_rolled_back_leaves_the_row_in_its_group() -> None:
    parcel = Parcel.objects.create(place=1)
    pk = parcel.pk
    with placed() as reader:
        with transaction.atomic():
            parcel.place = 2
            parcel.delete()
            transaction.set_rollback(True)
        parcel.pk, parcel.place = pk, 3
        parcel.save()
        assert moves(reader) == [("delete", "1"), ("create", "3")]


def test_cascades_and_deletes_of_a_queryset_are_heard_row_by_row() -> None:
    author = Author.objects.create(name="a")
    for title in ("one", "two"):
        Article.objects.create(title=title, author=author)
    Note.objects.create(text="a")
    with (
        observed(Article, body=lambda article: article.title) as articles,
        observed(Note, stable_id="notes") as notes,
    ):
        author.delete()
        Note.objects.all().delete()
        assert sorted(body for *_, body in articles.read()) == ["one", "two"]
        assert notes.actions() == ["delete"]


# -- many-to-many relations ----------------------------------------------------------------------


def labelled(article: Article) -> list[str]:
    return sorted(label.name for label in article.labels.all())


def test_a_changed_relation_is_an_update_from_both_sides() -> None:
    article, red = Article.objects.create(title="a"), Label.objects.create(name="red")
    with observed(Article, many_to_many=True, body=labelled) as reader:
        for change in (
            lambda: article.labels.add(red),
            lambda: article.labels.remove(red),
            lambda: red.articles.add(article),
            lambda: red.articles.remove(article),
            lambda: article.labels.set([red]),
            lambda: article.labels.clear(),
            lambda: red.articles.set([article]),
            lambda: red.articles.clear(),
        ):
            change()  # type: ignore[no-untyped-call]
        told = [["red"], []] * 4
        assert [(action, body) for action, _, body in reader.read()] == [
            ("update", names) for names in told
        ]


def test_relations_that_are_there_already_change_nothing() -> None:
    article, red = Article.objects.create(title="a"), Label.objects.create(name="red")
    article.labels.add(red)
    with observed(Article, many_to_many=True) as reader:
        article.labels.add(red)
        article.labels.set([red])
        assert reader.read() == []


def test_a_row_that_is_created_with_its_relations_is_one_create() -> None:
    red = Label.objects.create(name="red")
    with observed(Article, many_to_many=True, body=labelled) as reader:
        with transaction.atomic():
            Article.objects.create(title="a").labels.set([red])
        assert [(action, body) for action, _, body in reader.read()] == [("create", ["red"])]


def test_a_symmetrical_relation_changes_the_rows_of_both_ends() -> None:
    first, second = Parcel.objects.create(place=1), Parcel.objects.create(place=1)
    with observed(Parcel, many_to_many=True) as reader:
        first.friends.add(second)
        assert {pk for *_, pk in reader.read()} == {first.pk, second.pk}
        first.friends.clear()
        assert {pk for *_, pk in reader.read()} == {first.pk, second.pk}


def test_a_row_that_has_moved_since_it_was_loaded_is_updated_where_it_is() -> None:
    stale = Parcel.objects.create(place=1)
    Parcel.objects.filter(pk=stale.pk).update(place=2)
    with placed(many_to_many=True) as reader:
        stale.friends.add(Parcel.objects.create(place=3))
        assert ("update", "2") in moves(reader)


def test_an_observer_without_relations_hears_nothing_of_them_and_reads_nothing() -> None:
    article, red = Article.objects.create(title="a"), Label.objects.create(name="red")
    with observed(Article, stable_id="many", many_to_many=True):
        expected = queries(lambda: article.labels.set([red]))[:-1]
    article.labels.clear()
    with observed(Article) as reader:
        assert queries(lambda: article.labels.set([red])) == expected
        assert reader.read() == []


@pytest.mark.parametrize("first", ["relations", "columns"])
def test_a_row_of_which_more_than_relations_changes_is_told_without_them(first: str) -> None:
    parcel, friend = Parcel.objects.create(place=1), Parcel.objects.create(place=3)
    acts: list[Callable[[], Any]] = [lambda: parcel.friends.add(friend), parcel.save]
    parcel.place = 2
    with placed() as reader:
        with transaction.atomic():
            for act in acts if first == "relations" else reversed(acts):
                act()
        assert moves(reader) == [("delete", "1"), ("create", "2")]


# -- proxies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("observed_model", [Parcel, ParcelByProxy])
@pytest.mark.parametrize("model", [Parcel, ParcelByProxy])
def test_a_row_is_a_row_of_every_model_of_its_table(model: Any, observed_model: Any) -> None:
    with placed(model=observed_model, body=lambda row: type(row).__name__) as reader:
        parcel = model.objects.create(place=1)
        parcel.place = 2
        parcel.save()
        parcel.delete()
        assert moves(reader) == [
            ("create", "1"),
            ("delete", "1"),
            ("create", "2"),
            ("delete", "2"),
        ]


def test_the_observer_of_a_proxy_gets_instances_of_it() -> None:
    with observed(ParcelByProxy, body=lambda row: type(row).__name__) as reader:
        Parcel.objects.create(place=1).delete()
        assert [body for *_, body in reader.read()] == ["ParcelByProxy"] * 2


@isolate_apps("tests.testapp")
def test_a_proxy_that_is_defined_later_is_heard_too() -> None:
    with observed(Parcel) as reader:

        class Latecomer(Parcel):
            class Meta:
                proxy = True
                app_label = "testapp"

        Latecomer.objects.create(place=1)
        assert reader.actions() == ["create"]


# -- what it costs -------------------------------------------------------------------------------


def test_nothing_is_serialized_for_a_group_that_nobody_is_in() -> None:
    observer = Observer(group_by=lambda row: row.title, stable_id="grouped")
    watch(Article, observer)
    reader = Reader(observer.stable_id)
    join(reader, "a")
    article = Article.objects.create(title="b")
    assert observer.serialized == []
    article.title = "a"
    article.save()
    hub.leave("a", reader)
    assert (observer.serialized, reader.actions()) == ([Action.CREATE], ["create"])


def test_nothing_is_serialized_or_queried_while_nobody_listens() -> None:
    article, red = Article.objects.create(title="a"), Label.objects.create(name="red")
    # Django looks before it adds a relation as soon as anybody has asked for its signal.
    watch(Article, Observer(stable_id="before"), many_to_many=True)
    plain = everything(article, red)
    observer = Observer(group_by=lambda row: row.title, many_to_many=True, stable_id="unheard")
    watch(Article, observer, many_to_many=True)
    assert everything(Article.objects.create(title="a"), red) == plain
    assert observer.serialized == []


def everything(article: Article, label: Label) -> list[str]:
    """The statements that one change of each kind takes."""

    def act() -> None:
        with transaction.atomic():
            article.labels.add(label)
            label.articles.clear()
            article.title = "b"
            article.save()
            Article(pk=article.pk, title="c", created=article.created).save()
            Article.objects.only("body").get(pk=article.pk).save()
            article.delete()

    return queries(act)


def test_a_row_in_several_groups_is_serialized_once_per_action() -> None:
    class InEveryPlace(Observer):
        def group_names_for_signal(self, *, instance: Any) -> Any:
            return PLACES

    observer = InEveryPlace(stable_id="everywhere")
    watch(Parcel, observer)
    reader = Reader("everywhere")
    join(reader, *PLACES)
    try:
        Parcel.objects.create(place=1)
        assert moves(reader) == [("create", place) for place in PLACES]
        assert len(observer.serialized) == 1
    finally:
        for place in PLACES:
            hub.leave(place, reader)


def test_an_observer_that_fails_is_logged_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(row: Any) -> Any:
        raise RuntimeError("the observer is broken")

    with (
        observed(Parcel, stable_id="broken", body=fail, group_by=fail),
        observed(Parcel, stable_id="sound") as sound,
        caplog.at_level(logging.ERROR),
    ):
        parcel = Parcel.objects.create(place=1)
        parcel.save()
        parcel.delete()
        assert sound.actions() == ["create", "update", "delete"]
    assert "The observer broken failed on a change" in caplog.messages


def place_of(parcel: Parcel) -> int:
    return parcel.place


def test_an_instance_whose_row_came_and_went_in_what_was_undone_knows_nothing_of_another() -> None:
    """Its key is the old row's again, and the place that it left is that one's."""
    old = Parcel.objects.create(place=1)
    with observed(Parcel, "1", "2", group_by=place_of, body=place_of) as reader:
        with transaction.atomic():
            key = old.pk
            old.delete()
            new = Parcel.objects.create(pk=key, place=2)
            new.delete()
            transaction.set_rollback(True)
        assert reader.read() == []
        new.pk = key
        new.save()
        assert reader.read() == [("delete", "1", {"key": key}), ("create", "2", 2)]


def test_a_deletion_that_was_undone_says_nothing_of_an_instance_that_was_not_loaded() -> None:
    parcel = Parcel.objects.create(place=1)
    with observed(Parcel, "1", "2", group_by=place_of, body=place_of) as reader:
        stranger = Parcel(pk=parcel.pk, place=2)
        with transaction.atomic():
            stranger.delete()
            transaction.set_rollback(True)
        stranger.pk = parcel.pk
        stranger.save()
        assert reader.read() == [("delete", "1", {"key": parcel.pk}), ("create", "2", 2)]


def test_a_deletion_makes_what_was_loaded_in_an_undone_transaction_no_truer() -> None:
    parcel = Parcel.objects.create(place=1)
    with observed(Parcel, "1", "2", group_by=place_of, body=place_of) as reader:
        with transaction.atomic():
            Parcel.objects.create(place=3)
            parcel.place = 2
            parcel.save()
            loaded = Parcel.objects.get(pk=parcel.pk)
            loaded.delete()
            transaction.set_rollback(True)
        loaded.pk = parcel.pk
        loaded.save()
        assert reader.read() == [("delete", "1", {"key": parcel.pk}), ("create", "2", 2)]
