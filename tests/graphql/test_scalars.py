"""Scalars say what DRF's JSON says, and refuse what its fields would."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal
from typing import Any

import pytest
from ariadne import QueryType
from django.core.files.base import ContentFile

from dcrf_graph.graphql.schema import derive
from tests.graphql.doubles import Client

KEY = "0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d"


def echo(scalar: str, given: list[Any]) -> Client:
    query = QueryType()

    @query.field("echo")
    def resolve_echo(*_: Any, value: Any) -> Any:
        given.append(value)
        return value

    return Client(derive([], f"type Query {{ echo(value: {scalar}): {scalar} }}", [query]))


@pytest.mark.parametrize(
    ("scalar", "value", "native"),
    [
        ("Date", "2026-11-22", "2026-11-22"),
        ("DateTime", "2026-11-22T10:44:39Z", "2026-11-22T10:44:39Z"),
        ("Time", "10:44:39", "10:44:39"),
        ("Duration", "3 04:05:06", "3 04:05:06"),
        ("Duration", "P3DT4H", "P3DT4H"),
        ("UUID", KEY, KEY),
        ("Decimal", "2.50", "2.50"),
        ("Decimal", 3, "3"),
        ("Decimal", 0.1, "0.1"),
        ("BigInt", 2**40, 2**40),
        ("BigInt", str(2**70), 2**70),
        ("JSON", {"snake_case": [1, None]}, {"snake_case": [1, None]}),
    ],
)
async def test_a_value_goes_in_and_out_as_native_json(scalar: str, value: Any, native: Any) -> None:
    given: list[Any] = []
    client = echo(scalar, given)
    result = await client.result(f"query($v: {scalar}) {{ echo(value: $v) }}", v=value)
    assert result == {"data": {"echo": native}}
    assert given == [native]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("Date", "22.11.2026"),
        ("Date", "2026-13-01"),
        ("Date", 5),
        ("DateTime", "yesterday"),
        ("Time", "25:00"),
        ("Duration", "long"),
        ("UUID", "nope"),
        ("Decimal", "NaN"),
        ("Decimal", "1,5"),
        ("Decimal", True),
        ("Decimal", "Infinity"),
        ("BigInt", "1.5"),
        ("BigInt", "1_000"),
        ("Duration", "999999999999 00:00:00"),
        ("BigInt", True),
        ("BigInt", 1.5),
    ],
)
async def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    scalar: str, value: Any
) -> None:
    given: list[Any] = []
    client = echo(scalar, given)
    refused = await client.rejection(f"query($v: {scalar}) {{ echo(value: $v) }}", v=value)
    assert refused.code == "BAD_USER_INPUT"
    assert "'$v'" in refused.errors[0]["message"]
    assert given == []


@pytest.mark.parametrize(
    ("scalar", "literal", "native"),
    [
        ("Decimal", "3.14159265358979323846", "3.14159265358979323846"),
        ("Decimal", "7", "7"),
        ("Decimal", '"2.50"', "2.50"),
        ("BigInt", "12345678901234", 12345678901234),
        ("JSON", '{a: [1, "x", null]}', {"a": [1, "x", None]}),
        ("Date", '"2026-11-22"', "2026-11-22"),
    ],
)
async def test_a_literal_is_read_exactly(scalar: str, literal: str, native: Any) -> None:
    given: list[Any] = []
    await echo(scalar, given).result(f"{{ echo(value: {literal}) }}")
    assert given == [native]


async def test_a_wrong_literal_is_shown_in_its_place() -> None:
    refused = await echo("Decimal", []).rejection("{ echo(value: true) }")
    assert refused.errors[0]["locations"] == [{"line": 1, "column": 15}]


@pytest.mark.parametrize(
    ("scalar", "value", "text"),
    [
        ("Date", datetime.date(2026, 11, 22), "2026-11-22"),
        ("DateTime", datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC), "2026-11-22T00:00:00Z"),
        ("Decimal", Decimal("2.50"), "2.50"),
        ("UUID", uuid.UUID(KEY), KEY),
    ],
)
async def test_python_values_of_own_resolvers_are_encoded_as_drf_does(
    scalar: str, value: Any, text: str
) -> None:
    query = QueryType()
    query.set_field("it", lambda *_: value)
    client = Client(derive([], f"type Query {{ it: {scalar} }}", [query]))
    assert await client.result("{ it }") == {"data": {"it": text}}


async def test_an_upload_is_a_file_and_nothing_else() -> None:
    query = QueryType()
    query.set_field("size", lambda *_, file: file.size)
    client = Client(derive([], "type Query { size(file: Upload!): Int }", [query]))
    asked = "query($f: Upload!) { size(file: $f) }"
    assert await client.result(asked, f=ContentFile(b"four")) == {"data": {"size": 4}}
    assert "multipart" in (await client.rejection(asked, f="four")).errors[0]["message"]
