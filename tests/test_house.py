"""What the project says about itself twice is compared: versions, verbs, notes, commands."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import dcrf_graph

ROOT = Path(__file__).resolve().parent.parent
NOTES = sorted((ROOT / "docs" / "decisions").glob("*.md"))
CITATION = re.compile(r"docs/decisions/([\w.-]+\.md)")
PAGES = ["README.md", "CONTRIBUTING.md"]


def sources(*rooms: str) -> list[Path]:
    return [file for room in rooms for file in sorted((ROOT / room).rglob("*.py"))]


def targets() -> set[str]:
    """The verbs of the Makefile; files that it makes are not verbs."""
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    return set(phony[1].split())


def test_the_versions_of_package_metadata_and_changelog_are_one() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\S+) \(", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert {declared, newest[1], version("dcrf-graph")} == {dcrf_graph.__version__}


def test_no_two_notes_have_one_number() -> None:
    assert NOTES
    assert len({note.name[:4] for note in NOTES}) == len(NOTES)


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.stem)
def test_a_note_is_one_dated_page_with_the_road_not_taken(note: Path) -> None:
    title, *lines = note.read_text().splitlines()
    state = r"(accepted|superseded by \d{4}) \d{4}-\d\d-\d\d"
    assert re.fullmatch(rf"# {int(note.name[:4])}\. \S.* {state}", title)
    sections = [match[0] for line in lines if (match := re.match(r"\S+( taken)?(?= )", line))]
    assert sections == ["Context", "Decision", "Not taken", "Costs", "Revisit"]
    assert len(lines) < 40


def test_every_note_is_cited_by_the_package_and_every_citation_is_a_note() -> None:
    cited = {name for file in sources("dcrf_graph") for name in CITATION.findall(file.read_text())}
    assert cited == {note.name for note in NOTES}


@pytest.mark.parametrize("room", ["tests", "examples", "benchmarks"])
def test_citations_outside_the_package_are_notes_too(room: str) -> None:
    cited = {name for file in sources(room) for name in CITATION.findall(file.read_text())}
    assert cited <= {note.name for note in NOTES}


def test_bare_make_prints_every_verb() -> None:
    # Without what the make of a `make test` around us says: it would reach this one.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    shown = subprocess.run(
        ["make"], cwd=ROOT, env=clean, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert set(re.findall(r"^make ([\w-]+) +\S", shown, re.MULTILINE)) == targets() - {"help"}


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    verbs = set(re.findall(r"(?:^    |`)(?:[A-Z]+=\S+ )*make ([a-z0-9-]+)", text, re.MULTILINE))
    assert verbs, f"{page} shows no make command"
    assert verbs <= targets()


@pytest.mark.parametrize("page", PAGES)
def test_the_paths_of_a_page_exist(page: str) -> None:
    """Names in backquotes with a slash or an ending, and links that stay in the repository."""
    text = (ROOT / page).read_text()
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:md|toml))`", text)
    linked = [to for to in re.findall(r"\]\(([^)#]+)", text) if "://" not in to]
    rooms = [ROOT, ROOT / "dcrf_graph"]
    assert named
    assert [
        path for path in named + linked if not any((room / path).exists() for room in rooms)
    ] == []
