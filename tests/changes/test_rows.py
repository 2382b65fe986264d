"""When an instance surely is the row that it was saved to, and what a copy of it holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from dcrf_graph.changes.rows import as_deleted, copied, surely_saved
from tests.testapp.models import Article, Author, Described, Parcel, ParcelByProxy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def article(**values: Any) -> Article:
    return Article(**{"pk": 1, "title": "a", "created": NOON, **values})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"status": "draft"},
        {"status": Article.Status.PUBLISHED},
        {"author_id": 3},
        {"estimate": Decimal("1.50")},
        {"due": date(2026, 1, 1)},
    ],
)
def test_plain_values_are_read_as_they_were_written(values: dict[str, Any]) -> None:
    assert surely_saved(article(**values)) is not None


@pytest.mark.parametrize(
    "values",
    [
        {"title": 5},
        {"title": mark_safe("a")},
        {"title": gettext_lazy("Yes")},
        {"title": F("body")},
        {"author_id": "3"},
        {"author_id": True},
        {"author_id": 3.0},
        {"estimate": Decimal("1.5")},
        {"estimate": Decimal("1.505")},
        {"estimate": "1.50"},
        {"due": "2026-01-01"},
        {"due": NOON},
        {"created": NOON.replace(tzinfo=None)},
    ],
)
def test_other_values_may_be_read_as_something_else(values: dict[str, Any]) -> None:
    assert surely_saved(article(**values)) is None


def test_a_value_that_can_be_changed_in_place_is_never_sure() -> None:
    assert surely_saved(Described(pk=1)) is None


def test_an_instance_that_lacks_a_column_is_never_sure() -> None:
    parcel = Parcel(pk=1, place=1)
    del parcel.__dict__["title"]
    assert surely_saved(parcel) is None


def test_a_copy_has_the_columns_of_the_row_and_none_of_the_relations_that_were_loaded() -> None:
    original = article(author=Author(pk=3, name="a"))
    copy = copied(original, Article, "default")
    assert (copy.pk, copy.title, copy.author_id) == (1, "a", 3)
    assert not Article.author.is_cached(copy)
    assert Article.author.is_cached(original)


def test_a_copy_is_of_the_model_that_is_asked_for() -> None:
    copy = copied(ParcelByProxy(pk=1, place=2), Parcel, "default")
    assert (type(copy), copy.pk, copy.place) == (Parcel, 1, 2)


def test_a_deleted_row_has_the_key_it_had_and_knows_what_was_related() -> None:
    original = article(pk=None, author=Author(pk=3, name="a"))
    row = as_deleted(Article, 7, "default", original)
    assert isinstance(row, Article)
    assert row.pk == 7
    assert original.pk is None
    assert row.author is original.author
