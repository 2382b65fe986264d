"""
Two servers, PostgreSQL and Redis; one server and Redis are killed while another process writes.

Each subscriber has heard every change, or was told that it has not and has fetched anew; nobody's
state is wrong at the end.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.processes.changes import PLACES
from tests.e2e.processes.scene import Scene, own_database
from tests.e2e.processes.watchers import LOST, GraphQL, Native, Watcher
from tests.own_redis import OwnRedis, started
from tests.soak import Count

pytestmark = pytest.mark.long

CHANGES = Count("changes while servers and Redis are killed", full=10_000, part=500)
SECONDS = 8 if CHANGES.now == CHANGES.part else 40
"""How long the changes take."""
SETTLED = 30.0
"""Seconds until everybody must be right, after the last change."""

Expected = dict[int, list[int | str]]


@CHANGES.mark
@pytest.mark.parametrize("layer", ["core", "pubsub"])
async def test_whoever_is_killed_nobody_is_wrong_in_silence(
    layer: str, postgres_url: str, tmp_path: Path
) -> None:
    with started() as redis, own_database(postgres_url) as database:
        scene = Scene(database, redis.url, layer, tmp_path)
        scene.prepare()
        try:
            await play(scene, redis, database)
        finally:
            scene.end()


async def play(scene: Scene, redis: OwnRedis, database: str) -> None:
    await asyncio.gather(*map(scene.serve, scene.ports))
    watchers = [
        protocol(urls, place)
        for urls in (scene.urls, scene.urls[::-1])
        for place in range(PLACES)
        for protocol in (Native, GraphQL)
    ]
    watching = [asyncio.ensure_future(watcher.run()) for watcher in watchers]
    try:
        await asyncio.gather(*(watcher.fetched.wait() for watcher in watchers))
        said = await make_changes(scene, redis)
        assert not [task for task in watching if task.done()]
        await settled(watchers, database)
    finally:
        for task in watching:
            task.cancel()
        ends = await asyncio.gather(*watching, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
    for watcher in watchers:
        assert_complete(watcher, said[watcher.place])
    report(watchers, said)


async def make_changes(scene: Scene, redis: OwnRedis) -> Expected:
    """Let another process write, and kill what can be killed; what each place has to hear."""
    said: Expected = {place: [] for place in range(PLACES)}
    count = CHANGES.now
    accidents: dict[int, Any] = {
        int(count * 0.2): lambda: scene.kill(scene.ports[0]),
        int(count * 0.3): lambda: scene.serve(scene.ports[0]),
        int(count * 0.4): redis.kill,
        int(count * 0.45): redis.start,
        int(count * 0.6): redis.restart,
        int(count * 0.7): lambda: scene.kill(scene.ports[1]),
        int(count * 0.8): lambda: scene.serve(scene.ports[1]),
    }
    async with scene.changes(count, count // SECONDS) as lines:
        number = 0
        async for line in lines:
            for place, token in json.loads(line).items():
                said[int(place)].append(token)
            number += 1
            if number in accidents:
                happens = accidents[number]()
                if asyncio.iscoroutine(happens):
                    await happens
    assert number == count
    return said


async def settled(watchers: Sequence[Watcher], database: str) -> None:
    """Wait until everybody shows what the database has."""
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT id, place, number FROM processes_item").fetchall()
    right = {
        place: {id: number for id, where, number in rows if where == place}
        for place in range(PLACES)
    }
    until = time.monotonic() + SETTLED
    while wrong := [each for each in watchers if each.items != right[each.place]]:
        assert time.monotonic() < until, [(w.items, right[w.place], w.heard[-9:]) for w in wrong]
        await asyncio.sleep(0.1)


AHEAD = 12
"""Events, one for each row of a place, that may be heard before their turn: rows that were read
again because two had spoken of them, or because something was lost just before."""


def assert_complete(watcher: Watcher, said: Sequence[int | str]) -> None:
    """Between two places where it knows that something may be missing, nothing is."""
    whole: list[list[int | str]] = [[]]
    for token in watcher.heard:
        if token == LOST:
            whole.append([])
        else:
            whole[-1].append(token)
    for heard in whole:
        numbers = [token for token in heard if isinstance(token, int)]
        if numbers:
            begin = said.index(min(numbers[:AHEAD]))
            missing = [i for i, token in enumerate(said) if i >= begin and token not in heard]
            behind = [number for number in numbers if missing and said.index(number) > missing[0]]
            assert len(behind) <= AHEAD, (said[missing[0]], behind, heard)


def report(watchers: Sequence[Watcher], said: Expected) -> None:
    """Print the figures."""
    told = sum(len(said[watcher.place]) for watcher in watchers)
    heard = sum(token != LOST for watcher in watchers for token in watcher.heard)
    print(
        f"{CHANGES.now} changes, {len(watchers)} subscribers: {heard} of {told} events heard, "
        f"{sum(w.gaps for w in watchers)} gaps told, "
        f"{sum(w.connections - 1 for w in watchers)} times connected again"
    )
