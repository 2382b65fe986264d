"""
The audits of GraphQL over HTTP, by the authors of its specification, against the running demo.

The report in docs/ is what they say; `make audit` writes it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.demo import ROOT, Demo

pytestmark = pytest.mark.e2e

REPORT = ROOT / "docs" / "graphql-over-http-audit.md"
LEVELS = ("MUST", "SHOULD", "MAY")


@pytest.fixture(scope="module")
def audits(running: Demo, packages: Path) -> list[dict[str, Any]]:
    """What each audit says, in their order."""
    said: list[dict[str, Any]] = running.play("http/audit.mjs", "audits")
    return said


@pytest.mark.parametrize("level", LEVELS)
def test_every_audit_passes(audits: list[dict[str, Any]], level: str) -> None:
    asked = [audit for audit in audits if audit["name"].startswith(f"{level} ")]
    assert asked
    assert [audit for audit in asked if audit["status"] != "ok"] == []


def test_the_report_says_what_the_audits_say(audits: list[dict[str, Any]], packages: Path) -> None:
    version = json.loads((packages / "graphql-http" / "package.json").read_text())["version"]
    text = report(audits, version)
    if os.environ.get("WRITE_REPORT") == "1":
        REPORT.write_text(text)
    assert REPORT.read_text() == text, "write it anew: make audit"


def report(audits: list[dict[str, Any]], version: str) -> str:
    """The page of the documentation."""
    passed = sum(audit["status"] == "ok" for audit in audits)
    lines = [
        "# GraphQL over HTTP: the audit",
        "",
        "What the audit suite of the npm package "
        f"[graphql-http](https://www.npmjs.com/package/graphql-http) {version}, by the authors of",
        "[the specification](https://graphql.github.io/graphql-over-http/draft/), says of the",
        "example board. Written by `make audit`; `make e2e` compares it with a new run.",
        "",
        f"{passed} of {len(audits)} pass.",
    ]
    for level in LEVELS:
        lines += ["", f"## {level}", "", "| audit | | result |", "| --- | --- | --- |"]
        for audit in audits:
            if audit["name"].startswith(f"{level} "):
                name = audit["name"].removeprefix(f"{level} ").replace("|", "\\|")
                result = "passes" if audit["status"] == "ok" else f"**{audit['reason']}**"
                lines.append(f"| {audit['id']} | {name} | {result} |")
    return "\n".join(lines) + "\n"
