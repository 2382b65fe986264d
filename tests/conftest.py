"""What every test may ask for: the services of this machine, and how often it repeats itself."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from hypothesis import settings

from tests.soak import SOAKING, Count

# For tests that name no count of their own.
settings.register_profile("soak", max_examples=10_000, deadline=None, print_blob=True)
if SOAKING:
    settings.load_profile("soak")

# Connections opened by other threads than the tests', with a strong reference: such a connection is
# not collected, with a warning, in the middle of some later test.
opened_elsewhere: list[BaseDatabaseWrapper] = []


@receiver(connection_created)
def note_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if threading.current_thread() is not threading.main_thread():
        opened_elsewhere.append(connection)


@pytest.fixture(autouse=True)
def connections_of_threads() -> Iterator[None]:
    """Close what the threads of a test left open, before its database is emptied.

    Threads of a pool outlive a test, and their connections are out of reach for everybody else.
    """
    yield
    while opened_elsewhere:
        connection = opened_elsewhere.pop()
        connection.inc_thread_sharing()
        try:
            connection.close()
        finally:
            connection.dec_thread_sharing()


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there, now."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


def require(name: str, url: str, default_port: int) -> str:
    """The `url`, if the service answers; else a loud skip, or with REQUIRE_SERVICES=1 a failure."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or default_port
    if answers(host, port):
        return url
    reason = f"{name} DOES NOT ANSWER at {host}:{port}: what this test promises was NOT tested"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis that answers, from REDIS_URL or the usual place."""
    url = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
    return require("Redis", url, 6379)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL that answers, from DATABASE_URL or the usual place."""
    url = os.environ.get("DATABASE_URL") or "postgres://postgres:postgres@127.0.0.1:5432/postgres"
    return require("PostgreSQL", url, 5432)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Three for two cores: half of the time a test waits, for another thread, process or server."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (os.cpu_count() or 1) * 3 // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, so that at the end nobody waits for one of them.

    Note how often each marked test repeats itself; leave those that do not to `make soak`.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for item in items:
        for mark in item.iter_markers("soak"):
            count: Count = mark.args[0]
            item.user_properties.append(("soak", (count.what, count.now, count.full)))
            if not count.now:
                item.add_marker(pytest.mark.skip(reason=f"{count.full} {count.what}: `make soak`"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the counts of the tests that ran, and their figures: what a run has tried."""
    noted = [
        (name, value)
        for state in ("passed", "failed")
        for report in terminalreporter.stats.get(state, [])
        for name, value in report.user_properties
    ]
    if any(name == "soak" for name, _ in noted):
        terminalreporter.section("how often")
    for name, value in noted:
        if name == "soak":
            what, now, full = value
            share = f"all {full:,}" if now == full else f"{now:,} of {full:,}"
            terminalreporter.write_line(f"{share} {what}")
        elif name == "figures":
            terminalreporter.write_line(value)
