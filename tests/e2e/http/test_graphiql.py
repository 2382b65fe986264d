"""The page that a browser gets at the address of the GraphQL view, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dcrf_graph.transports.explorer import ASSETS
from tests.e2e.conftest import lacking
from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e

Visit = Callable[[str], Any]
"""Plays a scenario of the page, which must load nothing from elsewhere and meet no error."""


@pytest.fixture
def visit(demo: Demo, chromium: str, packages: Path, artefacts: Path) -> Visit:
    if not (ASSETS / "graphiql.js").exists():
        lacking("GraphiQL is NOT BUILT")

    def play(scenario: str) -> Any:
        environment = {"CHROMIUM": chromium, "ARTEFACTS": str(artefacts)}
        seen = demo.play("http/graphiql.mjs", scenario, **environment)
        assert seen.pop("troubles") == []
        return seen

    return play


def test_a_query_is_run_and_the_schema_is_shown(visit: Visit) -> None:
    assert visit("query") == {"documentation": True}


def test_a_subscription_hears_changes_until_it_is_stopped(visit: Visit) -> None:
    assert visit("subscription") == {"heard": True}
