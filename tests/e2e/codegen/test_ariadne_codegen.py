"""A Python client that ariadne-codegen wrote from the published schema, in its own environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.codegen.tools import HERE, run
from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e

PROGRAM = HERE / "programs" / "python_board.py"


@pytest.fixture
def package(ariadne_codegen: Path, tmp_path: Path) -> Path:
    """The directory in which the package `board_client` is."""
    settings = tmp_path / "ariadne-codegen.toml"
    written = (HERE / "ariadne-codegen.toml").read_text()
    head = "[tool.ariadne-codegen]\n"
    settings.write_text(written.replace(head, f'{head}target_package_path = "{tmp_path}"\n'))
    run(ariadne_codegen / "ariadne-codegen", "--config", settings)
    return tmp_path


def test_it_generates_a_client_that_runs_against_the_demo(
    ariadne_codegen: Path, package: Path, demo: Demo, cookie: str
) -> None:
    """A query, a mutation and a subscription, with models of its own for what comes back."""
    python = ariadne_codegen / "python"
    seen = json.loads(
        run(python, PROGRAM, PYTHONPATH=str(package), BOARD_URL=demo.url, BOARD_COOKIE=cookie)
    )
    assert seen["card"] == {
        "id": seen["card"]["id"],
        "title": "Dust the shelves",
        "status": "ON_TRACK",
        "estimate": "2.5",
        "labels": [],
    }
    assert seen["event"] == {
        "action": "CREATE",
        "id": seen["card"]["id"],
        "data": {"title": "Dust the shelves", "status": "ON_TRACK"},
    }
