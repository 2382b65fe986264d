"""How large an operation may be."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from graphql import get_introspection_query, parse

from dcrf_graph.graphql.limits import Limits
from dcrf_graph.graphql.schema import derive
from tests.graphql.board import REGISTRATIONS
from tests.graphql.doubles import Client, reply

BOARD = derive(REGISTRATIONS)
NONE = dict.fromkeys(("tokens", "depth", "fields", "root_fields", "aliases", "directives"))


def refusals(text: str, **limits: int) -> list[str]:
    return [error.message for error in Limits(**{**NONE, **limits}).check(parse(text))]


@pytest.mark.parametrize(
    ("limit", "text", "size"),
    [
        ("fields", "{ a b { c } }", 3),
        ("root_fields", "{ a b { c } }", 2),
        ("depth", "{ a { b { c } } }", 3),
        ("aliases", "{ x: a y: b { z: c } }", 3),
        ("fields", "{ ...F ...F } fragment F on Q { a { b } }", 4),
        ("root_fields", "{ ... on Q { a ...F } } fragment F on Q { b }", 2),
        ("aliases", "{ ...F ...F } fragment F on Q { x: a }", 2),
        ("fields", "{ a } query Two { a b c }", 3),
    ],
)
def test_what_is_just_allowed_passes_and_one_more_does_not(
    limit: str, text: str, size: int
) -> None:
    """Fragments count as often as they are spread; each operation counts for itself."""
    assert refusals(text, **{limit: size}) == []
    (message,) = refusals(text, **{limit: size - 1})
    assert message.startswith("The operation is too large")


def test_fragments_that_double_are_measured_once_each() -> None:
    """Forty fragments that each spread the next twice would be a trillion fields."""
    chain = " ".join(f"fragment F{n} on Q {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    (message,) = refusals(f"{{ ...F0 }} {chain} fragment F40 on Q {{ a }}", fields=1000)
    assert "1099511627776 fields" in message


def test_circles_and_unknown_fragments_are_left_to_validation() -> None:
    assert refusals("{ ...F ...G } fragment F on Q { ...F }", depth=5, fields=5) == []


def test_a_long_chain_of_fragments_is_refused() -> None:
    chain = " ".join(f"fragment F{n} on Q {{ ...F{n + 1} }}" for n in range(500))
    (message,) = refusals(f"{{ ...F0 }} {chain}", depth=20)
    assert "more than 20 levels deep" in message


@pytest.mark.parametrize("directive", ["defer", "stream"])
async def test_incremental_delivery_is_refused_clearly(directive: str) -> None:
    asked = f"{{ article(id: 1) {{ labels @{directive} {{ id }} }} }}"
    rejected = await Client(BOARD).rejection(asked)
    assert rejected.errors[0]["message"].startswith(f"@{directive} is not supported")
    assert rejected.code == "GRAPHQL_VALIDATION_FAILED"


async def test_incremental_delivery_of_a_fragment_is_refused_too() -> None:
    rejected = await Client(BOARD).rejection("{ article(id: 1) { ... @defer { id } } }")
    assert "@defer is not supported" in rejected.errors[0]["message"]


async def test_a_full_introspection_is_within_the_limits() -> None:
    asked = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    result = await Client(BOARD).result(asked)
    assert result["data"]["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("GRAPHQL_MAX_DEPTH", "{ article(id: 1) { labels { id } } }"),
        ("GRAPHQL_MAX_FIELDS", "{ article(id: 1) { id title body } }"),
        ("GRAPHQL_MAX_ROOT_FIELDS", "{ reports notes { id } authors: author(id: 1) { id } }"),
        ("GRAPHQL_MAX_ALIASES", "{ a: reports b: reports c: reports }"),
    ],
)
async def test_the_limits_are_settings(setting: str, text: str) -> None:
    client = Client(BOARD, {"retrieve": reply(None), "list": reply([])})
    with override_settings(DCRF_GRAPH={setting: 2}):
        rejected = await client.rejection(text)
    assert rejected.code == "OPERATION_TOO_LARGE"
    assert client.streams.calls == []


@pytest.mark.parametrize("text", ["{ reports " * 30, "#\n" * 30 + "{ reports }"])
async def test_a_document_of_too_many_tokens_is_not_parsed(text: Any) -> None:
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_TOKENS": 20}):
        rejected = await Client(BOARD).rejection(text)
    assert rejected.code == "GRAPHQL_PARSE_FAILED"


async def test_without_limits_everything_passes() -> None:
    names = ("TOKENS", "DEPTH", "FIELDS", "ROOT_FIELDS", "ALIASES")
    limits = {f"GRAPHQL_MAX_{name}": None for name in names}
    asked = "{" + " ".join(f"r{n}: reports" for n in range(60)) + "}"
    with override_settings(DCRF_GRAPH=limits):
        result = await Client(BOARD).result(asked)
    assert len(result["data"]) == 60


WRONG = [
    "{ articl(id: 1) { id } }",
    "{ article(id: 1) { titel } }",
    "query Q($data: ArticleInputs!) { reports }",
    "mutation { articleCreate(data: {titel: 1}) { id } }",
]


@pytest.mark.parametrize("text", WRONG)
async def test_without_introspection_errors_suggest_no_names(text: str) -> None:
    told = (await Client(BOARD).rejection(text)).errors
    with override_settings(DCRF_GRAPH={"GRAPHQL_INTROSPECTION": False}):
        kept = (await Client(derive(REGISTRATIONS)).rejection(text)).errors
    assert any("Did you mean" in error["message"] for error in told)
    assert [error for error in kept if "Did you mean" in error["message"]] == []
    assert all(error["message"].endswith((".", "!")) for error in kept)


async def test_without_introspection_variables_suggest_no_names_either() -> None:
    text = "mutation M($data: ArticleInput!) { articleCreate(data: $data) { id } }"
    with override_settings(DCRF_GRAPH={"GRAPHQL_INTROSPECTION": False}):
        rejected = await Client(BOARD).rejection(text, data={"titel": "x"})
    assert [error for error in rejected.errors if "Did you mean" in error["message"]] == []
