"""What a browser gets that opens the address: GraphiQL where it is built, else a small page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import RequestFactory

from dcrf_graph.transports.explorer import CONTENT_TYPES, HERE, asset, page

REQUESTS = RequestFactory()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A directory where GraphiQL has been copied to."""
    for name in CONTENT_TYPES:
        (tmp_path / name).write_text(f"/* {name} */")
    return tmp_path


def test_graphiql_is_served_from_the_same_address(built: Path) -> None:
    text = page(built).content.decode()
    assert "GraphiQL" in text
    asked = re.findall(r'(?:src|href)="\?asset=([^"]+)"', text)
    assert sorted(asked) == sorted(CONTENT_TYPES)
    for name in asked:
        response = asset(REQUESTS.get("/graphql/", {"asset": name}), built)
        assert response is not None
        assert response["Content-Type"] == CONTENT_TYPES[name]
        assert name in response.content.decode()


def test_without_graphiql_a_small_page_says_how_to_build_it(tmp_path: Path) -> None:
    response = page(tmp_path)
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "<textarea" in response.content.decode()
    assert "make graphiql" in response.content.decode()


@pytest.mark.parametrize("name", ["graphiql.html", "page.html"])
def test_a_page_loads_nothing_from_elsewhere(name: str) -> None:
    assert "://" not in (HERE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["../http.py", "LICENSE.react", "", "graphiql.js/.."])
def test_no_other_file_is_served(built: Path, name: str) -> None:
    assert asset(REQUESTS.get("/graphql/", {"asset": name}), built) is None


def test_an_asset_that_is_not_built_is_none(tmp_path: Path) -> None:
    assert asset(REQUESTS.get("/graphql/", {"asset": "react.js"}), tmp_path) is None


def test_an_asset_is_read_and_not_posted_to(built: Path) -> None:
    assert asset(REQUESTS.post("/graphql/?asset=react.js"), built) is None
