"""The whole schema of an application that has one of everything, as its frontend reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate_schema

from tests.kitchen.consumers import kitchen

GOLDEN = Path(__file__).with_name("kitchen.graphql")
ROOT = Path(__file__).parents[2]


def test_the_schema_is_what_was_read() -> None:
    """After a wanted change: ``python -m tests.kitchen > tests/kitchen/kitchen.graphql``; read it.

    The file is the same with every supported Python, Django, DRF and graphql-core.
    """
    assert kitchen().sdl == GOLDEN.read_text()


def test_the_schema_is_valid() -> None:
    assert validate_schema(kitchen().schema) == []
    assert validate_schema(build_schema(GOLDEN.read_text())) == []


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_schema_does_not_depend_on_the_run(seed: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "tests.kitchen"],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert printed == GOLDEN.read_text()


def test_only_what_nobody_can_know_is_a_problem() -> None:
    found = {(problem.id, problem.breadcrumb) for problem in kitchen().derived.problems}
    assert found == {
        ("dcrf_graph.W002", "DishConsumer > DishSerializer > temperature"),
        ("dcrf_graph.W003", "GuestConsumer > EveryField > only_read"),
    }


def test_every_type_is_used() -> None:
    """A type that no field leads to is noise in a contract."""
    text = GOLDEN.read_text()
    defined = [getattr(d, "name").value for d in parse(text).definitions]  # noqa: B009
    roots = {"Query", "Mutation", "Subscription"}
    members = {"EatIn", "TakeAway"}
    for name in set(defined) - roots - members:
        used = sum(f"{before}{name}" in text for before in (": ", "[", "= ", "| "))
        assert used, f"{name} is not used"
