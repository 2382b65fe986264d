"""
Whatever transactions do, replaying their events gives what the database holds.

Two threads change two databases in every way there is, each its own rows, in
nested savepoints that commit or roll back. Three observers hear it all: of every
row, of rows that move between groups, and one that does not care for relations.
The database itself says, by triggers that a rollback undoes as well, which rows
a commit has written: each commit has to be told by exactly the events that follow
from what was there before and is there now, in the order of the rows' first
changes, and what is rolled back by none. SQLite and, by a process of its own,
PostgreSQL.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import F
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from dcrf_graph.changes.capture import watch
from dcrf_graph.changes.change import Event
from dcrf_graph.changes.hub import hub
from dcrf_graph.observer import publish
from tests.changes.doubles import Observer, Reader, join
from tests.changes.ledger import CONTENT, LEDGER, NO_LEDGER, SNAPSHOT
from tests.soak import Count
from tests.testapp.models import Crate, Depot, Rack, Tag

pytestmark = pytest.mark.long

RUNS = Count("random transactions, replayed, on SQLite", full=10_000, part=150)
ON_POSTGRESQL = Count("random transactions, replayed, on PostgreSQL", full=10_000, part=60)
COUNT = ON_POSTGRESQL if os.environ.get("DATABASE_URL") else RUNS
STEPS = 6
DEPTH = 5
OTHER = "other"
ALIASES = ("default", OTHER)
FIELDS = ("id", "owner", "code", "title", "weight", "depot", "rack", "tags")
GROUPS = tuple(f"{weight}-{racked}" for weight in range(3) for racked in (True, False))

Row = list[Any]
"""What is told of a row: its columns, in the order of FIELDS, and the keys of its tags."""
Rows = dict[Any, Row]


def group_of(row: Row) -> str:
    return f"{row[4] % 3}-{row[6] is None}"


def content(crate: Any) -> Row:
    tags = "SELECT tag_id FROM testapp_crate_tags WHERE crate_id = %s ORDER BY tag_id"
    with connections[crate._state.db].cursor() as cursor:
        cursor.execute(tags, [crate.pk])
        return [*columns(crate), [tag for (tag,) in cursor.fetchall()]]


def columns(crate: Any) -> Row:
    own = [crate.pk, crate.owner, crate.code, crate.title, crate.weight]
    return [*own, crate.depot_id, crate.rack_id]


class Listener(Reader):
    """Hears one of several observers with groups of the same names."""

    def push(self, event: Event) -> None:
        if event.observer == self.observer_id:
            super().push(event)


class World:
    """What is made once for all runs: the databases, the threads, and who listens."""

    def __init__(self) -> None:
        self.threads = [ThreadPoolExecutor(1, initializer=do_not_wait_for_the_disk) for _ in "ab"]
        grouped: dict[str, Any] = {"group_by": lambda crate: group_of(columns(crate))}
        self.observers = {
            "all": Observer(body=content, many_to_many=True, stable_id="all"),
            "grouped": Observer(body=content, many_to_many=True, stable_id="grouped", **grouped),
            "plain": Observer(body=columns, stable_id="plain", **grouped),
        }
        self.listeners = {name: Listener(name) for name in self.observers}
        for name, observer in self.observers.items():
            watch(Crate, observer, many_to_many=observer.many_to_many)
            join(self.listeners[name], *self.groups(name))

    def groups(self, name: str) -> tuple[str, ...]:
        return GROUPS if self.observers[name].grouped else (name,)

    def close(self) -> None:
        for name, listener in self.listeners.items():
            for group in self.groups(name):
                hub.leave(group, listener)
        for thread in self.threads:
            thread.submit(connections.close_all).result(60)
            thread.shutdown()

    def take(self) -> dict[str, list[Event]]:
        """What each observer has told since the last time."""
        taken = {name: list(listener.events) for name, listener in self.listeners.items()}
        for listener in self.listeners.values():
            listener.events.clear()
        return taken

    def rows(self, alias: str, owner: int) -> Rows:
        """The rows that are committed."""
        found: Rows = {}
        for *values, tag in query(alias, CONTENT, owner):
            row = found.setdefault(values[0], [*values, []])
            if tag is not None:
                row[-1].append(tag)
        return found


def query(alias: str, statement: str, *params: Any) -> list[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def script(alias: str, statements: str) -> None:
    """Execute several statements."""
    connection = connections[alias]
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.executescript(statements)
    else:
        with connection.cursor() as cursor:
            cursor.execute(statements)


def do_not_wait_for_the_disk() -> None:
    if connections["default"].vendor == "postgresql":
        script("default", "SET synchronous_commit TO off")


@pytest.fixture
def world(transactional_db: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[World]:
    """Two databases with the same tables and their ledgers, and who listens to them."""
    connections.settings[OTHER] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "other.sqlite3"),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
    }
    with django_db_blocker.unblock():
        with connections[OTHER].schema_editor() as editor:
            for model in (Depot, Rack, Tag, Crate):
                editor.create_model(model)
        for alias in ALIASES:
            script(alias, LEDGER[connections[alias].vendor])
        do_not_wait_for_the_disk()
        world = World()
        yield world
        world.close()
        script("default", NO_LEDGER[connections["default"].vendor])
        connections[OTHER].close()
    del connections[OTHER], connections.settings[OTHER]


class Undo(Exception):
    """Rolls a block back."""


Act = TypeVar("Act", bound=Callable[..., Any])
acts: dict[str, tuple[Callable[..., Any], bool]] = {}


def act(weight: int, *, held: bool = False, later: bool = False) -> Callable[[Act], Act]:
    """Something that a script may do: how often, whether held instances remain what the rows are.

    ``later`` is whether it may be done by a callback on commit.
    """

    def register(function: Act) -> Act:
        acts[function.__name__] = (function, held)
        chances.extend([function.__name__] * weight)
        if later:
            callbacks.append(function.__name__)
        return function

    return register


chances = (
    ["begin"] * 5 + ["begin_without_savepoint"] + ["commit"] * 2 + ["undo"] * 4 + ["later"] * 3
)
callbacks: list[str] = []


class Acts:
    """What a thread does to its rows, by a number that says which row, and how.

    What ``yields`` goes on after the commit, if it is in no block.
    """

    world: ClassVar[World]
    held: dict[tuple[int, str], dict[Any, tuple[Any, int]]]
    blocks: dict[tuple[int, str], list[tuple[Any, bool]]]
    gone: dict[tuple[int, str], Any]

    def crates(self, owner: int, alias: str) -> Any:
        return Crate.objects.using(alias).filter(owner=owner).order_by("pk")

    def chosen(self, owner: int, alias: str, number: int) -> Any:
        pks = sorted(self.codes(owner, alias))
        return self.crates(owner, alias).get(pk=pks[number % len(pks)]) if pks else None

    def codes(self, owner: int, alias: str) -> dict[Any, int]:
        """The codes of the rows that there are, by key."""
        return dict(query(alias, "SELECT id, code FROM testapp_crate WHERE owner = %s", owner))

    def related(self, model: Any, owner: int, alias: str) -> Any:
        statement = f"SELECT MIN(id) FROM {model._meta.db_table} WHERE owner = %s"
        [(pk,)] = query(alias, statement, owner)
        if pk is None:
            return model.objects.using(alias).create(owner=owner)
        row = model(pk=pk, owner=owner)
        row._state.adding, row._state.db = False, alias
        return row

    def depth(self, owner: int, alias: str) -> int:
        return len(self.blocks.get((owner, alias), ()))

    # -- one row -----------------------------------------------------------------------

    @act(3, later=True)
    def create(self, owner: int, alias: str, number: int) -> None:
        code = number % 6
        if code in self.codes(owner, alias).values():
            return
        crate = Crate(owner=owner, code=code, weight=number // 6)
        if number % 4 == 0:
            pk = crate.pk = self.gone.get((owner, alias))
            if pk is not None and Crate.objects.using(alias).filter(pk=pk).exists():
                return
        crate.rack = self.related(Rack, owner, alias) if number % 2 else None
        crate.depot = self.related(Depot, owner, alias) if number % 3 else None
        crate.save(using=alias, force_insert=True)
        # Should the creation be undone, it is saved again.
        self.held.setdefault((owner, alias), {})[crate.pk] = crate, 0

    @act(3, later=True)
    def save(self, owner: int, alias: str, number: int) -> Iterator[None]:
        crate = self.chosen(owner, alias, number)
        if crate is None:
            return
        how, weight = number // 3, number % 3
        if how == 1:
            crate = self.crates(owner, alias).only("title").get(pk=crate.pk)
        crate.weight = F("weight") + 1 if how == 2 else weight
        crate.title = f"saved {number}"
        if how == 3:
            crate.save(update_fields=["title"])
        elif how == 4:
            self.crates(owner, alias).filter(pk=crate.pk).update(weight=weight + 1)
            yield
            crate.refresh_from_db()
            crate.weight = weight
            crate.save()
        elif how == 5:
            crate.save()
            yield
            crate.weight = weight + 1
            crate.save()
        else:
            crate.save()

    @act(6, held=True)
    def save_held(self, owner: int, alias: str, number: int) -> None:
        """By an instance that has lived through saves and deletions, some of them undone."""
        held = self.held.setdefault((owner, alias), {})
        there = self.codes(owner, alias)
        pks = sorted({*there, *held})
        if not pks:
            return
        pk = pks[number % len(pks)]
        if pk not in held:
            held[pk] = self.crates(owner, alias).get(pk=pk), self.depth(owner, alias)
        crate, _ = held[pk]
        if there.get(pk, crate.code) != crate.code or crate.code in (
            code for other, code in there.items() if other != pk
        ):
            del held[pk]  # Its key, or its code, is another row's now.
            return
        statement = """
            SELECT (SELECT COUNT(*) FROM testapp_crate WHERE id = %s AND owner <> %s),
                (SELECT COUNT(*) FROM testapp_rack WHERE id = %s),
                (SELECT COUNT(*) FROM testapp_depot WHERE id = %s)
        """
        taken, rack, depot = query(alias, statement, pk, owner, crate.rack_id, crate.depot_id)[0]
        if (
            taken
            or bool(rack) is not bool(crate.rack_id)
            or bool(depot) is not bool(crate.depot_id)
        ):
            del held[pk]
            return
        crate.weight, crate.title = number // 6, f"held {number}"
        if number % 5 == 4 and pk in there:
            crate.save(update_fields=["title"])
        elif number % 7 == 6 and pk in there:
            crate.refresh_from_db()
            held[pk] = crate, self.depth(owner, alias)
        else:
            crate.save(using=alias)

    @act(3, held=True)
    def delete_held(self, owner: int, alias: str, number: int) -> None:
        held = self.held.setdefault((owner, alias), {})
        there = self.codes(owner, alias)
        for pk, (crate, _) in sorted(held.items()):
            if pk in there:
                crate.weight = number // 6
                crate.delete()
                crate.pk = pk
                return

    @act(2, later=True)
    def delete(self, owner: int, alias: str, number: int) -> None:
        crate = self.chosen(owner, alias, number)
        if crate is not None:
            self.gone[owner, alias] = crate.pk
            crate.delete()

    @act(3)
    def delete_and_create(self, owner: int, alias: str, number: int) -> Iterator[None]:
        crate = self.chosen(owner, alias, number)
        if crate is not None:
            pk = crate.pk
            crate.delete()
            yield
            crate.weight = number // 6
            crate.pk = pk
            crate.save(force_insert=True, using=alias)

    @act(1)
    def save_by_key(self, owner: int, alias: str, number: int) -> None:
        Crate.objects.using(alias).update_or_create(
            owner=owner, code=number % 6, defaults={"weight": number // 6}
        )

    @act(2)
    def conflict(self, owner: int, alias: str, number: int) -> None:
        """What the database refuses, in a block of its own."""
        crate = self.chosen(owner, alias, number)
        if crate is not None:
            with suppress(IntegrityError), transaction.atomic(using=alias):
                crate.weight = number // 6
                crate.save()
                Crate.objects.using(alias).create(owner=owner, code=crate.code)

    # -- many --------------------------------------------------------------------------

    @act(3, later=True)
    def update(self, owner: int, alias: str, number: int) -> None:
        rows = self.crates(owner, alias).filter(code__gte=number % 6)
        rows.update(weight=number // 6, title=F("title"))

    @act(1)
    def bulk_create(self, owner: int, alias: str, number: int) -> None:
        rows = [Crate(owner=owner, code=number % 6 + n, weight=number // 6) for n in range(3)]
        Crate.objects.using(alias).bulk_create(rows, ignore_conflicts=True)

    @act(1)
    def bulk_create_or_update(self, owner: int, alias: str, number: int) -> None:
        rows = [Crate(owner=owner, code=number % 6 + n, weight=number // 6) for n in range(3)]
        Crate.objects.using(alias).bulk_create(
            rows,
            update_conflicts=True,
            update_fields=["weight"],
            unique_fields=["owner", "code"],
        )

    @act(1)
    def bulk_update(self, owner: int, alias: str, number: int) -> Iterator[None]:
        rows = list(self.crates(owner, alias))
        for add, row in enumerate(rows):
            row.weight = number // 6 + add
        if rows:
            Crate.objects.using(alias).bulk_update(rows, ["weight"])
        for row in rows if number % 2 else ():
            yield
            row.weight += 1
            row.save()

    @act(1)
    def delete_many(self, owner: int, alias: str, number: int) -> None:
        self.crates(owner, alias).filter(code__gt=number % 6).delete()

    @act(2, later=True)
    def raw_sql(self, owner: int, alias: str, number: int) -> None:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            crate = self.chosen(owner, alias, number)
            if crate is None:
                return
            change = "UPDATE testapp_crate SET weight = %s WHERE id = %s"
            if number % 3 == 2:
                crate.weight += 10
                crate.save()
                cursor.execute(change, [number // 6, crate.pk])
                return
            if number % 3 == 1:
                cursor.execute(change, [number // 6, crate.pk])
            else:
                for table, key in (("testapp_crate_tags", "crate_id"), ("testapp_crate", "id")):
                    cursor.execute(f"DELETE FROM {table} WHERE {key} = %s", [crate.pk])
            action = "update" if number % 3 else "delete"
            old = [group_of(columns(crate))]
            publish(Crate, [crate.pk], action, using=alias, old_groups=old)

    # -- relations ---------------------------------------------------------------------

    @act(4, held=True, later=True)
    def relate(self, owner: int, alias: str, number: int) -> None:
        crate, tag = self.chosen(owner, alias, number), self.related(Tag, owner, alias)
        if crate is None:
            return
        how = number // 3
        if how == 0:
            crate.tags.add(tag)
        elif how == 1:
            tag.crates.add(crate)
        elif how == 2:
            crate.tags.set([tag, Tag.objects.using(alias).create(owner=owner)])
        elif how == 3 and crate.tags.exists():
            crate.tags.clear()
        elif how == 4:
            tag.crates.clear()
        elif crate.tags.filter(pk=tag.pk).exists():
            crate.tags.remove(tag)

    @act(1)
    def delete_related(self, owner: int, alias: str, number: int) -> None:
        self.related((Tag, Rack, Depot)[number % 3], owner, alias).delete()


numbers = st.integers(0, 17)
scripts = st.lists(st.tuples(st.sampled_from(chances), numbers), min_size=3, max_size=14)


class Transactions(Acts, RuleBasedStateMachine):
    """Two threads, and what those who listen have heard of them."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = {}
        self.held = {}
        self.gone = {}
        self.starts: dict[tuple[int, str], list[int]] = {}
        self.committed: dict[tuple[int, str], Rows] = {}
        self.read_to: dict[tuple[int, str], int] = {}
        self.state: dict[tuple[str, str, str], Rows] = {}
        self.called = self.broken = False

    @initialize()
    def listen(self) -> None:
        """There are rows before anybody listens: the snapshot."""
        self.world.take()
        for alias in ALIASES:
            script(alias, SNAPSHOT[connections[alias].vendor])
            for owner in (0, 1):
                rows = self.committed[owner, alias] = self.world.rows(alias, owner)
                for name, observer in self.world.observers.items():
                    for pk, row in rows.items():
                        group = group_of(row) if observer.grouped else name
                        self.state.setdefault((alias, name, group), {})[pk] = told(name, row)

    @rule(
        owner=st.sampled_from([0, 1]),
        alias=st.sampled_from(ALIASES),
        script=scripts,
        left_open=st.sampled_from([False, False, True]),
    )
    def do(self, owner: int, alias: str, script: list[tuple[str, int]], left_open: bool) -> None:
        for name, number in script:
            if not self.free(owner, alias):
                return
            self.broken = True
            if name in ("begin", "begin_without_savepoint"):
                self.begin(owner, alias, number, savepoint=name == "begin")
            elif name in ("commit", "undo"):
                self.end(owner, alias, undone=name == "undo", by_error=number % 2 == 0)
            elif name == "later":
                self.later(owner, alias, number)
            else:
                self.change(owner, alias, name, number)
            self.broken = False
        while not left_open and self.depth(owner, alias):
            self.end(owner, alias, undone=False)

    def free(self, owner: int, alias: str) -> bool:
        """Whether a thread may write: SQLite has one writer at a time."""
        return not self.depth(1 - owner, alias) or connections[alias].vendor != "sqlite"

    def run(self, owner: int, act: Callable[[], Any]) -> Any:
        return self.world.threads[owner].submit(act).result(60)

    # -- transactions ------------------------------------------------------------------

    def begin(self, owner: int, alias: str, number: int, savepoint: bool) -> None:
        open_blocks = self.blocks.setdefault((owner, alias), [])
        if len(open_blocks) < DEPTH:
            durable = not open_blocks and number % 3 == 0
            block = transaction.atomic(using=alias, durable=durable, savepoint=savepoint)
            self.run(owner, block.__enter__)
            open_blocks.append((block, savepoint or not open_blocks))
            self.hear(owner, alias)

    def end(self, owner: int, alias: str, undone: bool, by_error: bool = True) -> None:
        """Leave a block; one without a savepoint is undone with the next that has one."""
        open_blocks = self.blocks.get((owner, alias), [])
        whole = not undone
        while open_blocks:
            block, whole_here = open_blocks.pop()

            def leave(block: Any = block, by_error: bool = by_error) -> None:
                if undone and not by_error:
                    transaction.set_rollback(True, using=alias)
                error = (Undo, Undo(), None) if undone and by_error else (None, None, None)
                block.__exit__(*error)

            self.run(owner, leave)
            if undone:
                self.forget(owner, alias, len(open_blocks))
            self.hear(owner, alias, undone)
            if whole or whole_here:
                break

    def forget(self, owner: int, alias: str, depth: int) -> None:
        """Hold no instance that was loaded in a block that was undone."""
        held = self.held.get((owner, alias), {})
        self.held[owner, alias] = {pk: each for pk, each in held.items() if each[1] <= depth}

    # -- changes -----------------------------------------------------------------------

    def change(self, owner: int, alias: str, name: str, number: int) -> None:
        parts = iter(self.parts(owner, alias, name, number))
        while self.run(owner, lambda: next(parts, None)):
            self.hear(owner, alias)

    def parts(self, owner: int, alias: str, name: str, number: int) -> Iterator[bool]:
        """Do something in a thread; yields after each part of it, which may be a commit."""
        if self.depth(owner, alias):
            self.start(owner, alias)
        function, keeps_held = acts[name]
        if not keeps_held:
            self.held.pop((owner, alias), None)
        for _ in function(self, owner, alias, number) or ():
            yield True
            if self.depth(owner, alias):
                self.start(owner, alias)
        yield True

    def start(self, owner: int, alias: str) -> None:
        """Note where in the ledger the next part begins; what is undone is taken out of that."""
        starts = self.starts.setdefault((owner, alias), [])
        [(last,)] = query(alias, "SELECT COALESCE(MAX(seq), 0) FROM ledger")
        while starts and starts[-1] > last:
            starts.pop()
        starts.append(last)

    def later(self, owner: int, alias: str, number: int) -> None:
        """Do something when the block has been committed, maybe to the other database."""
        if not self.depth(owner, alias):
            return
        target = ALIASES[number % 2] if number % 3 == 0 else alias
        name = callbacks[number % len(callbacks)]

        def callback() -> None:
            if not self.free(owner, target):
                return
            self.called = True
            if number % 5 == 4:
                with suppress(Undo), transaction.atomic(using=target):
                    list(self.parts(owner, target, name, number))
                    raise Undo
                self.forget(owner, target, self.depth(owner, target))
            elif number % 5 == 3:
                with transaction.atomic(using=target):
                    transaction.on_commit(lambda: None, using=target)
                    list(self.parts(owner, target, name, number))
            else:
                list(self.parts(owner, target, name, number))

        self.run(owner, lambda: transaction.on_commit(callback, using=alias))

    # -- what is heard -----------------------------------------------------------------

    def hear(self, owner: int, alias: str, undone: bool = False) -> None:
        """Check what was told of something that was done: in a block, or by a commit."""
        taken = self.world.take()
        called, self.called = self.called, False
        for name, events in taken.items():
            self.replay(name, events, strictly=not called)
        if called:
            # Callbacks made commits of their own, between the parts of this one.
            for each in ALIASES:
                if not self.depth(owner, each):
                    self.settle(owner, each, taken)
        elif self.depth(owner, alias) or undone:
            assert not any(taken.values()), "told before the commit, or of what was undone"
        else:
            was = self.committed[owner, alias]
            starts = self.starts.get((owner, alias), [])
            ledger = self.settle(owner, alias, taken)
            now = self.committed[owner, alias]
            for name, events in taken.items():
                assert Counter(map(key, events)) == Counter(self.expected(name, ledger, was, now))
                firsts = [bisect_left(starts, ledger[event.pk][0]) for event in events]
                assert firsts == sorted(firsts), f"not in the order of the first changes: {events}"
                check_messages(events, was, now)
        for each in ALIASES:
            if not self.depth(owner, each):
                self.starts.pop((owner, each), None)

    def replay(self, name: str, events: list[Event], strictly: bool) -> None:
        """Do to what each group has heard of what it hears now."""
        for event in events:
            rows = self.state.setdefault((event.using, name, event.group), {})
            if strictly:
                known = event.pk in rows
                assert known is (event.action != "create"), f"{event.action} of {rows}: {event}"
            if event.action == "delete":
                rows.pop(event.pk, None)
            else:
                rows[event.pk] = json.loads(event.message)["body"]

    def settle(
        self, owner: int, alias: str, taken: dict[str, list[Event]]
    ) -> dict[Any, tuple[int, set[str]]]:
        """Compare what was heard with what is there; returns what was written, by key."""
        now = self.committed[owner, alias] = self.world.rows(alias, owner)
        statement = "SELECT seq, crate, act FROM ledger WHERE owner = %s AND seq > %s ORDER BY seq"
        written = query(alias, statement, owner, self.read_to.get((owner, alias), 0))
        ledger: dict[Any, tuple[int, set[str]]] = {}
        for seq, crate, what in written:
            ledger.setdefault(crate, (seq, set()))[1].add(what)
            self.read_to[owner, alias] = seq
        for name, events in taken.items():
            grouped = self.world.observers[name].grouped
            unwritten = [e for e in events if e.using == alias and e.pk not in ledger]
            assert not unwritten, f"nobody has written: {unwritten}"
            for group in self.world.groups(name):
                there = {
                    pk: told(name, row)
                    for pk, row in now.items()
                    if not grouped or group_of(row) == group
                }
                heard = self.state.get((alias, name, group), {})
                assert {pk: row for pk, row in heard.items() if row[1] == owner} == there
        return ledger

    def expected(
        self, name: str, ledger: dict[Any, tuple[int, set[str]]], was: Rows, now: Rows
    ) -> Iterator[tuple[str, str, Any]]:
        """What an observer has to tell of rows that were written."""
        observer = self.world.observers[name]

        def group(row: Row | None) -> str | None:
            return None if row is None else group_of(row) if observer.grouped else name

        for pk, (_, written) in ledger.items():
            if written == {"relate"} and not observer.many_to_many:
                continue
            before, after = group(was.get(pk)), group(now.get(pk))
            if before is not None and before == after:
                yield "update", before, pk
                continue
            if before is not None:
                yield "delete", before, pk
            if after is not None:
                yield "create", after, pk

    # -- the end -----------------------------------------------------------------------

    def teardown(self) -> None:
        for (owner, alias), open_blocks in self.blocks.items():
            while open_blocks and not self.broken:
                self.end(owner, alias, undone=False)
        if self.broken:
            for owner in (0, 1):
                self.run(owner, partial(self.give_up, owner))
        self.world.take()

    def give_up(self, owner: int) -> None:
        """Leave nothing open for the next run."""
        for alias in ALIASES:
            for block, _ in reversed(self.blocks.get((owner, alias), [])):
                with suppress(Exception):
                    block.__exit__(Undo, Undo(), None)
            connections[alias].close()
            del connections[alias]


def told(name: str, row: Row) -> Row:
    return row[:-1] if name == "plain" else row


def key(event: Event) -> tuple[str, str, Any]:
    return str(event.action), event.group, event.pk


def check_messages(events: list[Event], was: Rows, now: Rows) -> None:
    """A group that a row has left hears its key alone; an update says which fields are new."""
    for event in events:
        message = json.loads(event.message)
        if event.action == "delete":
            only_key = {"key": event.pk}
            left = event.pk in now
            assert message["body"] == only_key if left else only_key["key"] in message_key(message)
        elif event.action == "update" and "changed_fields" in message:
            pairs = zip(FIELDS, was[event.pk], now[event.pk], strict=True)
            new = {name for name, old, value in pairs if old != value}
            if event.observer == "plain":
                new -= {"tags"}
            assert new <= set(message["changed_fields"]), f"{new} changed: {event}"


def message_key(message: Any) -> list[Any]:
    body = message["body"]
    return list(body.values()) if isinstance(body, dict) else body[:1]


@COUNT.mark
def test_replaying_the_events_gives_what_the_database_holds(world: World) -> None:
    Transactions.world = world
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
