"""docs/conformance.md is the table of conformance.py, and every test that it names exists."""

from __future__ import annotations

import ast
import os
from functools import cache
from pathlib import Path

import pytest

from tests.protocols.conformance import DOCUMENTS, Document, Rule

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
RULES = [
    pytest.param(rule, id=f"{document.subprotocol}, {section}: {rule.says[:40]}")
    for document in DOCUMENTS
    for section, rules in document.sections.items()
    for rule in rules
]


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, functions))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_tests_that_exist(rule: Rule) -> None:
    assert rule.tests
    assert [(file, name) for file, name in rule.tests if name not in names_in(file)] == []


def test_the_page_is_the_table() -> None:
    text = page()
    if os.environ.get("WRITE_REPORT") == "1":
        PAGE.write_text(text)
    again = "write it anew: WRITE_REPORT=1 make test T=tests/protocols/test_conformance.py"
    assert PAGE.read_text() == text, again


def page() -> str:
    """The page of the documentation."""
    lines = [
        "# The WebSocket protocols of GraphQL: rule by rule",
        "",
        "What the protocol documents ask for, in our words, and the tests that show it, below",
        "`tests/`. The documents are the `PROTOCOL.md` of two npm packages. Besides, any order of",
        "frames and reports is tried against a model (`protocols/test_conversations.py`), and any",
        "bytes against a server (`transports/test_anything.py`). Written from",
        "`tests/protocols/conformance.py`; GraphQL over HTTP has",
        "[a page of its own](graphql-over-http-audit.md).",
    ]
    for document in DOCUMENTS:
        lines += chapter(document)
    return "\n".join(lines) + "\n"


def chapter(document: Document) -> list[str]:
    """The rules of one document."""
    count = sum(len(rules) for rules in document.sections.values())
    package = f"[{document.package}](https://www.npmjs.com/package/{document.package})"
    lines = ["", f"## {document.subprotocol}", "", f"{count} rules of the document in {package}."]
    for section, rules in document.sections.items():
        lines += ["", f"### {section}", "", "| rule | tests |", "| --- | --- |"]
        for rule in rules:
            tests = "<br>".join(f"`{file}.py::{name}`" for file, name in rule.tests)
            lines.append(f"| {rule.says} | {tests} |")
    return lines
