"""
On PostgreSQL a trigger sees every writer: SQL of anybody reaches subscribers of both protocols.

The tests run in a process of their own, whose database is PostgreSQL.
"""

from __future__ import annotations

# mypy: disable-error-code="no-redef"
import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework import serializers

from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.relay import relay, relay_until
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.models import OutboxChange
from dcrf_graph.observer import model_observer
from dcrf_graph.permissions import AllowAny
from dcrf_graph.routers import Router
from tests.changes.doubles import observed
from tests.graphql.sessions import Session
from tests.native.client import connected, in_thread
from tests.testapp.models import Parcel, Place, Restaurant

pytestmark = pytest.mark.long

POSTGRESQL = bool(os.environ.get("DATABASE_URL"))
needs_it = pytest.mark.skipif(not POSTGRESQL, reason="run by the test with PostgreSQL")


@pytest.mark.skipif(POSTGRESQL, reason="this is the process with PostgreSQL")
def test_every_writer_of_postgresql_is_heard(postgres_url: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        env={**os.environ, "DATABASE_URL": postgres_url},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout


@pytest.fixture
def triggered(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Parcels have the trigger, and a relay is running."""
    from dcrf_graph.postgres import ObserveWrites

    trigger: Any = ObserveWrites()
    trigger.install(Parcel)
    monkeypatch.setattr(Parcel._meta, "triggers", [trigger], raising=False)
    ended = threading.Event()
    relaying = threading.Thread(
        target=relay_until, args=(ended, "default"), kwargs={"interval": 0.1}
    )
    relaying.start()
    yield
    ended.set()
    relaying.join(10)
    trigger.uninstall(Parcel)


def elsewhere(*statements: str) -> None:
    """Say something to the database over a connection that Django knows nothing of."""
    import psycopg

    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    params: dict[str, Any] = {name: given[name] for name in names if name in given}
    with psycopg.connect(**params) as other:
        for statement in statements:
            other.execute(statement.encode())


@contextmanager
def held(pk: int) -> Iterator[None]:
    """Another relay has a row of the outbox."""
    import psycopg

    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    params: dict[str, Any] = {name: given[name] for name in names if name in given}
    with psycopg.connect(**params) as other:
        other.execute(b"SELECT 1 FROM dcrf_graph_outboxchange WHERE id = %s FOR UPDATE", [pk])
        yield


class ParcelSerializer(serializers.ModelSerializer[Parcel]):
    class Meta:
        model = Parcel
        fields = ["id", "place", "title"]


class ParcelFeed(GenericAsyncAPIConsumer):
    """Tells of the parcels of a place."""

    queryset = Parcel.objects.all()
    serializer_class = ParcelSerializer
    permission_classes = [AllowAny]

    @model_observer(Parcel, serializer_class=ParcelSerializer)
    async def placed(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @placed.groups_for_signal
    def placed(self, instance: Parcel, **kwargs: Any) -> Any:
        yield f"place-{instance.place}"

    @placed.groups_for_consumer
    def placed(self, place: int, **kwargs: Any) -> Any:
        yield f"place-{place}"

    @action(subscribes="placed")
    async def subscribe_place(self, place: int, request_id: Any, **kwargs: Any) -> None:
        await self.placed.subscribe(place=place, request_id=request_id)


INSERT = "INSERT INTO testapp_parcel (place, title, weight) VALUES (1, 'typed', 0)"
MOVE = "UPDATE testapp_parcel SET place = 2"
RENAME = "UPDATE testapp_parcel SET title = repeat('x', 9000)"
DELETE = "DELETE FROM testapp_parcel"


@needs_it
async def test_sql_of_another_connection_reaches_a_native_client(triggered: None) -> None:
    async with connected(ParcelFeed) as client:
        await in_thread(elsewhere, "ALTER TABLE testapp_parcel ALTER title TYPE text")
        await client.call("subscribe_place", place=1)
        await in_thread(elsewhere, INSERT)
        created = await client.frame()
        await in_thread(elsewhere, RENAME)
        updated = await client.frame()
        await in_thread(elsewhere, MOVE)
        left = await client.frame()
        assert (created["action"], created["data"]["title"]) == ("create", "typed")
        assert (updated["action"], len(updated["data"]["title"])) == ("update", 9_000)
        key = created["data"]["id"]
        assert (left["action"], left["data"]) == ("delete", {"pk": key, "id": key})


@needs_it
async def test_sql_of_another_connection_reaches_a_graphql_client(triggered: None) -> None:
    router = Router()
    router.register("parcels", ParcelFeed)
    query = "subscription { parcelPlace(place: 1) { action id data { title } } }"
    async with Session(router) as session, await session.subscribe(query) as results:
        told = []
        for statement in (INSERT, DELETE):
            assert hub.count() == 1
            await in_thread(elsewhere, statement)
            told.append((await asyncio.wait_for(anext(results), 10))["data"]["parcelPlace"])
        assert [event["action"] for event in told] == ["CREATE", "DELETE"]
        assert [event["data"] for event in told] == [{"title": "typed"}, None]


@needs_it
def test_a_transaction_is_told_as_its_net_change_and_once(triggered: None) -> None:
    with observed(Parcel, "1", "2", group_by=lambda row: row.place) as reader:
        elsewhere("BEGIN", INSERT, MOVE, "COMMIT")
        told(reader, 1)
        with transaction.atomic():
            Parcel.objects.update(title="raw, by Django")
            parcel = Parcel.objects.get()
            parcel.title = "saved"
            parcel.save()
        told(reader, 2)
        elsewhere("BEGIN", MOVE, "ROLLBACK", "BEGIN", INSERT, DELETE, "COMMIT", INSERT)
        told(reader, 4)
        assert reader.actions() == ["create", "update", "delete", "create"]
    assert not OutboxChange.objects.exists()


@needs_it
def test_a_key_that_is_changed_is_a_delete_and_a_create(triggered: None) -> None:
    with observed(Parcel, "1", group_by=lambda row: row.place) as reader:
        elsewhere(INSERT)
        told(reader, 1)
        elsewhere("UPDATE testapp_parcel SET id = 1000")
        told(reader, 3)
        created, *changed = [(event.action, event.pk) for event in reader.events]
        assert changed == [("delete", created[1]), ("create", 1000)]


def told(reader: Any, count: int) -> None:
    """Wait until so many events have come, and the outbox is empty."""
    deadline = time.monotonic() + 10
    while len(reader.events) < count or OutboxChange.objects.exists():
        assert time.monotonic() < deadline, f"{len(reader.events)} of {count}: {reader.events}"
        time.sleep(0.01)


@needs_it
def test_the_relay_outlives_a_lost_connection_and_loses_nothing(triggered: None) -> None:
    with observed(Parcel, "1", group_by=lambda row: row.place) as reader:
        elsewhere(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE '%dcrf_graph_outboxchange%' "
            "AND pid <> pg_backend_pid() AND state = 'idle'",
            INSERT,
        )
        told(reader, 1)


@needs_it
@pytest.mark.parametrize("locked", [0, -1], ids=["the head", "the tail"])
def test_two_relays_at_once_do_not_split_a_transaction(transactional_db: None, locked: int) -> None:
    """Who holds a part of it leaves it to the other, or to the next time."""
    rows = [OutboxChange(model="testapp.parcel", key=pk, action="delete") for pk in (1, 2, 3)]
    for row in rows:
        row.transaction, row.by_trigger = "together", True
    OutboxChange.objects.bulk_create(rows)
    OutboxChange.objects.create(model="testapp.parcel", key=4, action="delete", by_trigger=True)
    with observed(Parcel) as reader:
        with held(rows[locked].pk):
            assert relay("default") == 1
        assert [event.pk for event in reader.events] == [4]
        assert relay("default") == 3
        assert [event.pk for event in reader.events] == [4, 1, 2, 3]


@needs_it
def test_a_table_that_is_truncated_is_a_gap(triggered: None) -> None:
    from dcrf_graph.postgres import ObserveTruncate

    trigger: Any = ObserveTruncate()
    trigger.install(Parcel)
    with observed(Parcel) as reader:
        elsewhere(INSERT, "TRUNCATE testapp_parcel CASCADE", INSERT)
        told(reader, 1)
        assert (reader.actions(), len(reader.gaps)) == (["create"], 1)
    trigger.uninstall(Parcel)


@pytest.fixture
def triggered_tables(triggered: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restaurants, and the places that they are, have the trigger too."""
    from dcrf_graph.postgres import ObserveWrites

    trigger: Any = ObserveWrites()
    for model in (Place, Restaurant):
        trigger.install(model)
        monkeypatch.setattr(model._meta, "triggers", [trigger], raising=False)
    yield
    for model in (Place, Restaurant):
        trigger.uninstall(model)


def starred(restaurant: Restaurant) -> str:
    return f"{restaurant.city}-{restaurant.stars}"


MOVE_AND_STAR = (
    "BEGIN",
    "UPDATE testapp_restaurant SET stars = 2",
    "UPDATE testapp_place SET city = 2",
    "COMMIT",
)


@needs_it
def test_a_row_of_two_tables_is_told_whichever_was_written(triggered_tables: None) -> None:
    with (
        observed(Restaurant, "1-1", "2-1", "2-2", "1-2", group_by=starred) as restaurants,
        observed(Place, stable_id="places") as places,
    ):
        child = Restaurant.objects.create(name="a", stars=1)
        told(restaurants, 1)
        child.city = 2
        child.save(update_fields=["city"])
        told(restaurants, 3)
        elsewhere("UPDATE testapp_place SET city = 1")
        told(restaurants, 5)
        elsewhere(*MOVE_AND_STAR)
        told(restaurants, 7)
        child.delete()
        told(restaurants, 8)
        moves = [("1-1", "2-1"), ("2-1", "1-1"), ("1-1", "2-2")]
        assert [(action, group) for action, group, _ in restaurants.read()] == [
            ("create", "1-1"),
            *(each for old, new in moves for each in (("delete", old), ("create", new))),
            ("delete", "2-2"),
        ]
        assert places.actions() == ["create", "update", "update", "update", "delete"]


@needs_it
def test_the_deletion_of_a_child_alone_is_none_of_its_parent(triggered_tables: None) -> None:
    with observed(Restaurant) as restaurants, observed(Place, stable_id="places") as places:
        Restaurant.objects.create(name="a")
        told(restaurants, 1)
        elsewhere("DELETE FROM testapp_restaurant")
        told(restaurants, 2)
        assert restaurants.actions() == ["create", "delete"]
        assert places.actions() == ["create"]
