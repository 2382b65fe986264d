"""Relay's network layer: a query, a mutation and a subscription of the running demo."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import serving
from tests.e2e.demo import QUIET, Demo, start
from tests.e2e.relay.conftest import COMPILE, GENERATED, HERE

pytestmark = pytest.mark.e2e
PROGRAM = "relay/board.mjs"


@pytest.fixture(scope="module")
def served(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, and what Relay's compiler makes of operations.js by the published schema."""
    (GENERATED / "board").mkdir(parents=True, exist_ok=True)
    compiler: list[str | Path] = [packages / ".bin" / "relay-compiler", "board.config.json"]
    done = subprocess.run(compiler, cwd=HERE, capture_output=True, text=True, timeout=COMPILE)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    yield from serving(start(tmp_path_factory.mktemp("relay")))


@pytest.fixture
def board(served: Demo) -> Iterator[Demo]:
    yield served
    assert served.settled() == QUIET
    assert served.troubles() == []


def test_the_store_has_what_was_asked_written_and_heard(board: Demo) -> None:
    seen = board.play(PROGRAM, "oneStore")
    assert seen["query"]["card"]["title"] == "Sort the stamps"
    assert seen["mutation"]["title"] == seen["written"] == "Sort the coins"
    for name, title in (("own", "Sort the coins"), ("native", "Sort the shells")):
        row = {"id": seen["id"], "title": title}
        assert seen[name] == {"action": "UPDATE", "id": seen["id"], "data": row}
    assert seen["heard"] == "Sort the shells"
    assert seen["rest"] == []


def test_errors_reach_who_asked(board: Demo) -> None:
    seen = board.play(PROGRAM, "errors")
    refusals = seen["mutation"].get("error") or seen["mutation"]["errors"]
    assert refusals[0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert seen["refused"] == {"error": ["NOT_FOUND"]}
