"""What every test may ask for: the services of this machine."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import pytest


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there, now."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


def require(name: str, url: str, default_port: int) -> str:
    """The `url`, if the service answers; else the test is skipped, or fails with REQUIRE_SERVICES=1."""
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
