"""The project with the list, the clients' packages, and what Relay's compiler makes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import lacking
from tests.e2e.demo import QUIET, REST, ROOT, START, Demo, answers, eventually, free_port

HERE = Path(__file__).parent
GENERATED = HERE / "generated"
INSTALL = 300.0
"""Seconds for `npm ci`."""
COMPILE = 60.0
"""Seconds for Relay's compiler."""


@pytest.fixture(scope="session")
def packages(node: None) -> Path:
    """The npm packages of this room, installed when the lock is newer."""
    installed, lock = HERE / "node_modules", HERE / "package-lock.json"
    stamp = installed / ".stamp"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        try:
            command = ["npm", "ci", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=HERE, check=True, capture_output=True, timeout=INSTALL)
        except (OSError, subprocess.SubprocessError) as error:
            lacking(f"The npm packages of tests/e2e/relay CANNOT BE INSTALLED: {error}")
        stamp.touch()
    return installed


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The project, served once, with a database of its own."""
    directory, port = tmp_path_factory.mktemp("connections"), free_port()
    log = directory / "server.log"
    command = [sys.executable, "-m", "tests.e2e.relay.project"]
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, str(directory / "articles.sqlite3"), str(port)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    project = Demo(f"http://127.0.0.1:{port}", process, log)
    try:
        assert eventually(lambda: answers(project), True, START), log.read_text()
        assert process.poll() is None, log.read_text()
        yield project
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=REST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def project(running: Demo, packages: Path) -> Iterator[Demo]:
    """The served project; its clients leave nothing behind."""
    yield running
    assert running.settled() == QUIET
    assert running.troubles() == []


@pytest.fixture(scope="session")
def compiled(running: Demo, packages: Path) -> str:
    """What Relay's compiler says of the project's schema and of articles.js."""
    shutil.rmtree(GENERATED / "artifacts", ignore_errors=True)
    (GENERATED / "artifacts").mkdir(parents=True)
    sdl = httpx.get(f"{running.url}/schema/", timeout=REST).raise_for_status().text
    (GENERATED / "schema.graphql").write_text(sdl)
    done = subprocess.run(
        [packages / ".bin" / "relay-compiler", "relay.config.json"],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=COMPILE,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr
