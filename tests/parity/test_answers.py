"""Every query and mutation of the demo, asked by everybody: answers and rows are alike."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from dcrf_graph.graphql.operations import Operation
from examples.board.api import router
from tests.parity.cases import cases_of
from tests.parity.drives import compare
from tests.parity.world import Rows, dump

pytestmark = pytest.mark.long

OPERATIONS = [operation for operation in router.operations if operation.kind != "subscription"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
async def test_every_client_is_answered_alike(
    operation: Operation, before: Rows, subtests: pytest.Subtests
) -> None:
    """Data, refusal and what is in the database afterwards: for each case and each visitor."""
    rows = {} if operation.kind == "query" else before
    for case in cases_of(operation):
        for who in case.visitors:
            with subtests.test(f"{case.title}, as {who}"):
                await compare(router, case, who, rows)
    assert await sync_to_async(dump)() == before
