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


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("title:", "due: String\n  title:", ["Card.due was added."]),
        ("title: String", "title: String!", ["Card.title changed type from String to String!."]),
        ("title:", '"""Its name."""\n  title:', ["Card.title is described anew."]),
        ("title: String", "title: String @deprecated", ["Card.title is deprecated."]),
        ("type Card", "type Label { id: ID! }\ntype Card", ["Label was added."]),
        ("type Card", '"""A card."""\ntype Card', ["Card is described anew."]),
        (
            "id: ID!\n  title: String",
            "title: String\n  id: ID!",
            ["Something is in another order."],
        ),
    ],
)
def test_what_no_client_notices_is_safe_and_named(before: str, after: str, said: list[str]) -> None:
    found = changes(PUBLISHED, schema(PUBLISHED.replace(before, after)))
    assert {change.severity for change in found} == {Severity.SAFE}
    assert [change.description for change in found] == said


def test_each_change_is_said_once_the_worst_first() -> None:
    text = PUBLISHED.replace("limit: Int", "limit: Int, offset: Int")
    text = text.replace("  title: String\n", "  due: String\n")
    found = changes(PUBLISHED, schema(text))
    assert [change.severity for change in found] == [
        Severity.BREAKING,
        Severity.DANGEROUS,
        Severity.SAFE,
    ]


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
