"""What every operation of the kitchen answers is what the text of its schema says."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import override_settings
from graphql import build_schema

from dcrf_graph.graphql.operations import Operation
from tests.graphql.sessions import Session
from tests.kitchen.checking import everything, faults
from tests.kitchen.consumers import kitchen
from tests.kitchen.evening import EVENING, Ask, happen, stock
from tests.kitchen.test_schema import GOLDEN
from tests.parity.translation import root_field, variables_of

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = build_schema(GOLDEN.read_text())
ROUTER = kitchen()


def operations() -> dict[str, Operation]:
    return {f"{each.stream}.{each.action}": each for each in ROUTER.operations}


def variables_for(ask: Ask, operation: Operation) -> dict[str, Any]:
    """The variables of a request; the names of its enums are those of the schema that runs."""
    if ask.variables is not None:
        return ask.variables
    return variables_of(ROUTER.schema, operation, ask.keys)


def document(operation: Operation, variables: dict[str, Any]) -> str:
    field = root_field(SCHEMA, operation)
    declared = ", ".join(f"${name}: {field.args[name].type}" for name in variables)
    passed = ", ".join(f"{name}: ${name}" for name in variables)
    head = f"{operation.kind} ({declared})" if declared else operation.kind
    call = f"{operation.name}({passed})" if passed else operation.name
    return f"{head} {{ {call}{everything(SCHEMA, field.type)} }}"


async def results(session: Session, ask: Ask, operation: Operation) -> list[Any]:
    """What is answered: one result, or all that a subscription says before it is left."""
    variables = variables_for(ask, operation)
    text = document(operation, variables)
    if operation.kind != "subscription":
        return [await session.result(text, **variables)]
    async with await session.subscribe(text, **variables) as events:
        if not ask.after:
            return [event async for event in events]
        await sync_to_async(happen)(ask.after)
        return [await anext(events)]


async def test_every_answer_of_an_evening_is_as_promised(subtests: pytest.Subtests) -> None:
    await sync_to_async(stock)()
    with override_settings(ROOT_URLCONF="tests.kitchen.urls"):
        async with Session(ROUTER) as session:
            for ask in EVENING:
                operation = operations().get(str(ask))
                if operation is None:
                    continue
                with subtests.test(str(ask)):
                    found = await results(session, ask, operation)
                    type_ = root_field(SCHEMA, operation).type
                    assert found
                    for result in found:
                        assert "errors" not in result
                        value = result["data"][operation.name]
                        assert value is not None or str(ask) == "dishes.preheat"
                        assert list(faults(SCHEMA, value, type_, str(ask))) == []


def test_no_operation_is_left_out_of_the_evening() -> None:
    assert operations().keys() <= {str(ask) for ask in EVENING}
