"""AsyncAPI's own parser reads the published document of the native protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dcrf_graph.contracts.asyncapi import asyncapi
from tests.e2e.codegen.tools import SCHEMA, run
from tests.kitchen.consumers import kitchen

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PUBLISHED = SCHEMA / "board.asyncapi.json"
NEWER = "asyncapi-latest-version"
"""The parser's advice to use 3.1.0; tools that read 3.0.0 are many more."""


def parsed(file: Path) -> Any:
    return json.loads(run("node", "asyncapi.mjs", file))


def test_the_official_parser_has_nothing_to_say_against_it(packages: None) -> None:
    published = json.loads(PUBLISHED.read_text())
    found = parsed(PUBLISHED)
    assert [each for each in found["said"] if each["code"] != NEWER] == []
    assert found["channels"] == list(published["channels"])
    assert found["operations"] == list(published["operations"])


def test_so_it_is_with_an_application_that_has_one_of_everything(
    packages: None, tmp_path: Path
) -> None:
    router = kitchen()
    file = tmp_path / "kitchen.asyncapi.json"
    file.write_text(asyncapi("kitchen", router.registry.values(), router.operations))
    assert [each for each in parsed(file)["said"] if each["code"] != NEWER] == []


def test_the_official_parser_would_say_so(packages: None, tmp_path: Path) -> None:
    """A message of no channel is an error to it, so its silence above says something."""
    broken = json.loads(PUBLISHED.read_text())
    del broken["channels"]["streams.cards"]["messages"]["cards.move.request"]
    file = tmp_path / "broken.asyncapi.json"
    file.write_text(json.dumps(broken))
    assert "error" in {each["severity"] for each in parsed(file)["said"]}
