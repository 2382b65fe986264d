"""Operations by the hash of their document: a cache of them, and a list of those allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ariadne import QueryType
from django.core.cache import caches
from django.test import override_settings
from graphql import OperationType

from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.execution import Answered, Executor, Rejected
from dcrf_graph.graphql.persisted import allowed_documents, sha256
from dcrf_graph.graphql.schema import derive
from dcrf_graph.protocols.effects import OperationRequest

DOCUMENT = "{ number }"
OTHER = "{ number __typename }"
HASH = sha256(DOCUMENT)
CACHE = override_settings(DCRF_GRAPH={"GRAPHQL_PERSISTED_CACHE": "default"})

query = QueryType()
query.set_field("number", lambda *_: 1)


@pytest.fixture
def executor() -> Executor:
    return Executor(derive([], "type Query { number: Int }", [query]))


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    yield
    caches["default"].clear()


async def ask(executor: Executor, document: str = "", name: Any = None, version: Any = 1) -> str:
    """Run a request; ``"answered"``, or the code of its refusal."""
    said = {"version": version, "sha256Hash": name}
    extensions = None if name is None else {"persistedQuery": said}
    request = OperationRequest(document, extensions=extensions)
    match await executor.execute(request, {}, {OperationType.QUERY}):
        case Answered(result=result):
            assert result["data"]["number"] == 1
            return "answered"
        case Rejected() as refusal:
            return refusal.code
    raise AssertionError("neither answered nor refused")


# The cache


@CACHE
async def test_a_document_is_kept_with_its_hash(executor: Executor) -> None:
    assert await ask(executor, "", HASH) == "PERSISTED_QUERY_NOT_FOUND"
    assert await ask(executor, DOCUMENT, HASH) == "answered"
    assert await ask(executor, "", HASH) == "answered"
    assert await ask(executor, DOCUMENT) == "answered"


@CACHE
async def test_a_document_is_never_kept_under_another_hash(executor: Executor) -> None:
    assert await ask(executor, OTHER, HASH) == "BAD_REQUEST"
    assert await ask(executor, "", HASH) == "PERSISTED_QUERY_NOT_FOUND"


@CACHE
async def test_a_document_that_is_not_valid_is_not_kept(executor: Executor) -> None:
    wrong = "{ nothing }"
    assert await ask(executor, wrong, sha256(wrong)) == "GRAPHQL_VALIDATION_FAILED"
    assert await ask(executor, "", sha256(wrong)) == "PERSISTED_QUERY_NOT_FOUND"


@CACHE
@pytest.mark.parametrize("name", ["", "../../etc", HASH.upper(), "a" * 10_000, "\n"])
async def test_what_is_no_hash_is_never_looked_up(executor: Executor, name: str) -> None:
    assert await ask(executor, "", name) == "PERSISTED_QUERY_NOT_FOUND"


@CACHE
@pytest.mark.parametrize(("name", "version"), [(1, 1), ({}, 1), (HASH, 2), (HASH, None)])
async def test_another_protocol_is_refused(executor: Executor, name: Any, version: Any) -> None:
    assert await ask(executor, DOCUMENT, name, version) == "BAD_REQUEST"


@CACHE
async def test_an_extension_that_is_no_object_is_refused(executor: Executor) -> None:
    request = OperationRequest(DOCUMENT, extensions={"persistedQuery": 1})
    outcome = await executor.execute(request, {}, {OperationType.QUERY})
    assert isinstance(outcome, Rejected)
    assert outcome.code == "BAD_REQUEST"


async def test_without_a_cache_the_client_learns_to_send_its_documents(executor: Executor) -> None:
    assert await ask(executor, "", HASH) == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert await ask(executor, DOCUMENT, HASH) == "answered"
    assert await ask(executor, "", HASH) == "PERSISTED_QUERY_NOT_SUPPORTED"


# The list


def only(documents: Any) -> Any:
    settings = {"GRAPHQL_ALLOWED_DOCUMENTS": documents, "GRAPHQL_PERSISTED_CACHE": "default"}
    return override_settings(DCRF_GRAPH=settings)


async def test_only_what_is_on_the_list_is_executed(executor: Executor) -> None:
    with only({HASH: DOCUMENT}):
        assert await ask(executor, "", HASH) == "answered"
        assert await ask(executor, DOCUMENT) == "answered"
        assert await ask(executor, DOCUMENT, HASH) == "answered"
        assert await ask(executor, OTHER) == "QUERY_NOT_IN_SAFELIST"
        assert await ask(executor, OTHER, sha256(OTHER)) == "QUERY_NOT_IN_SAFELIST"
        assert await ask(executor, "", sha256(OTHER)) == "PERSISTED_QUERY_NOT_IN_LIST"
        assert await ask(executor, "") == "PERSISTED_QUERY_NOT_IN_LIST"


async def test_an_empty_list_allows_nothing(executor: Executor) -> None:
    with only({}):
        assert await ask(executor, DOCUMENT) == "QUERY_NOT_IN_SAFELIST"


@pytest.mark.parametrize(
    "content",
    [
        {HASH: DOCUMENT},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": HASH, "body": DOCUMENT, "name": "A", "type": "query"}],
        },
    ],
)
async def test_the_list_may_be_a_file(executor: Executor, tmp_path: Path, content: Any) -> None:
    file = tmp_path / "documents.json"
    file.write_text(json.dumps(content))
    with only(str(file)):
        assert await ask(executor, "", HASH) == "answered"
        assert await ask(executor, OTHER) == "QUERY_NOT_IN_SAFELIST"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        "[]",
        '{"a": 1}',
        '{"format": "apollo-persisted-query-manifest"}',
        '{"format": "apollo-persisted-query-manifest", "operations": [1]}',
    ],
)
def test_a_list_that_cannot_be_read_is_told_to_the_developer(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "documents.json"
    if content is not None:
        file.write_text(content)
    with only(file), pytest.raises(ConfigurationError, match="GRAPHQL_ALLOWED_DOCUMENTS"):
        allowed_documents()
