"""gql, Python's client of GraphQL, over both subprotocols and over HTTP, against the demo."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.board.seed import PASSWORDS
from tests.e2e.codegen.tools import INSTALL, ROOT, Failed, is_newer, run, sign_in
from tests.e2e.conftest import lacking
from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
ENVIRONMENT = ROOT / ".venv-gql"


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python that has gql; made when its requirements are newer."""
    stamp, wanted = ENVIRONMENT / ".stamp", HERE / "requirements.txt"
    try:
        if not is_newer(stamp, wanted):
            run(sys.executable, "-m", "venv", ENVIRONMENT, limit=INSTALL)
            pip = (ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet")
            run(*pip, "--disable-pip-version-check", "-r", wanted, limit=INSTALL)
            stamp.touch()
    except Failed as error:
        lacking(f"gql CANNOT BE INSTALLED: {error}")
    return ENVIRONMENT / "bin" / "python"


def played(demo: Demo, python: Path, transport: str) -> Any:
    cookie = sign_in(demo.url, "ada", PASSWORDS["ada"])
    program = (python, HERE / "program.py", transport)
    return json.loads(run(*program, BOARD_URL=demo.url, COOKIE=cookie))


@pytest.mark.parametrize("subprotocol", ["graphql-transport-ws", "graphql-ws"])
def test_queries_mutations_events_and_errors_on_a_socket(
    demo: Demo, python: Path, subprotocol: str
) -> None:
    seen = played(demo, python, subprotocol)
    assert seen["query"] == {"card": {"id": seen["id"], "title": "Rake leaves"}}
    assert seen["mutation"]["cardPatch"]["title"] == "Rake the lawn"
    for name, title in (("own", "Rake the lawn"), ("native", "Rake the path")):
        event = {"action": "UPDATE", "id": seen["id"], "data": {"title": title}}
        assert seen[name] == {"cardActivity": event}
    assert seen["missing"] == ["NOT_FOUND"]
    assert seen["refused"] == ["NOT_FOUND"]


def test_queries_mutations_and_errors_over_http(demo: Demo, python: Path) -> None:
    seen = played(demo, python, "http")
    assert seen["query"] == {"card": {"id": seen["id"], "title": "Rake leaves"}}
    assert seen["mutation"]["cardPatch"]["title"] == "Rake the lawn"
    assert seen["missing"] == ["NOT_FOUND"]
