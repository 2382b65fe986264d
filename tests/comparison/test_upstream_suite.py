"""An app tested by upstream's own tests keeps passing them after it has changed the import."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.comparison.test_comparison import DECLARED
from tests.comparison.upstream_suite import run

pytestmark = [pytest.mark.comparison, pytest.mark.long]

DIFFERENT: dict[str, str] = {}
"""Tests of upstream that fail on purpose, each with its row of docs/differences.md."""


def test_upstreams_tests_pass_but_for_those_that_differ_on_purpose(tmp_path: Path) -> None:
    results = run(tmp_path)
    assert len(results) == 52
    failures = {name: text for name, text in results.items() if text and name not in DIFFERENT}
    assert not failures, "\n\n".join(f"{name}\n{text}" for name, text in failures.items())
    assert [name for name in DIFFERENT if not results[name]] == [], "these do not differ any more"


def test_every_test_that_differs_cites_a_difference() -> None:
    assert sorted(set(DIFFERENT.values()) - set(DECLARED)) == []
