"""The consumer of these tests begins each of them with nothing held and nobody denied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dcrf_graph.changes.hub import hub
from tests.observer.parcels import Doorkeeper, ParcelConsumer


@pytest.fixture(autouse=True)
def nothing_left_over() -> Iterator[None]:
    """Nobody is left in a group when a test ends."""
    yield
    for setting in (Doorkeeper.denied, Doorkeeper.raised, Doorkeeper.pondered):
        setting.clear()
    ParcelConsumer.held.clear()
    ParcelConsumer.failing.clear()
    assert hub.count() == 0
