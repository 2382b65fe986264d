"""A count is the part of it in every run, and all of it in `make soak`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = """
import pytest
from hypothesis import given, strategies as st
from tests.soak import Count

FEW = Count("apples", full=30, part=2)
NONE = Count("pears", full=40, part=0)
seen = []

@FEW.mark
@FEW.settings
@given(st.integers())
def test_apples(number):
    seen.append(number)

@NONE.mark
def test_pears():
    assert NONE.now == 40

def test_count():
    assert len(seen) <= FEW.now
"""


def run(directory: Path, *arguments: str, **environment: str) -> str:
    """What pytest prints of these three tests, in a process of its own."""
    (directory / "test_it.py").write_text(TESTS)
    clean = {name: value for name, value in os.environ.items() if name != "SOAK"}
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml"),
        *("--rootdir", ".", "-p", "tests.conftest", *arguments, str(directory / "test_it.py")),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_run_does_a_part_and_says_so(tmp_path: Path) -> None:
    printed = run(tmp_path)
    assert "\n2 of 30 apples\n" in printed
    assert "40 pears: `make soak`" in printed
    assert "2 passed, 1 skipped" in printed


def test_make_soak_does_all_of_the_marked_ones(tmp_path: Path) -> None:
    printed = run(tmp_path, "-m", "soak", SOAK="1")
    assert "\nall 30 apples\nall 40 pears\n" in printed
    assert "2 passed, 1 deselected" in printed
