"""Apollo's composer takes the schema as a subgraph, alone and beside others."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dcrf_graph.routers import Router
from tests.e2e.conftest import lacking
from tests.graphql.board import ArticleConsumer, AuthorConsumer, SluggedConsumer
from tests.graphql.sessions import Session
from tests.graphql.test_federation import subgraph

HERE = Path(__file__).parent
REVIEWS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { reviews: [Review!] }
type Review @key(fields: "id") { id: ID! author: Author }
type Author @key(fields: "id") { id: ID! reviews: [Review!] }
"""

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def composer() -> None:
    """Apollo's composer, installed once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        lacking("There is NO node with npm")
    if (HERE / "node_modules" / "@apollo" / "composition").exists():
        return
    install = ["npm", "ci", "--no-audit", "--no-fund"]
    try:
        subprocess.run(install, cwd=HERE, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        lacking(f"The npm packages of tests/e2e/federation CANNOT BE INSTALLED: {error}")


async def sdl_of(router: Router) -> str:
    """The text of a subgraph, as a gateway asks for it."""
    data = await Session(router).data("{ _service { sdl } }")
    return str(data["_service"]["sdl"])


def composed(**subgraphs: str) -> Any:
    done = subprocess.run(
        ["node", "compose.mjs"],
        cwd=HERE,
        input=json.dumps(subgraphs),
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    return json.loads(done.stdout)


async def test_the_schema_is_a_subgraph_whose_types_others_extend() -> None:
    result = composed(board=await sdl_of(subgraph()), reviews=REVIEWS)
    assert result["errors"] == []
    author = result["supergraph"].partition("type Author\n")[2].partition("\n}")[0]
    assert '@join__type(graph: BOARD, key: "id")' in author
    assert '@join__type(graph: REVIEWS, key: "id")' in author
    assert "name: String! @join__field(graph: BOARD)" in author


async def test_two_applications_of_this_library_compose() -> None:
    articles, others = Router(federation=True), Router(federation=True)
    articles.register("articles", ArticleConsumer)
    others.register("authors", AuthorConsumer)
    others.register("pages", SluggedConsumer, singular="page")
    result = composed(one=await sdl_of(articles), two=await sdl_of(others))
    assert result["errors"] == []
    assert "ArticleEvent" in result["supergraph"]
