"""What docs/extending.md shows is in files that run, and is answered as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dcrf_graph.routers import Router
from examples import extended, subgraph
from examples.board.models import Board, Card, Column, Label
from tests.graphql.sessions import Session

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
SECTION = re.compile(r"# \[(?!end)\w+\]\n(.*?)# \[end\]", re.DOTALL)

pytestmark = pytest.mark.django_db(transaction=True)


def shown(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def sections(module: Any) -> list[str]:
    code = Path(module.__file__).read_text(encoding="utf-8")
    return [text.strip("\n") + "\n" for text in SECTION.findall(code)]


@pytest.fixture
def soon() -> None:
    board = Board.objects.create(name="Plan", public=True)
    column = Column.objects.create(board=board, title="Next")
    label = Label.objects.create(pk=1, name="Soon", colour="rose")
    Card.objects.create(board=board, column=column, title="A").labels.add(label)


def test_the_page_shows_every_section_of_the_files_and_no_other_code() -> None:
    assert sorted(shown("python")) == sorted([*sections(extended), *sections(subgraph)])


@pytest.mark.parametrize(("number", "router"), [(0, extended.router), (1, subgraph.router)])
async def test_an_operation_is_answered_as_shown(soon: None, number: int, router: Router) -> None:
    async with Session(router) as session:
        result = await session.result(shown("graphql")[number])
    assert result == json.loads(shown("json")[number])
