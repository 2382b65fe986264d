"""Clients are told where a wrong value is, whichever way they sent it and whatever executes it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import override_settings
from rest_framework import serializers

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from tests.graphql.sessions import Session


class StepSerializer(serializers.Serializer[Any]):
    minutes = serializers.IntegerField()
    text = serializers.CharField()
    at = serializers.TimeField(required=False)


class RecipeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    steps = StepSerializer(many=True)
    heat = serializers.ChoiceField(choices=["low", "high"], required=False)


class RecipeConsumer(AsyncAPIConsumer):
    @action(input=RecipeSerializer, output=RecipeSerializer)
    async def write(self, data: Any, **kwargs: Any) -> Any:
        return data

    @action(kind="query")
    async def search(self, days: list[datetime.date], words: int = 1, **kwargs: Any) -> str:
        return "found"


ROUTER = Router()
ROUTER.register("recipes", RecipeConsumer, singular="recipe")
WRITE = "mutation ($data: RecipeInput!) { recipeWrite(data: $data) { name } }"
INPUT = "mutation ($input: RecipeInput!) { recipeWrite(data: $input) { name } }"
STEPS = "mutation ($s: [StepInput!]!) { recipeWrite(data: {name: %s, steps: $s}) { name } }"
SEARCH = "query ($days: [Date!]!, $words: Int) { recipeSearch(days: $days, words: $words) }"
STEP = {"minutes": 1, "text": "Cook"}


async def places(query: str, variables: dict[str, Any]) -> list[tuple[Any, Any]]:
    async with Session(ROUTER) as session:
        errors = (await session.result(query, **variables))["errors"]
    facts = [error["extensions"] for error in errors]
    return [(each.get("path"), each.get("fields")) for each in facts]


@pytest.mark.parametrize(
    ("query", "variables", "path", "where"),
    [
        (
            WRITE,
            {"data": {"name": "Soup", "steps": [STEP, {**STEP, "minutes": "two"}]}},
            ["data", "steps", 1, "minutes"],
            ["steps", "1", "minutes"],
        ),
        (
            INPUT,
            {"input": {"name": "Soup", "steps": [{**STEP, "at": "noon"}]}},
            ["input", "steps", 0, "at"],
            ["steps", "0", "at"],
        ),
        (WRITE, {"data": {"name": "Soup"}}, ["data", "steps"], ["steps"]),
        (
            WRITE,
            {"data": {"name": "Soup", "steps": [{"minutes": 1}]}},
            ["data", "steps", 0, "text"],
            ["steps", "0", "text"],
        ),
        (
            WRITE,
            {"data": {"name": "Soup", "steps": [], "salt": 1}},
            ["data", "salt"],
            ["salt"],
        ),
        (WRITE, {"data": {"name": None, "steps": []}}, ["data", "name"], ["name"]),
        (WRITE, {"data": {"name": "", "steps": [], "heat": "WARM"}}, ["data", "heat"], ["heat"]),
        (WRITE, {"data": "soup"}, ["data"], ["data"]),
        (WRITE, {}, ["data"], ["data"]),
        (WRITE, {"data": None}, ["data"], ["data"]),
        (
            STEPS % '"Soup"',
            {"s": [{**STEP, "minutes": 1.5}]},
            ["s", 0, "minutes"],
            ["steps", "0", "minutes"],
        ),
        (SEARCH, {"days": ["2026-11-22", "today"]}, ["days", 1], ["days", "1"]),
        (SEARCH, {"days": "today"}, ["days"], ["days"]),
        (
            '{ recipeSearch(days: ["2026-11-22", "today"]) }',
            {},
            ["days", 1],
            ["days", "1"],
        ),
        (
            'mutation { recipeWrite(data: {name: "S", steps: [{minutes: true, text: ""}]}) '
            "{ name } }",
            {},
            ["data", "steps", 0, "minutes"],
            ["steps", "0", "minutes"],
        ),
        (
            'mutation { recipeWrite(data: {name: "S", steps: [{minutes: 1}]}) { name } }',
            {},
            ["data", "steps", 0, "text"],
            ["steps", "0", "text"],
        ),
        (
            'mutation { recipeWrite(data: {name: "S", steps: [], salt: 1}) { name } }',
            {},
            ["data", "salt"],
            ["salt"],
        ),
        (
            'query ($day: Date! = "today") { recipeSearch(days: [$day]) }',
            {},
            ["day"],
            ["day"],
        ),
    ],
)
async def test_a_wrong_value_is_told_with_its_place(
    query: str, variables: dict[str, Any], path: list[Any], where: list[str]
) -> None:
    ((told, fields),) = await places(query, variables)
    assert told == path
    for name in where:
        assert list(fields) == [name]
        fields = fields[name]
    (reason,) = fields
    assert isinstance(reason, str)


async def test_each_of_several_wrong_values_has_its_own_place() -> None:
    steps = [{"minutes": "two"}, {**STEP, "at": "noon", "more": 1}]
    found = await places(WRITE, {"data": {"steps": steps, "heat": "WARM"}})
    assert sorted(str(path) for path, _ in found) == [
        "['data', 'heat']",
        "['data', 'name']",
        "['data', 'steps', 0, 'minutes']",
        "['data', 'steps', 0, 'text']",
        "['data', 'steps', 1, 'at']",
        "['data', 'steps', 1, 'more']",
    ]


async def test_the_place_of_an_error_is_the_place_of_its_value() -> None:
    """The order of graphql-core's errors is not taken on trust."""
    steps = [{"minutes": f"<{number}>", "text": "a"} for number in range(20)]
    async with Session(ROUTER) as session:
        result = await session.result(WRITE, data={"name": "a", "steps": steps})
    for error in result["errors"]:
        *_, number, _ = error["extensions"]["path"]
        assert f"<{number}>" in error["message"]


async def test_no_more_is_looked_for_than_is_reported() -> None:
    steps = [{"minutes": "two", "text": "a"}] * 500
    found = await places(WRITE, {"data": {"name": "a", "steps": steps}})
    assert 50 <= len(found) <= 51
    assert [path for path, _ in found][49] == ["data", "steps", 49, "minutes"]


async def test_the_reason_is_the_scalars_own() -> None:
    ((_, fields),) = await places('{ recipeSearch(days: ["today"]) }', {})
    reason = "Date cannot represent 'today': expected text like '2026-11-22'"
    assert fields == {"days": {"0": [reason]}}


async def test_what_is_wrong_with_no_value_has_no_place() -> None:
    assert await places("{ nothing }", {}) == [(None, None)]


@override_settings(DCRF_GRAPH={"GRAPHQL_INTROSPECTION": False})
async def test_a_reason_suggests_no_names_where_the_schema_is_not_shown() -> None:
    ((_, fields),) = await places(WRITE, {"data": {"name": "a", "steps": [], "nam": 1}})
    assert "Did you mean" not in str(fields)
