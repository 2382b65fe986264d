"""Calls that look for rows together find them by one query; each row is for one of them."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from dcrf_graph.loading.together import Together, found_together, looking_together, neighbours
from tests.queries import counted
from tests.testapp.models import Article, Author, Label, Slugged

pytestmark = pytest.mark.django_db(transaction=True)


def wanting(*keys: Any) -> Together:
    together = Together()
    for key in keys:
        together.want(key)
    return together


@pytest.fixture
def authors() -> list[Author]:
    return [Author.objects.create(pk=key, name=f"{key}") for key in (1, 2, 3)]


def test_the_first_who_looks_finds_the_rows_of_all(authors: list[Author]) -> None:
    together = wanting("1", "2", 3)
    with counted() as queries:
        found = [together.row(Author.objects.all(), "pk", key) for key in ("2", 1, "3")]
    assert [each.pk for each in found if each] == [2, 1, 3]
    assert len(queries) == 1


def test_a_row_is_for_one_call(authors: list[Author]) -> None:
    together = wanting(1, 1)
    assert together.row(Author.objects.all(), "pk", 1) is not None
    assert together.row(Author.objects.all(), "pk", 1) is None


@pytest.mark.parametrize("key", [99, "x", None, {"a": 1}, "1 OR 1=1"])
def test_a_key_that_finds_nothing_is_looked_for_alone(authors: list[Author], key: Any) -> None:
    together = wanting(key, 1)
    assert together.row(Author.objects.all(), "pk", key) is None
    assert together.row(Author.objects.all(), "pk", 1) is not None


def test_a_key_that_no_database_holds_keeps_nobody_from_looking_alone(
    authors: list[Author],
) -> None:
    together = wanting(10**40, 1)
    assert together.row(Author.objects.all(), "pk", 10**40) is None
    assert together.row(Author.objects.all(), "pk", 1) in (None, authors[0])
    named = wanting("about\0", "about")
    assert named.row(Slugged.objects.all(), "slug", "about\0") is None


def test_another_queryset_finds_nothing_of_it(authors: list[Author]) -> None:
    """What a call may not see, it does not get from one that may."""
    together = wanting(1, 2)
    assert together.row(Author.objects.all(), "pk", 1) is not None
    assert together.row(Author.objects.filter(name="1"), "pk", 2) is None
    assert together.row(Author.objects.filter(name="2"), "pk", 2) is None
    assert together.row(Author.objects.none(), "pk", 2) is None
    assert together.row(Author.objects.prefetch_related("articles"), "pk", 2) is None
    assert together.row(Author.objects.all(), "pk", 2) is not None


def test_what_does_not_find_one_row_by_its_column_is_looked_for_alone(
    authors: list[Author],
) -> None:
    all_of_them = Author.objects.order_by("pk")
    for queryset, name in [
        (all_of_them, "name"),
        (all_of_them, "articles__title"),
        (all_of_them[:1], "pk"),
        (all_of_them.union(Author.objects.all()), "pk"),
        (all_of_them.select_for_update(), "pk"),
        (all_of_them.values(), "pk"),
        (authors, "pk"),
    ]:
        assert wanting(1).row(queryset, name, 1) is None


def test_a_unique_column_finds_rows_too() -> None:
    Slugged.objects.create(slug="about", title="About")
    row = wanting("about").row(Slugged.objects.all(), "slug", "about")
    assert row is not None


def test_a_row_that_a_join_repeats_is_left_to_who_looks_alone(authors: list[Author]) -> None:
    for name in ("a", "b"):
        Article.objects.create(title=name, author=authors[0])
    queryset = Author.objects.filter(articles__title__in=["a", "b"])
    assert wanting(1).row(queryset, "pk", 1) is None


def test_every_row_knows_those_that_were_found_with_it(authors: list[Author]) -> None:
    together = wanting(1, 2)
    row: Any = together.row(Author.objects.all(), "pk", 1)
    with looking_together(together), neighbours(row) as rows:
        assert [each.pk for each in rows] == [1, 2]
    with looking_together(together), neighbours(authors[0]) as rows:
        assert rows == [authors[0]]
    with neighbours(row) as rows:
        assert rows == [row]


def test_a_row_is_as_if_it_had_been_found_alone(authors: list[Author]) -> None:
    """An application may keep it in a cache."""
    row: Any = wanting(1, 2).row(Author.objects.all(), "pk", 1)
    assert pickle.loads(pickle.dumps(row)) == authors[0]
    assert vars(row._state).keys() == vars(Author.objects.get(pk=1)._state).keys()


def test_nobody_looks_together_unless_told(authors: list[Author]) -> None:
    assert found_together(Author.objects.all(), "pk", 1) is None
    with looking_together(wanting(1)):
        assert found_together(Author.objects.all(), "pk", 1) == authors[0]


def test_threads_that_look_at_once_each_find_their_row() -> None:
    keys = range(1, 41)
    Label.objects.bulk_create(Label(pk=key, name=f"{key}") for key in keys)
    together = wanting(*keys)

    def look(key: int) -> int | None:
        found = together.row(Label.objects.all(), "pk", key)
        connections.close_all()
        return None if found is None else found.pk

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look, keys)) == list(keys)
