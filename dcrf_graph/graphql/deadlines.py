"""
How long an execution may take, beyond what its calls may.

Each call has a time of its own, and its field alone is refused when that is over. What resolvers of
the application do has none, so the whole execution gets as long as its calls could take one after
the other, and as long as one more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from graphql import DocumentNode, FieldNode, OperationDefinitionNode

from dcrf_graph.exceptions import ExecutionTimeout
from dcrf_graph.graphql.limits import Measure
from dcrf_graph.settings import api_settings

Done = TypeVar("Done")


def calls_in(document: DocumentNode, operation: OperationDefinitionNode) -> int:
    """How many root fields an operation has, which are calls or the application's."""
    selections = operation.selection_set.selections
    if all(isinstance(selection, FieldNode) for selection in selections):
        return len(selections)
    return Measure(document, None).of(operation.selection_set).root_fields


async def in_time(work: Awaitable[Done], calls: int) -> Done:
    """
    Wait for an execution.

    Raises:
        ExecutionTimeout: when it took ``EXECUTION_TIMEOUT`` for each of its calls and once more;
            it has been cancelled.
    """
    limit = api_settings.EXECUTION_TIMEOUT
    timer = asyncio.timeout(None if limit is None else limit * (calls + 1))
    try:
        async with timer:
            return await work
    except TimeoutError:
        if not timer.expired():
            raise
        raise ExecutionTimeout() from None
