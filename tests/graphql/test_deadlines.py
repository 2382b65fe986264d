"""A resolver of the application may not take for ever either."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ariadne import QueryType, SubscriptionType
from django.test import override_settings
from graphql import parse

from dcrf_graph.graphql.deadlines import calls_in
from dcrf_graph.graphql.schema import derive
from tests.graphql.board import REGISTRATIONS
from tests.graphql.doubles import Client

SDL = "extend type Query { slow: Int, quick: Int } extend type Subscription { ticks: Int }"
LATE = {
    "data": None,
    "errors": [
        {
            "message": "This took too long and was cancelled.",
            "extensions": {"code": "EXECUTION_TIMEOUT", "status": 504},
        }
    ],
}
query, subscription = QueryType(), SubscriptionType()


@query.field("slow")
async def slow(*_: Any) -> int:
    await asyncio.Event().wait()
    return 1


@query.field("quick")
async def quick(*_: Any) -> int:
    await asyncio.sleep(0)
    return 2


@subscription.source("ticks")
async def source(*_: Any) -> Any:
    yield 1
    yield 2


@subscription.field("ticks")
async def tick(value: int, *_: Any) -> int:
    if value == 1:
        await asyncio.Event().wait()
    return value


EXTENDED = derive(REGISTRATIONS, SDL, [query, subscription])


@override_settings(DCRF_GRAPH={"EXECUTION_TIMEOUT": 0.01})
async def test_an_execution_that_takes_too_long_is_cancelled() -> None:
    assert await Client(EXTENDED).result("{ slow }") == LATE
    assert await Client(EXTENDED).result("{ quick }") == {"data": {"quick": 2}}


@override_settings(DCRF_GRAPH={"EXECUTION_TIMEOUT": 0.01})
async def test_an_event_that_takes_too_long_is_an_error_and_the_next_one_comes() -> None:
    events = await Client(EXTENDED).subscription("subscription { ticks }")
    assert await anext(events) == LATE
    assert await anext(events) == {"data": {"ticks": 2}}
    await events.aclose()


@override_settings(DCRF_GRAPH={"EXECUTION_TIMEOUT": None})
async def test_there_may_be_no_limit() -> None:
    assert await Client(EXTENDED).result("{ quick }") == {"data": {"quick": 2}}


@pytest.mark.parametrize(
    ("text", "count"),
    [("{ a b }", 2), ("{ a ...F } fragment F on Query { b c }", 3)],
)
def test_the_calls_of_an_operation_are_its_root_fields(text: str, count: int) -> None:
    document = parse(text)
    operation: Any = document.definitions[0]
    assert calls_in(document, operation) == count
