"""The GraphQL contracts say what the schema says, and which of its changes break clients."""

from __future__ import annotations

import json

import pytest
from graphql import GraphQLError, GraphQLSchema, build_client_schema, build_schema, print_schema

from dcrf_graph.contracts.graphql import Severity, changes, introspection, sdl

PUBLISHED = (
    "type Query {\n  cards(limit: Int): [Card]\n}\n\ntype Card {\n  id: ID!\n  title: String\n}\n"
)


def schema(text: str) -> GraphQLSchema:
    return build_schema(text)


def severities(text: str) -> list[Severity]:
    return [change.severity for change in changes(PUBLISHED, schema(text))]


def test_an_unchanged_schema_has_no_changes() -> None:
    assert changes(PUBLISHED, schema(PUBLISHED)) == []


def test_a_removed_field_is_breaking_and_named() -> None:
    (change,) = changes(PUBLISHED, schema(PUBLISHED.replace("  title: String\n", "")))
    assert change.severity is Severity.BREAKING
    assert "Card.title" in change.description


def test_an_optional_argument_is_dangerous() -> None:
    assert severities(PUBLISHED.replace("limit: Int", "limit: Int, offset: Int")) == [
        Severity.DANGEROUS
    ]


def test_a_new_field_is_safe() -> None:
    assert severities(PUBLISHED.replace("title:", "due: String\n  title:")) == [Severity.SAFE]


@pytest.mark.parametrize(
    "text",
    [
        "type Query { a: Nope }",
        "type Query implements Nope { a: Int }",
        "type Query { a(b: Nope): Int }",
        "union U = Nope type Query { u: U }",
        "schema { query: Nope }",
        "directive @d(a: Nope) on FIELD type Query { a: Int }",
        "type Query { a: Int",
        "",
    ],
)
def test_a_text_that_is_no_schema_is_an_error_of_graphql(text: str) -> None:
    with pytest.raises(GraphQLError):
        changes(text, schema(PUBLISHED))


def test_sdl_ends_with_one_newline() -> None:
    assert sdl(PUBLISHED + "\n\n") == PUBLISHED


def test_a_client_rebuilds_the_schema_from_the_introspection() -> None:
    described = json.loads(introspection(schema(PUBLISHED)))["data"]
    assert print_schema(build_client_schema(described)) + "\n" == PUBLISHED


def test_the_introspection_keeps_the_directives_that_operations_use() -> None:
    described = json.loads(introspection(schema(PUBLISHED)))["data"]["__schema"]
    names = [directive["name"] for directive in described["directives"]]
    assert names == ["include", "skip", "deprecated", "specifiedBy"]
