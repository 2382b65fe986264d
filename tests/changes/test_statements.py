"""A statement reads only if nothing in it may write: else a row is read when it is told."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Avg, Count, Exists, F, OuterRef, Q, Window
from django.db.models.functions import Coalesce, Lower, RowNumber, TruncDay

from dcrf_graph.changes.statements import calls_nothing_else_again, reads
from tests.changes.doubles import observed
from tests.changes.test_capture import queries
from tests.testapp.models import Article, Author, Parcel

READING = [
    "SELECT 1",
    " select * from card where id in (1, 2) and (a = 1 or not (b = 2));",
    'SELECT COUNT(*) AS "n", MAX("card"."id") FROM "card" WHERE EXISTS(SELECT 1 LIMIT 1)',
    "SELECT (a + (b * 2))::numeric(10, 2) FROM card FOR UPDATE OF card",
    "SELECT (1)UNION(SELECT 2) ORDER BY (a[1])",
    "SAVEPOINT s1",
    "RELEASE SAVEPOINT s1",
]
WRITING = [
    "UPDATE card SET a = 1",
    "WITH old AS (DELETE FROM card RETURNING *) SELECT * FROM old",
    "SELECT move_card(7)",
    "SELECT * FROM move_card (7)",
    'SELECT "count"(7)',
    "SELECT public.lower(7)",
    "SELECT move_card/* its key */(7)",
    "SELECT lower -- the key\n (7)",
    "SELECT move$(7)",
    "SELECT count(*) FROM card WHERE move_card(id)",
    "SELECT 1; UPDATE card SET a = 1",
    "EXPLAIN ANALYZE UPDATE card SET a = 1",
    "ROLLBACK TO SAVEPOINT s1",
    "CALL move_card(7)",
]


@pytest.mark.parametrize("sql", READING)
def test_what_surely_reads(sql: str) -> None:
    assert reads(sql)


@pytest.mark.parametrize("sql", WRITING)
def test_what_may_write(sql: str) -> None:
    assert not reads(sql)


@pytest.mark.parametrize("letter", ["a", " "])
def test_a_long_statement_is_looked_at_once(letter: str) -> None:
    started = process_time()
    assert reads(f"SELECT '{letter * 50_000}'")
    assert process_time() - started < 1  # seconds; letter by letter it would take twenty


def test_a_statement_is_remembered_whatever_the_number_of_savepoints() -> None:
    reads("SELECT 1")
    known = calls_nothing_else_again.cache_info().misses
    assert all(reads(f"SAVEPOINT s{number}") for number in range(1_000))
    assert not reads("INSERT INTO card VALUES (1)")
    reads("SELECT 1")
    assert calls_nothing_else_again.cache_info().misses == known


def test_what_querysets_ask_reads() -> None:
    parcels = Parcel.objects.annotate(name=Lower("title"), row=Window(RowNumber()))
    articles = Article.objects.annotate(day=TruncDay("created"), one=Coalesce("body", "title"))
    for queryset in (
        parcels.filter(Q(place__in=[1, 2]) | ~Q(weight__gt=F("place") + 1)),
        articles.values("day").annotate(Count("labels", distinct=True), Avg("estimate")),
        Author.objects.filter(Exists(Article.objects.filter(author=OuterRef("pk")))),
        Article.objects.select_related("author")
        .filter(title__icontains="a")
        .union(Article.objects.all()),
    ):
        sql, _ = queryset.query.sql_with_params()
        assert reads(sql), sql


@pytest.mark.django_db(transaction=True)
def test_a_row_that_a_function_has_changed_is_told_as_it_was_committed(move: str) -> None:
    with observed(Parcel, body=lambda parcel: parcel.place) as reader:
        with transaction.atomic(), connection.cursor() as cursor:
            parcel = Parcel.objects.create(place=1)
            cursor.execute(f"SELECT {move}(%s)", [parcel.pk])
            cursor.fetchall()
        assert reader.read() == [("create", "observer", 2)]


@pytest.mark.django_db(transaction=True)
def test_a_row_is_not_read_again_for_what_only_reads() -> None:
    def act() -> None:
        with transaction.atomic():
            Parcel.objects.create(place=1)
            Parcel.objects.filter(place=1).exists()

    with observed(Parcel, body=lambda parcel: parcel.place):
        assert [each for each in queries(act) if each == "SELECT"] == ["SELECT"]


@pytest.fixture
def move(transactional_db: None) -> Any:
    """A function of the database that moves a parcel to the second place."""
    update = "UPDATE testapp_parcel SET place = 2 WHERE id = "
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        write = connection.connection.execute
        connection.connection.create_function(
            "moved", 1, lambda pk: write(f"{update}{pk}").rowcount
        )
        yield "moved"
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION moved(bigint) RETURNS int LANGUAGE sql AS '{update}$1; SELECT 1'"
        )
    yield "moved"
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION moved")
