"""One running demo for every end-to-end test, at rest again after each of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.demo import HERE, QUIET, ROOT, Demo, start, stop

OLDEST_NODE = 18


def lacking(reason: str) -> None:
    """A loud skip, or with REQUIRE_SERVICES=1 a failure."""
    reason = f"{reason}: what this test promises was NOT tested (`make e2e`)"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def node() -> None:
    """Node and the packages of the client programs."""
    if not (found := shutil.which("node")):
        lacking("There is NO node")
        return
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    major = re.match(r"v(\d+)", version.stdout)
    if not major or int(major[1]) < OLDEST_NODE:
        lacking(f"node is {version.stdout.strip()}, OLDER THAN {OLDEST_NODE}")
    if not (HERE / "node_modules" / "ws").exists():
        lacking("The npm packages of tests/e2e are NOT INSTALLED")


@pytest.fixture(scope="session")
def chromium(node: None) -> str:
    """The path of Chromium; CHROMIUM says another one than Debian's."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        lacking("There is NO chromium")
        return ""
    return found


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go, to be looked at; E2E_ARTEFACTS says where."""
    if wanted := os.environ.get("E2E_ARTEFACTS"):
        Path(wanted).mkdir(parents=True, exist_ok=True)
        return Path(wanted)
    return tmp_path_factory.mktemp("artefacts")


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's database as its commands make it, for servers to copy."""
    database = tmp_path_factory.mktemp("seeded") / "board.sqlite3"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "examples.board.settings",
        "DATABASE_URL": f"sqlite:///{database}",
        "REDIS_URL": "",
    }
    for step in ("migrate", "seed"):
        command = [sys.executable, "-m", "examples.board", step]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return database


@pytest.fixture(scope="session")
def running(node: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, started once; it must end by itself at Ctrl-C, without a complaint in its log."""
    yield from serving(start(tmp_path_factory.mktemp("demo")))


@pytest.fixture(scope="session")
def running_extended(node: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo with more addresses."""
    yield from serving(start(tmp_path_factory.mktemp("extended"), "tests.e2e.extended"))


def serving(demo: Demo) -> Iterator[Demo]:
    code = None
    try:
        yield demo
    finally:
        code = stop(demo)
    assert code == 0, f"the demo ended with {code}:\n{demo.log.read_text()}"
    assert demo.troubles() == []


@pytest.fixture
def demo(running: Demo) -> Iterator[Demo]:
    """The running demo; when the test's clients have left, nothing of them may be left."""
    yield running
    assert running.settled() == QUIET
    assert running.troubles() == []


@pytest.fixture
def extended(running_extended: Demo) -> Iterator[Demo]:
    """The demo with more addresses; its clients leave nothing behind."""
    yield running_extended
    assert running_extended.settled() == QUIET
    assert running_extended.troubles() == []
