"""A user's own types, fields, operations, directives and loaders beside the derived ones."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from ariadne import ObjectType, QueryType, SchemaDirectiveVisitor, SubscriptionType
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from graphql import GraphQLResolveInfo

from dcrf_graph.graphql.problems import DerivationError
from dcrf_graph.routers import Router
from examples import extended
from examples.board.models import Board, Card, Column, Label
from tests.graphql.sessions import Session
from tests.queries import counted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def labels() -> list[Label]:
    board = Board.objects.create(name="Plan", public=True)
    column = Column.objects.create(board=board, title="Next")
    made = [
        Label.objects.create(pk=1, name="Calm", colour="blue"),
        Label.objects.create(pk=2, name="Soon", colour="rose"),
    ]
    for count, label in enumerate(made, start=1):
        for _ in range(count):
            Card.objects.create(board=board, column=column, title="A").labels.add(label)
    return made


@pytest_asyncio.fixture
async def session(labels: list[Label]) -> AsyncIterator[Session]:
    async with Session(extended.router, User(username="ada")) as session:
        yield session


# -- the example ------------------------------------------------------------------------------


async def test_a_field_of_a_derived_type_reads_what_was_not_selected(session: Session) -> None:
    data = await session.data("{ labels { title } }")
    assert data == {"labels": [{"title": "CALM (BLUE)"}, {"title": "SOON (ROSE)"}]}


async def test_an_own_root_field_knows_who_is_asking(session: Session, labels: Any) -> None:
    assert await session.data("{ viewer { name } }") == {"viewer": {"name": "ada"}}
    async with Session(extended.router) as nobody:
        assert await nobody.data("{ viewer { name } }") == {"viewer": None}


async def test_a_resolver_gets_at_the_consumer_itself(labels: Any) -> None:
    """It is connected as the client, and the one that answers its calls."""
    query = QueryType()

    @query.field("who")
    async def who(root: None, info: GraphQLResolveInfo) -> str:
        consumer = await info.context["streams"].consumer("labels")
        assert await info.context["streams"].consumer("labels") is consumer
        return f"{type(consumer).__name__} of {consumer.scope['user'].username}"

    router = Router("extend type Query { who: String }", [query])
    router.register("labels", extended.LabelConsumer)
    async with Session(router, User(username="ada")) as session:
        assert await session.data("{ who }") == {"who": "LabelConsumer of ada"}


async def test_an_own_mutation_calls_the_consumers_actions(session: Session) -> None:
    data = await session.data("mutation { labelSwap(one: 1, other: 2) { name colour } }")
    assert data["labelSwap"] == [
        {"name": "Calm", "colour": "ROSE"},
        {"name": "Soon", "colour": "BLUE"},
    ]


async def test_the_refusal_of_a_call_is_the_refusal_of_the_field(session: Session) -> None:
    result = await session.result("mutation { labelSwap(one: 1, other: 99) { name } }")
    assert result["data"] == {"labelSwap": None}
    (error,) = result["errors"]
    assert error["extensions"] == {"code": "NOT_FOUND", "status": 404}


async def test_an_own_subscription_has_its_source_and_resolver(session: Session) -> None:
    async with await session.subscribe("subscription { labelNames(id: 1) }") as results:
        assert await anext(results) == {"data": {"labelNames": "Calm"}}
        await session.data('mutation { labelPatch(id: 1, data: {name: "Quiet"}) { id } }')
        assert await anext(results) == {"data": {"labelNames": "Quiet"}}
    assert session.router.statistics()["subscriptions"] == 0


async def test_a_subscription_that_may_not_start_is_one_error(session: Session) -> None:
    async with await session.subscribe("subscription { labelNames(id: 99) }") as results:
        (only,) = [result async for result in results]
    assert only["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_loader_asks_once_for_all_rows(session: Session) -> None:
    with counted() as queries:
        data = await session.data("{ labels { cardCount } }")
    assert [row["cardCount"] for row in data["labels"]] == [1, 2]
    counting = [sql for sql in queries.statements if "COUNT" in sql]
    assert len(counting) == 1, str(queries)


async def test_an_event_is_extended_as_a_query_is(session: Session) -> None:
    document = "subscription { labelChanged(id: 1) { data { title cardCount } } }"
    async with await session.subscribe(document) as results:
        await session.data('mutation { labelPatch(id: 1, data: {name: "Quiet"}) { id } }')
        result = await anext(results)
    assert result == {"data": {"labelChanged": {"data": {"title": "QUIET (BLUE)", "cardCount": 1}}}}


# -- the context ------------------------------------------------------------------------------

numbers = ObjectType("Numbers")
query = QueryType()
subscription = SubscriptionType()
NUMBERS = """
type Numbers { one: Int, two: Int }
type Query { numbers: Numbers }
type Subscription { numbers: Numbers }
"""


@query.field("numbers")
@subscription.field("numbers")
def of_anything(*args: Any) -> dict[str, Any]:
    return {}


@numbers.field("one")
@numbers.field("two")
def number(source: Any, info: GraphQLResolveInfo) -> Any:
    return info.context["number"]


@subscription.source("numbers")
async def twice(root: None, info: GraphQLResolveInfo) -> AsyncGenerator[int, None]:
    yield 1
    yield 2


def numbered(context: Any) -> Session:
    return Session(Router(NUMBERS, [numbers, query, subscription], context=context))


def counting() -> Any:
    """Contributes another number each time, in a way that has to be awaited."""
    made = itertools.count(1)

    async def context(given: Mapping[str, Any]) -> dict[str, Any]:
        return {"number": next(made)}

    return context


async def test_an_operation_has_one_context_and_the_next_another() -> None:
    session = numbered(counting())
    assert await session.data("{ numbers { one two } }") == {"numbers": {"one": 1, "two": 1}}
    assert await session.data("{ numbers { one two } }") == {"numbers": {"one": 2, "two": 2}}


async def test_each_event_of_a_subscription_has_a_context_of_its_own() -> None:
    session = numbered(counting())
    async with await session.subscribe("subscription { numbers { one two } }") as results:
        seen = [result["data"]["numbers"] async for result in results]
    assert seen == [{"one": 2, "two": 2}, {"one": 3, "two": 3}]


async def test_the_context_is_made_from_who_asks_and_what_they_may_call() -> None:
    seen: list[Mapping[str, Any]] = []

    def context(given: Mapping[str, Any]) -> dict[str, Any]:
        seen.append(given)
        return {"number": 7, "user": "somebody else"}

    session = numbered(context)
    await session.data("{ numbers { one } }")
    assert seen == [session.context]


async def test_what_the_library_gives_cannot_be_replaced() -> None:
    query = QueryType()
    query.set_field("who", lambda root, info: str(info.context["user"]))
    router = Router("type Query { who: String }", [query], context=lambda given: {"user": "eve"})
    assert await Session(router).data("{ who }") == {"who": "AnonymousUser"}


async def test_a_context_that_refuses_refuses_the_operation() -> None:
    def context(given: Mapping[str, Any]) -> dict[str, Any]:
        raise PermissionDenied("Not today.")

    result = await numbered(context).result("{ numbers { one } }")
    assert [error["message"] for error in result["errors"]] == ["Not today."]
    assert result["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_context_that_fails_for_an_event_is_an_error_of_that_event(caplog: Any) -> None:
    outcomes = iter([{"number": 1}, None, {"number": 3}])
    session = numbered(lambda given: next(outcomes))
    async with await session.subscribe("subscription { numbers { one } }") as results:
        first, second = [result async for result in results]
    assert first["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "NoneType" not in str(first)
    assert second == {"data": {"numbers": {"one": 3}}}


# -- what does not fit ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_defs", "cause"),
    [
        ("extend type Label { name: String! }", "can only be defined once"),
        ("extend type Label { other: Nowhere }", "Nowhere"),
        ("extend type Label { other: Int @upper }", "Unknown directive"),
    ],
)
def test_sdl_that_does_not_fit_is_told_at_once(type_defs: str, cause: str) -> None:
    router = Router(type_defs)
    router.register("labels", extended.LabelConsumer)
    with pytest.raises(DerivationError, match=cause):
        router.schema  # noqa: B018


async def test_a_users_resolver_replaces_a_derived_one(labels: list[Label]) -> None:
    label = ObjectType("Label")
    label.set_field("name", lambda row, info: row["name"].upper())
    router = Router(bindables=[label])
    router.register("labels", extended.LabelConsumer)
    async with Session(router) as session:
        data = await session.data("{ label(id: 1) { name } }")
    assert data == {"label": {"name": "CALM"}}


def test_a_directive_that_would_not_be_visited_is_no_silent_hole() -> None:
    class Members(SchemaDirectiveVisitor):
        def visit_object(self, object_type: Any) -> Any:
            raise AssertionError("Ariadne visits extensions now")

    sdl = "directive @members on OBJECT extend type Label @members"
    router = Router(sdl, directives={"members": Members})
    router.register("labels", extended.LabelConsumer)
    with pytest.raises(DerivationError, match="@members on an extension of Label"):
        router.schema  # noqa: B018
