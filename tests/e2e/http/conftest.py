"""What the tests of this room need besides the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import lacking

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def packages(node: None) -> Path:
    """The npm packages of this room."""
    installed = HERE / "node_modules"
    if not (installed / "graphql-http").exists():
        lacking("The npm packages of tests/e2e/http are NOT INSTALLED")
    return installed
