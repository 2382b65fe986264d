"""docs/security.md names no test that does not exist, and no setting that does not."""

from __future__ import annotations

import ast
import re

import pytest

from dcrf_graph.settings import DEFAULTS
from tests.test_house import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| threat"))
]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


@pytest.mark.parametrize(("place", "name"), NAMED)
def test_every_test_that_is_named_exists(place: str, name: str) -> None:
    tree = ast.parse((ROOT / place).read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    found = {node.name for node in tree.body if isinstance(node, functions)}
    assert name in found if name else found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_threat_is_met_and_shown_or_left_to_somebody(row: list[str]) -> None:
    assert len(row) == 3
    assert "`tests/" in row[2] or row[2].startswith("left to")


def test_every_setting_that_is_named_exists() -> None:
    whole = set(re.findall(r"`([A-Z][A-Z_]{5,})(?: = \w+)?`", PAGE)) - {
        "DCRF_GRAPH",
        "ALLOWED_HOSTS",
    }
    assert whole <= DEFAULTS.keys()
    parts = re.findall(r"`(_[A-Z_]+)`", PAGE)
    assert {f"GRAPHQL_MAX{part}" for part in parts} <= DEFAULTS.keys()
