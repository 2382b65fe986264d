"""What drives need: a clock that stands still, and the rows of the world."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.parity.world import NOON, Rows, dump, restore


@pytest.fixture
def before(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """The rows that a test begins with; those that it makes are all made at the same moment."""
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    restore()
    return dump()
