"""What GraphQL operations on fifty cards may ask of the database; `-s` shows what they do ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from dcrf_graph.graphql.execution import Subscribed
from dcrf_graph.routers import Router
from examples.board.models import Card
from tests.graphql.test_router import Session
from tests.native.client import in_thread
from tests.native.test_budgets import ByCursor, CardConsumer, change, create, discuss
from tests.queries import Queries, counted

pytestmark = pytest.mark.django_db(transaction=True)

WHOLE = """{ title assignee { username } labels { name }
             comments { text author { username } } column { title } }"""


@pytest_asyncio.fixture
async def session() -> AsyncIterator[Session]:
    router = Router()
    router.register("cards", CardConsumer)
    router.register("pages", ByCursor, singular="page")
    opened = Session(router)
    yield opened
    await opened.streams.close()


async def spent(session: Session, query: str, cards: int) -> tuple[Any, Queries]:
    pk = await in_thread(create, cards)
    with counted() as queries:
        data = await session.data(query.replace("ID", str(pk)))
    print(f"\n{query} of {cards}: {len(queries)} queries\n{queries}")
    return data, queries


@pytest.mark.parametrize(
    ("query", "budget"),
    [
        (f"{{ cards {WHOLE} }}", 4),  # cards with columns and assignees; labels; comments; authors
        (f"{{ pages(first: 50) {{ edges {{ node {WHOLE} }} }} }}", 4),
        ("{ cards { title assignee { username } } }", 1),
        ("{ cards { labels { name } } }", 2),
        ("{ cards { id } }", 1),
        ("{ pages(first: 2) { pageInfo { endCursor } } }", 1),
        ("{ card(id: ID) { title } }", 1),
        ("{ card(id: ID) { title labels { name } } }", 2),
        ('mutation { cardPatch(id: ID, data: {title: "b"}) { title } }', 2),
    ],
)
async def test_a_selection_costs_what_it_shows(session: Session, query: str, budget: int) -> None:
    data, queries = await spent(session, query, 50)
    assert data
    assert len(queries) == budget


async def test_columns_that_are_not_selected_are_not_read(session: Session) -> None:
    _, queries = await spent(session, "{ cards { title assignee { username } } }", 1)
    (statement,) = queries.statements
    assert "username" in statement
    assert "description" not in statement
    assert "password" not in statement


@pytest.mark.parametrize("subscription", ["cardActivity", "cardChanged(id: ID)"])
async def test_an_event_costs_the_same_however_much_is_related(
    session: Session, subscription: str
) -> None:
    pk = await in_thread(create, 1)
    fields = "{ action data { labels { name } comments { author { username } } } }"
    query = f"subscription {{ event: {subscription} {fields} }}".replace("ID", str(pk))
    costs = []
    for comments in (1, 20):
        await in_thread(discuss, pk, comments)
        outcome = await session.send(query)
        assert isinstance(outcome, Subscribed), outcome
        with counted() as queries:
            waiting = asyncio.ensure_future(anext(outcome.results))
            await in_thread(change, pk)
            result = await asyncio.wait_for(waiting, 10)
        print(f"\nAn event of {subscription}: {len(queries)} queries\n{queries}")
        costs.append(len(queries))
        await outcome.results.aclose()
    assert result["data"]["event"]["data"]["comments"][-1]["author"]["username"] == "20 19"
    assert costs[0] == costs[1] <= 10
    assert await in_thread(Card.objects.count) == 1
