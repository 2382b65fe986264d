"""The desk of the tests of the socket, as it is at the start of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from dcrf_graph.changes.hub import hub
from tests.transports.desk import DeskConsumer, Gate
from tests.transports.sockets import tasks


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> type[DeskConsumer]:
    """Open to the public, nobody has been there; the gate before the calls is shut."""
    monkeypatch.setattr(DeskConsumer, "open_to_public", True)
    monkeypatch.setattr(DeskConsumer, "asked", [])
    monkeypatch.setattr(DeskConsumer, "closed_with", [])
    monkeypatch.setattr(DeskConsumer, "gate", Gate(), raising=False)
    monkeypatch.setattr(DeskConsumer, "connecting", Gate(), raising=False)
    DeskConsumer.connecting.open.set()
    return DeskConsumer


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """After the test no task, no subscription and no database connection is left."""
    opened: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
        opened.append(connection)

    connection_created.connect(note)
    yield
    connection_created.disconnect(note)
    assert tasks() == set()
    assert hub.count() == 0
    assert [each for each in opened if each.connection is not None] == []
