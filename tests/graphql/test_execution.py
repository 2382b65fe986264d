"""Operations are prepared once, chosen by name, executed, and never raise."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from ariadne import QueryType, SubscriptionType
from django.test import override_settings
from graphql import ExecutionResult, OperationType

from dcrf_graph.graphql.documents import Documents
from dcrf_graph.graphql.execution import Rejected, as_dict
from dcrf_graph.graphql.schema import derive
from dcrf_graph.protocols.effects import OperationRequest
from tests.graphql.board import REGISTRATIONS
from tests.graphql.doubles import Client, Source, change, reply

BOARD = derive(REGISTRATIONS)
CHANGED = "subscription { articleChanged(id: 7) { action } }"
REFUSED = "GRAPHQL_VALIDATION_FAILED"
TWO = "query A { reports } query B { notes { id } }"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", REFUSED),
        ("{" * 3_000, "GRAPHQL_PARSE_FAILED"),
        ("fragment F on Query { reports }", REFUSED),
        ("type Query { a: Int }", REFUSED),
        (TWO, "OPERATION_RESOLUTION_FAILURE"),
        ("query($d: ArticleInput!) { reports(query: $d) }", REFUSED),
        ("{ article { id } }", REFUSED),
        ("subscription { articleChanged(id: 7) @skip(if: true) { id } }", REFUSED),
        ("subscription($x: Boolean!) { articleChanged(id: 7) @include(if: $x) { id } }", REFUSED),
        ("subscription { ... @skip(if: true) { articleChanged(id: 7) { id } } }", REFUSED),
        ("subscription { ...S } fragment S on Subscription { ...S @skip(if: true) }", REFUSED),
    ],
)
async def test_a_wrong_document_is_rejected_with_its_code(text: str, code: str) -> None:
    client = Client(BOARD)
    assert (await client.rejection(text)).code == code
    assert client.streams.calls == []


async def test_the_name_chooses_the_operation() -> None:
    client = Client(BOARD, {"list": reply([])})
    await client.send(TWO, name="B")
    assert client.streams.calls == [("notes", "list", {})]


async def test_a_name_that_is_not_there_is_rejected() -> None:
    outcome = await Client(BOARD).send(TWO, name="C")
    assert isinstance(outcome, Rejected)
    assert outcome.errors[0]["message"] == "The document has no operation named 'C'."


async def test_an_empty_name_is_none() -> None:
    outcome = await Client(BOARD, {"list": reply([])}).send("{ notes { id } }", name="")
    assert not isinstance(outcome, Rejected)


async def test_wrong_variables_reject_the_request_with_their_path() -> None:
    client = Client(BOARD)
    rejected = await client.rejection(
        "mutation($d: ArticleInput!) { articleCreate(data: $d) { id } }",
        d={"title": "x", "due": "soon"},
    )
    assert rejected.code == "BAD_USER_INPUT"
    assert "due" in rejected.errors[0]["message"]
    assert client.streams.calls == []


async def test_a_missing_variable_rejects_the_request() -> None:
    rejected = await Client(BOARD).rejection("query($id: ID!) { article(id: $id) { id } }")
    assert rejected.code == "BAD_USER_INPUT"


@pytest.mark.parametrize("allowed", [{"query"}, {OperationType.QUERY}])
async def test_kinds_that_a_transport_does_not_take_are_rejected(allowed: Any) -> None:
    client = Client(BOARD)
    request = OperationRequest("mutation { articleDelete(id: 1) }")
    outcome = await client.executor.execute(request, client.context, allowed)
    assert isinstance(outcome, Rejected)
    assert outcome.code == "OPERATION_NOT_ALLOWED"
    assert client.streams.calls == []


async def test_a_field_that_breaks_outside_of_a_call_is_a_result() -> None:
    """A null where the type has none is an error with a path, not a wrong request."""
    client = Client(BOARD, {"retrieve": reply({"id": 1, "title": None})})
    result = await client.result("{ article(id: 1) { id title } }")
    assert result["data"] == {"article": None}
    assert result["errors"][0]["path"] == ["article", "title"]


async def test_whatever_goes_wrong_is_logged_and_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    variables: Any = ["not", "an", "object"]
    asked = "query($id: ID!) { article(id: $id) { id } }"
    with caplog.at_level(logging.ERROR):
        outcome = await Client(BOARD).send(asked, variables)
    assert isinstance(outcome, Rejected)
    assert outcome.code in ("INTERNAL_SERVER_ERROR", "BAD_USER_INPUT")


async def test_extensions_of_a_result_are_kept() -> None:
    assert as_dict(ExecutionResult({"a": 1}, extensions={"cost": 2}), {}) == {
        "data": {"a": 1},
        "extensions": {"cost": 2},
    }


# -- documents --------------------------------------------------------------------------------


def test_a_document_is_parsed_and_validated_once() -> None:
    documents = Documents(BOARD.schema)
    assert documents.read("{ reports }") is documents.read("{ reports }")


def test_the_least_recently_used_document_makes_room() -> None:
    documents = Documents(BOARD.schema)
    with override_settings(DCRF_GRAPH={"GRAPHQL_DOCUMENT_CACHE_SIZE": 2}):
        first = documents.read("{ reports }")
        second = documents.read("{ a: reports }")
        assert documents.read("{ reports }") is first
        documents.read("{ b: reports }")
        assert documents.read("{ reports }") is first
        assert documents.read("{ a: reports }") is not second


def test_very_long_documents_are_not_kept() -> None:
    documents = Documents(BOARD.schema)
    text = "{ reports }" + " " * 30_000
    assert documents.read(text) is not documents.read(text)


# -- subscriptions ------------------------------------------------------------------------------


async def test_closing_ends_the_source() -> None:
    source = Source([change("update", 7, {})])
    results = await Client(BOARD, {"subscribe_instance": source}).subscription(CHANGED)
    await anext(results)
    await results.aclose()
    assert source.closed.is_set()
    assert [result async for result in results] == []


async def test_closing_before_the_first_event_ends_the_source() -> None:
    source = Source([])
    results = await Client(BOARD, {"subscribe_instance": source}).subscription(CHANGED)
    await results.aclose()
    await results.aclose()
    assert source.closed.is_set()


async def test_throwing_into_a_subscription_ends_its_source() -> None:
    source = Source([])
    results = await Client(BOARD, {"subscribe_instance": source}).subscription(CHANGED)
    with pytest.raises(KeyError):
        await results.athrow(KeyError("x"))
    assert source.closed.is_set()


async def test_a_cancelled_wait_loses_nothing() -> None:
    source = Source([])
    results = await Client(BOARD, {"subscribe_instance": source}).subscription(CHANGED)
    waiting = asyncio.ensure_future(anext(results))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    source.items.append(change("update", 7, {}))
    assert (await anext(results))["data"]["articleChanged"] == {"action": "UPDATE"}


async def test_a_source_that_ends_ends_the_results() -> None:
    source = Source([change("update", 7, {})])
    source.closed.set()
    results = await Client(BOARD, {"subscribe_instance": source}).subscription(CHANGED)
    assert len([result async for result in results]) == 1


async def test_a_source_that_breaks_is_logged_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    source = Source([], RuntimeError("the password is 1234"))
    results = await Client(BOARD, {"subscribe_instance": source}).subscription(CHANGED)
    with caplog.at_level(logging.ERROR):
        answers = [result async for result in results]
    assert answers == [
        {
            "data": None,
            "errors": [
                {
                    "message": "Internal server error",
                    "extensions": {"code": "INTERNAL_SERVER_ERROR", "status": 500},
                }
            ],
        }
    ]
    assert len(caplog.records) == 1


async def test_wrong_variables_of_a_subscription_reject_the_request() -> None:
    rejected = await Client(BOARD).rejection(
        "subscription($a: Int!) { articleActivity(author: $a) { id } }", a="x"
    )
    assert rejected.code == "BAD_USER_INPUT"


async def test_each_event_has_a_context_of_its_own() -> None:
    subscription = SubscriptionType()
    query = QueryType()
    seen: list[Any] = []

    @subscription.source("count")
    async def count(*_: Any) -> Any:
        for number in (1, 2):
            yield number

    @subscription.field("count")
    def resolve_count(number: int, info: Any) -> int:
        seen.append(info.context.get("loaded"))
        info.context["loaded"] = number
        return number

    derived = derive(
        [], "type Query { a: Int } type Subscription { count: Int }", [subscription, query]
    )
    results = await Client(derived).subscription("subscription { count }")
    assert [result["data"]["count"] async for result in results] == [1, 2]
    assert seen == [None, None]
