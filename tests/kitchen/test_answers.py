"""What the kitchen's schema promises is what its consumers answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from django.test import override_settings

from tests.graphql.sessions import Session
from tests.kitchen.consumers import kitchen

pytestmark = pytest.mark.django_db(transaction=True)

DISH = {
    "name": "Soup",
    "slug": "soup",
    "course": "STARTER",
    "heat": "HOT",
    "diet": None,
    "grade": "A_PLUS",
    "eaten": 2**40,
    "rating": 4.5,
    "price": "2.50",
    "token": "0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d",
    "since": "2026-11-22",
    "servedAt": "12:00:00",
    "cooking": "00:20:00",
    "seenFrom": "127.0.0.1",
    "notes": {"a": [1, None]},
}
FIELDS = """
    id name slug description course heat diet grade portions eaten rating price double isHot
    isOrganic token created since servedAt cooking seenFrom website contact recipe notes
    supplier { id code } supplierId supplierCode supplierCountry tags { id name } tagNames tagTexts
    url secret { text } steps { id } title courseText nutrition { energy }
    tables { number seats near } weather bestTag { id } similar { __typename } popularity history
"""


@pytest_asyncio.fixture
async def session() -> AsyncIterator[Session]:
    with override_settings(ROOT_URLCONF="tests.kitchen.urls"):
        async with Session(kitchen()) as opened:
            yield opened


async def create(session: Session, **changes: Any) -> Any:
    query = f"mutation ($data: DishInput!) {{ dishCreate(data: $data) {{ {FIELDS} }} }}"
    return (await session.data(query, data={**DISH, **changes}))["dishCreate"]


async def test_a_dish_goes_in_and_comes_out_whole(session: Session) -> None:
    dish = await create(session)
    assert {key: dish[key] for key in DISH} == DISH
    assert dish["double"] == "5.0"
    assert (dish["weather"], dish["courseText"], dish["title"]) == ("SUN", "Starter", "Soup")
    assert dish["url"] == f"http://testserver/dishes/{dish['id']}/"
    listed = await session.data(f"{{ dishes {{ results {{ {FIELDS} }} }} }}")
    assert listed["dishes"]["results"] == [dish]


async def test_nothing_that_may_be_missing_breaks_a_row(session: Session) -> None:
    """A row with as many nulls and blanks as its columns allow."""
    bare = {"name": "Air", "slug": "air", "price": "0.00"}
    query = f"mutation ($data: DishInput!) {{ dishCreate(data: $data) {{ {FIELDS} }} }}"
    dish = (await session.data(query, data=bare))["dishCreate"]
    assert dish["secret"] is None
    assert (dish["diet"], dish["grade"], dish["supplierCountry"]) == (None, None, None)


async def test_what_is_unset_stays_and_null_is_null(session: Session) -> None:
    dish = await create(session)
    patch = "mutation ($id: ID!, $d: DishPatchInput!) { dishPatch(id: $id, data: $d) { %s } }"
    changed = await session.data(patch % FIELDS, id=dish["id"], d={"rating": None})
    assert changed["dishPatch"] == {**dish, "rating": None}


async def test_a_wrong_value_is_refused_with_its_path(session: Session) -> None:
    query = "mutation ($data: DishInput!) { dishCreate(data: $data) { id } }"
    (error,) = (await session.result(query, data={**DISH, "since": "tomorrow"}))["errors"]
    assert error["extensions"]["path"] == ["data", "since"]
    (error,) = (await session.result(query, data={**DISH, "price": "1234567.00"}))["errors"]
    assert list(error["extensions"]["fields"]) == ["price"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "{ dishMeasure(id: 1) { energy protein vitamins checked } }",
            {"energy": 100, "protein": "1.5", "vitamins": ["C"], "checked": None},
        ),
        (
            '{ dishSearch(text: "a") { __typename ... on Supplier { code } } }',
            {"__typename": "Supplier", "code": "s"},
        ),
        ('{ dishTagIdeas(text: "a") { id name } }', [{"id": "1", "name": "a"}]),
        (
            'mutation { guestBook(booking: {guests: 2, day: "2026-11-22", table: {number: 1, '
            "seats: 4, near: DOOR}}) { guests day special table { seats near } } }",
            {
                "guests": 2,
                "day": "2026-11-22",
                "special": False,
                "table": {"seats": 4, "near": "DOOR"},
            },
        ),
        (
            'mutation { guestAddSupplier(supplier: {name: "A", code: "a"}) { code } }',
            {"code": "a"},
        ),
        (
            'mutation { guestOrder(order: {eatIn: {guest: "Ada", table: 1}}) '
            "{ __typename guest ... on EatIn { table } } }",
            {"__typename": "EatIn", "guest": "Ada", "table": 1},
        ),
        (
            'mutation { vendorCreate(data: {name: "A", code: "a"}) { name code } }',
            {"name": "A", "code": "a"},
        ),
    ],
)
async def test_actions_answer_what_the_schema_says(
    session: Session, query: str, expected: Any
) -> None:
    (answer,) = (await session.data(query)).values()
    assert answer == expected


async def test_a_wrapped_view_finds_its_object(session: Session) -> None:
    created = await session.data('mutation { vendorCreate(data: {name: "A", code: "a"}) { id } }')
    key = created["vendorCreate"]["id"]
    patched = await session.data(
        'mutation ($id: ID!) { partnerPatch(id: $id, data: {country: "NL"}) { name country } }',
        id=key,
    )
    assert patched["partnerPatch"] == {"name": "A", "country": "NL"}
    found = await session.data("query ($id: ID!) { partner(id: $id) { code } }", id=key)
    assert found["partner"] == {"code": "a"}
    assert (await session.data('{ vendors(search: "zzz") { id } }'))["vendors"] == []


async def test_a_generator_is_a_subscription_that_ends(session: Session) -> None:
    async with await session.subscribe("subscription { dishTick(until: 2) }") as results:
        assert [result async for result in results] == [
            {"data": {"dishTick": 0}},
            {"data": {"dishTick": 1}},
        ]


async def test_an_action_that_replies_itself_is_a_subscription(session: Session) -> None:
    query = "subscription { dishWatchOrders { __typename guest } }"
    async with await session.subscribe(query) as results:
        first = await anext(results)
    assert first == {"data": {"dishWatchOrders": {"__typename": "EatIn", "guest": "Ada"}}}
