"""
A running subscription: events from its source, each executed to a result.

graphql-core opens the source; each event is then executed on its own with the
event as root value and a context of its own, so that nothing of one event
(loaders, caches) is seen by the next. Public API of graphql-core 3.2 and 3.3,
which open a source differently.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import graphql
from graphql import DocumentNode, ExecutionResult, GraphQLSchema

from dcrf_graph.capture import Events
from dcrf_graph.exceptions import CallFailed
from dcrf_graph.graphql.sharing import Execution, Sharing, Sink

EXECUTORS = graphql.version_info >= (3, 3)


async def open_source(
    schema: GraphQLSchema, document: DocumentNode, arguments: Mapping[str, Any]
) -> AsyncIterator[Any] | ExecutionResult:
    """Subscribe at the source; an ``ExecutionResult`` holds the errors of one that refuses.

    Args:
        arguments: ``context_value``, ``variable_values`` and ``operation_name``.
    """
    # By position, where the two versions agree: 3.3 has another name for the variables.
    names = ("context_value", "variable_values", "operation_name")
    values = (schema, document, None, *(arguments[name] for name in names))
    create: Any = graphql.create_source_event_stream
    if EXECUTORS:
        built = getattr(graphql, "Executor").build(*values)  # noqa: B009
        if isinstance(built, list):
            return ExecutionResult(None, errors=built)
        stream = create(built)
    else:
        stream = create(*values)
    source = await stream if inspect.isawaitable(stream) else stream
    return source if isinstance(source, ExecutionResult) else aiter(source)


class Results(AsyncGenerator[dict[str, Any], None]):
    """The results of a subscription.

    Closing it closes the source, also before the first event; closing it twice
    is harmless. A source that fails ends with one last result.

    Args:
        execution: makes the result of each event.
    """

    __slots__ = ("_ended", "_execution", "_sink", "_source")

    def __init__(self, source: AsyncIterator[Any], execution: Execution) -> None:
        self._source = source
        self._execution = execution
        self._sink: Sink | None = None
        self._ended = False

    async def deliver(self, sink: Sink) -> bool:
        """
        Send every result.

        Where the source can, each in the delivery that an event comes from, which waits for
        that: then this returns True at once, and the sink is told when ``finish`` is to be.
        Else it returns False when the source has ended, or failed.
        """
        self._sink = sink
        if not isinstance(self._source, Events):
            async for result in self:
                await sink.send(result)
            return False
        sharing = self._execution if isinstance(self._execution, Sharing) else None
        if sharing is not None:
            sharing.sink = sink
        if await self._source.hear(self, sharing):
            return True
        await self.finish()
        return False

    async def receive(self, event: Any) -> None:
        """Send the result of an event."""
        assert self._sink is not None
        await self._sink.send(await self._execution.result(event))

    def over(self) -> None:
        """Say that the source has ended."""
        assert self._sink is not None
        self._sink.over()

    async def finish(self) -> None:
        """Send what came before the source ended, and why it did if it failed."""
        assert isinstance(self._source, Events)
        assert self._sink is not None
        try:
            await self._source.finish()
        except CallFailed as refusal:
            await self._sink.send(self._execution.failure(refusal))
        finally:
            await self.aclose()

    def close(self) -> None:
        """Close a source that needs nobody to wait for that; harmless when repeated."""
        assert isinstance(self._source, Events)
        self._ended = True
        self._source.close()

    async def asend(self, value: None) -> dict[str, Any]:
        if self._ended:
            raise StopAsyncIteration
        try:
            event = await anext(self._source)
        except StopAsyncIteration:
            self._ended = True
            raise
        except Exception as error:
            await self.aclose()
            return self._execution.failure(error)
        return await self._execution.result(event)

    async def athrow(
        self, typ: Any, val: BaseException | object = None, tb: Any = None
    ) -> dict[str, Any]:
        await self.aclose()
        raise typ if val is None else val  # type: ignore[misc]

    async def aclose(self) -> None:
        self._ended = True
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()
