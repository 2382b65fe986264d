"""
Whatever transactions do, replaying their events gives what the database holds.

Two threads change two databases in every way there is, each its own rows, in
nested savepoints that commit or roll back. An observer with groups and one
without, both with many-to-many relations, hear it all. Each event has to make
sense where it comes: nothing is created twice, and nothing updated or deleted
that was not there. SQLite and, by a process of its own, PostgreSQL.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models import F
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from dcrf_graph.observer import publish
from tests.changes.doubles import Reader, observed
from tests.soak import Count
from tests.testapp.models import Crate, Depot, Rack, Tag

RUNS = Count("random transactions, replayed, on SQLite", full=10_000, part=50)
ON_POSTGRESQL = Count("random transactions, replayed, on PostgreSQL", full=10_000, part=25)
COUNT = ON_POSTGRESQL if os.environ.get("DATABASE_URL") else RUNS
STEPS = 25
OTHER = "other"
MODELS = (Crate.tags.through, Crate, Tag, Rack, Depot)
GROUPS = tuple(f"{weight}-{racked}" for weight in range(3) for racked in (True, False))

owners = st.sampled_from([0, 1])
aliases = st.sampled_from(["default", OTHER])
codes = st.integers(0, 5)
weights = st.integers(0, 5)
picks = st.integers(0, 7)
acts = st.sampled_from(
    ["begin", "begin", "commit", "undo", "undo", "save", "save", "delete", "update"]
)
scripts = st.lists(st.tuples(acts, weights), min_size=4, max_size=12)


def group_of(crate: Any) -> str:
    return f"{crate.weight % 3}-{crate.rack_id is None}"


def content(crate: Any) -> list[Any]:
    tags = sorted(crate.tags.values_list("pk", flat=True))
    return [crate.owner, crate.code, crate.title, crate.weight, crate.depot_id, crate.rack_id, tags]


@pytest.fixture
def other(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[None]:
    """A second database, with the same tables."""
    connections.settings[OTHER] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "other.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA synchronous=OFF;"},
    }
    with django_db_blocker.unblock():
        with connections[OTHER].schema_editor() as editor:
            for model in (Depot, Rack, Tag, Crate):
                editor.create_model(model)
        yield
        connections[OTHER].close()
    del connections[OTHER], connections.settings[OTHER]


class Undo(Exception):
    """Rolls a block back."""


class Transactions(RuleBasedStateMachine):
    """Two threads, and what those who listen have heard of them."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]
        self.blocks: dict[tuple[int, str], list[Any]] = {}
        self.state: dict[tuple[str, str], dict[Any, Any]] = {}
        self.cleanup = ExitStack()

    @initialize()
    def listen(self) -> None:
        for alias in ("default", OTHER):
            for model in MODELS:
                model._base_manager.using(alias).all()._raw_delete(alias)
        for alias in ("default", OTHER):
            for owner in (0, 1):
                self.fill(owner, alias)
        options: dict[str, Any] = {"body": content, "many_to_many": True}
        enter = self.cleanup.enter_context
        self.all = enter(observed(Crate, "all", stable_id="all", **options))
        self.grouped = enter(
            observed(Crate, *GROUPS, stable_id="grouped", group_by=group_of, **options)
        )

    def fill(self, owner: int, alias: str) -> None:
        """Rows that are there before anybody listens: the snapshot."""
        rack: Any = self.related(Rack, owner, alias)
        depot: Any = self.related(Depot, owner, alias)
        for code in range(3):
            crate = Crate(
                owner=owner, code=code, weight=code, rack=rack, depot=depot if code else None
            )
            crate.save(using=alias)
            crate.tags.add(self.related(Tag, owner, alias))
            for group in ("all", group_of(crate)):
                self.state.setdefault((alias, group), {})[crate.pk] = content(crate)

    def run(self, owner: int, act: Callable[[], Any]) -> Any:
        """Do something in a thread, and replay what is heard of it."""
        result = self.threads[owner].submit(act).result(60)
        self.replay(self.all)
        self.replay(self.grouped)
        return result

    def replay(self, reader: Reader) -> None:
        events = list(reader.events)
        for event, (*_, body) in zip(events, reader.read(), strict=True):
            rows = self.state.setdefault((event.using, event.group), {})
            if event.action == "create":
                assert event.pk not in rows, f"created twice: {event}"
            else:
                assert event.pk in rows, f"{event.action} of nothing: {event}"
            if event.action == "delete":
                del rows[event.pk]
            else:
                rows[event.pk] = body

    # -- transactions ------------------------------------------------------------------

    def free(self, owner: int, alias: str) -> bool:
        """Whether a thread may write: SQLite has one writer at a time."""
        theirs = self.blocks.get((1 - owner, alias))
        return not theirs or connections[alias].vendor != "sqlite"

    def write(self, owner: int, alias: str, act: Callable[[], Any]) -> None:
        if self.free(owner, alias):
            self.run(owner, act)

    @rule(owner=owners, alias=aliases, durable=st.booleans())
    def begin(self, owner: int, alias: str, durable: bool) -> None:
        if not self.free(owner, alias):
            return
        open_blocks = self.blocks.setdefault((owner, alias), [])
        block = transaction.atomic(using=alias, durable=durable and not open_blocks)
        self.run(owner, block.__enter__)
        open_blocks.append(block)

    @rule(owner=owners, alias=aliases, undo=st.booleans())
    def end(self, owner: int, alias: str, undo: bool) -> None:
        open_blocks = self.blocks.get((owner, alias))
        if open_blocks:
            block = open_blocks.pop()
            error = (Undo, Undo(), None) if undo else (None, None, None)
            self.run(owner, lambda: block.__exit__(*error))

    @rule(owner=owners, alias=aliases, script=scripts)
    def nest(self, owner: int, alias: str, script: list[tuple[str, int]]) -> None:
        """Several changes in blocks inside of each other, some of which are undone."""
        depth = 0
        for act, number in script:
            if act == "begin":
                depth += 1
                self.begin(owner, alias, False)
            elif act in ("commit", "undo"):
                if depth:
                    depth -= 1
                    self.end(owner, alias, act == "undo")
            elif act == "save":
                self.save(owner, alias, number, number, 0)
            elif act == "delete":
                self.delete(owner, alias, number, False)
            else:
                self.update(owner, alias, 0, number)
        for _ in range(depth):
            self.end(owner, alias, False)
        if not any(self.blocks.values()):
            self.compare()

    # -- rows --------------------------------------------------------------------------

    def crates(self, owner: int, alias: str) -> Any:
        return Crate.objects.using(alias).filter(owner=owner).order_by("pk")

    def chosen(self, owner: int, alias: str, pick: int) -> Any:
        found = list(self.crates(owner, alias))
        return found[pick % len(found)] if found else None

    def related(self, model: Any, owner: int, alias: str) -> Any:
        row = model.objects.using(alias).filter(owner=owner).first()
        return row or model.objects.using(alias).create(owner=owner)

    @rule(owner=owners, alias=aliases, code=codes, weight=weights)
    def create(self, owner: int, alias: str, code: int, weight: int) -> None:
        def act() -> None:
            if not self.crates(owner, alias).filter(code=code).exists():
                Crate.objects.using(alias).create(
                    owner=owner,
                    code=code,
                    weight=weight,
                    rack=self.related(Rack, owner, alias) if weight % 2 else None,
                    depot=self.related(Depot, owner, alias) if weight % 3 else None,
                )

        self.write(owner, alias, act)

    @rule(owner=owners, alias=aliases, pick=picks, weight=weights, how=st.integers(0, 5))
    def save(self, owner: int, alias: str, pick: int, weight: int, how: int) -> None:
        def act() -> None:
            crate = self.chosen(owner, alias, pick)
            if crate is None:
                return
            if how == 1:
                crate = self.crates(owner, alias).only("title").get(pk=crate.pk)
            crate.weight = F("weight") + 1 if how == 2 else weight
            crate.title = f"saved {weight}"
            if how == 3:
                crate.save(update_fields=["title"])
            elif how == 4:
                self.crates(owner, alias).filter(pk=crate.pk).update(weight=weight + 1)
                crate.refresh_from_db()
                crate.weight = weight
                crate.save()
            elif how == 5:
                crate.save()
                crate.weight = weight + 1
                crate.save()
            else:
                crate.save()

        self.write(owner, alias, act)

    @rule(owner=owners, alias=aliases, pick=picks, again=st.booleans())
    def delete(self, owner: int, alias: str, pick: int, again: bool) -> None:
        def act() -> None:
            crate = self.chosen(owner, alias, pick)
            if crate is not None:
                pk = crate.pk
                crate.delete()
                if again:
                    crate.pk = pk
                    crate.save(force_insert=True, using=alias)

        self.write(owner, alias, act)

    @rule(owner=owners, alias=aliases, code=codes, weight=weights)
    def save_by_key(self, owner: int, alias: str, code: int, weight: int) -> None:
        self.write(
            owner,
            alias,
            lambda: Crate.objects.using(alias).update_or_create(
                owner=owner, code=code, defaults={"weight": weight}
            ),
        )

    # -- bulk ---------------------------------------------------------------------------

    @rule(owner=owners, alias=aliases, code=codes, weight=weights)
    def update(self, owner: int, alias: str, code: int, weight: int) -> None:
        rows = self.crates(owner, alias).filter(code__gte=code)
        self.write(owner, alias, lambda: rows.update(weight=weight, title=F("title")))

    @rule(owner=owners, alias=aliases, weight=weights, conflicts=st.sampled_from(["ignore", "up"]))
    def bulk_create(self, owner: int, alias: str, weight: int, conflicts: str) -> None:
        rows = [Crate(owner=owner, code=code, weight=weight) for code in range(weight, weight + 3)]
        options: dict[str, Any] = {"ignore_conflicts": True}
        if conflicts == "up":
            options = {
                "update_conflicts": True,
                "update_fields": ["weight"],
                "unique_fields": ["owner", "code"],
            }
        self.write(owner, alias, lambda: Crate.objects.using(alias).bulk_create(rows, **options))

    @rule(owner=owners, alias=aliases, weight=weights, save=st.booleans())
    def bulk_update(self, owner: int, alias: str, weight: int, save: bool) -> None:
        def act() -> None:
            rows = list(self.crates(owner, alias))
            for number, row in enumerate(rows):
                row.weight = weight + number
            if rows:
                Crate.objects.using(alias).bulk_update(rows, ["weight"])
            for row in rows if save else ():
                row.weight += 1
                row.save()

        self.write(owner, alias, act)

    @rule(owner=owners, alias=aliases, code=codes)
    def delete_many(self, owner: int, alias: str, code: int) -> None:
        rows = self.crates(owner, alias).filter(code__gt=code)
        self.write(owner, alias, lambda: rows.delete())

    @rule(owner=owners, alias=aliases, pick=picks, weight=weights)
    def raw_sql(self, owner: int, alias: str, pick: int, weight: int) -> None:
        def act() -> None:
            with transaction.atomic(using=alias):
                crate = self.chosen(owner, alias, pick)
                if crate is None:
                    return
                with connections[alias].cursor() as cursor:
                    statement = "UPDATE testapp_crate SET weight = %s WHERE id = %s"
                    cursor.execute(statement, [weight, crate.pk])
                old = [group_of(crate)]
                publish(Crate, [crate.pk], "update", using=alias, old_groups=old)

        self.write(owner, alias, act)

    # -- relations ------------------------------------------------------------------------

    @rule(owner=owners, alias=aliases, pick=picks, how=st.integers(0, 5))
    def relate(self, owner: int, alias: str, pick: int, how: int) -> None:
        def act() -> None:
            crate, tag = self.chosen(owner, alias, pick), self.related(Tag, owner, alias)
            if crate is not None:
                (
                    lambda: crate.tags.add(tag),
                    lambda: tag.crates.add(crate),
                    lambda: crate.tags.set([tag, Tag.objects.using(alias).create(owner=owner)]),
                    lambda: crate.tags.clear(),
                    lambda: tag.crates.clear(),
                    lambda: crate.tags.remove(tag),
                )[how]()

        self.write(owner, alias, act)

    @rule(owner=owners, alias=aliases, model=st.sampled_from([Tag, Rack, Depot]))
    def delete_related(self, owner: int, alias: str, model: Any) -> None:
        self.write(owner, alias, lambda: self.related(model, owner, alias).delete())

    # -- the end ---------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            for (owner, alias), open_blocks in self.blocks.items():
                while open_blocks:
                    self.end(owner, alias, False)
            if hasattr(self, "grouped"):
                self.compare()
        finally:
            for thread in self.threads:
                thread.submit(connections.close_all).result(60)
                thread.shutdown()
            self.cleanup.close()

    def compare(self) -> None:
        for alias in ("default", OTHER):
            rows = list(Crate.objects.using(alias))
            assert self.state.get((alias, "all"), {}) == {row.pk: content(row) for row in rows}
            for group in GROUPS:
                there = {row.pk: content(row) for row in rows if group_of(row) == group}
                assert self.state.get((alias, group), {}) == there


@COUNT.mark
@pytest.mark.django_db(transaction=True)
def test_replaying_the_events_gives_what_the_database_holds(other: None) -> None:
    run_state_machine_as_test(
        Transactions, settings=settings(COUNT.settings, stateful_step_count=STEPS)
    )


@ON_POSTGRESQL.mark
@pytest.mark.skipif(COUNT is ON_POSTGRESQL, reason="this is the process with PostgreSQL")
def test_replaying_the_events_gives_what_postgresql_holds(postgres_url: str) -> None:
    test = f"{__file__}::test_replaying_the_events_gives_what_the_database_holds"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        env={**os.environ, "DATABASE_URL": postgres_url},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
