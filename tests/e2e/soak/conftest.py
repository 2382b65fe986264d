"""A server of its own for each soak: its memory is what is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import serving
from tests.e2e.demo import Demo, start


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Demo]:
    """The board, without Django's debug mode, which remembers queries."""
    settings = {"DEBUG": "0", "SECRET_KEY": "only for tests"}
    yield from serving(start(tmp_path, "tests.e2e.extended", **settings))
