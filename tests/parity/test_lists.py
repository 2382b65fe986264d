"""Filters, ordering, search and pages: whatever a list is asked for, it has the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcrf_graph.graphql.operations import Operation
from examples.board.api import router
from tests.parity.cases import Case
from tests.parity.clients import clients_of
from tests.parity.drives import assert_alike
from tests.parity.translation import bare, root_field, snake
from tests.parity.world import Rows, visitor

LISTS = [
    operation
    for operation in router.operations
    if operation.action == "list" and operation.kind == "query" and operation.shape != "json"
]
KEYS = ["1", "2", "3", "11", "12", "21", "101", "201", "999"]
NUMBERS = st.one_of(st.sampled_from([-1, 0, 1, 2, 3, 7, 500]), st.none())
WORDS = st.sampled_from(
    ["Card", "card 1", "of 2", "paint", "", "elephants", "1 of", "%", "Card Card"]
)


def native_values(type_: Any) -> st.SearchStrategy[Any]:
    """What a native client sends where the schema has this type."""
    type_ = bare(type_)
    if isinstance(type_, GraphQLList):
        return st.lists(native_values(type_.of_type), min_size=1, max_size=3)
    if isinstance(type_, GraphQLEnumType):
        return st.sampled_from([value.value for value in type_.values.values()])
    strategies = {"ID": st.sampled_from(KEYS), "Int": NUMBERS, "String": WORDS}
    return strategies[type_.name]


def joined(values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return values.map(",".join)


def arguments_of(operation: Operation) -> st.SearchStrategy[dict[str, Any]]:
    """Native arguments of a list: every one that its GraphQL field has, given or left out."""
    own: dict[str, Any] = {}
    query: dict[str, Any] = {}
    for name, argument in root_field(router.schema, operation).args.items():
        type_ = bare(argument.type)
        if getattr(type_, "name", "") == "JSON":
            continue  # whatever else the address of a view would say
        if isinstance(type_, GraphQLInputObjectType):
            fields = type_.fields.items()
            query |= {snake(key): native_values(field.type) for key, field in fields}
        elif name in ("search", "ordering"):
            values = native_values(type_)
            query[name] = joined(values) if name == "ordering" else values
        else:
            own[name] = native_values(type_)
    mapping = st.fixed_dictionaries({"query": st.fixed_dictionaries({}, optional=query)})
    return st.builds(lambda a, b: {**a, **b}, mapping, st.fixed_dictionaries({}, optional=own))


def sampled(test: Callable[..., Any]) -> Callable[..., Any]:
    """The same examples in every run; they only read, so they may share their rows."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=quiet
    )(test)


@pytest.mark.parametrize("who", ["anonymous", "author"])
@pytest.mark.parametrize("operation", LISTS, ids=lambda each: each.name)
@sampled
@given(data=st.data())
async def test_a_list_has_the_same_rows(
    operation: Operation, who: str, before: Rows, data: st.DataObject
) -> None:
    arguments = data.draw(arguments_of(operation))
    case = Case(operation, str(arguments), arguments)
    answers = []
    for client in clients_of("query"):
        async with client.connect(router, visitor(who)) as session:
            answers.append(await session.call(operation, arguments))
    for client, answer in zip(clients_of("query"), answers, strict=True):
        assert_alike(answers[0], answer, f"{case}, as {who}: {client.name}")


@pytest.mark.parametrize(
    ("query", "count"),
    [({}, 6), ({"status": "blocked"}, 2), ({"labels": ["1"]}, 2), ({"search": "Card 1"}, 4)],
)
async def test_what_is_asked_for_makes_a_difference(
    query: dict[str, Any], count: int, before: Rows
) -> None:
    cards = next(operation for operation in LISTS if operation.name == "cards")
    for client in clients_of("query"):
        async with client.connect(router, visitor("author")) as session:
            assert (await session.call(cards, {"query": query})).data["count"] == count
