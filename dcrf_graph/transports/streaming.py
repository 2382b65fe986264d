"""
Results over time as the body of an HTTP response.

The body begins at once, shows signs of life while nothing happens, and ends its source as soon as
the client goes: at a result, at a wait, or before it has begun. It must not know what the results
are, nor how they are framed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Protocol

from django.http import StreamingHttpResponse

from dcrf_graph.graphql.errors import internal
from dcrf_graph.graphql.sharing import Encoded
from dcrf_graph.protocols.frames import InvalidMessage, encode

Result = dict[str, Any]


class Framing(Protocol):
    """How results stand in a body."""

    content_type: str

    def opening(self) -> str:
        """What comes first, so that the client has the headers before any result."""

    def result(self, text: str) -> str:
        """One result, of which ``text`` is the JSON."""

    def sign_of_life(self) -> str:
        """What the client ignores."""

    def ending(self) -> str:
        """What comes last."""


class Body(AsyncIterator[str]):
    """The parts of a body; closing it closes their source, wherever it stands."""

    def __init__(self, parts: AsyncGenerator[str, None]) -> None:
        self._parts = parts
        self._loop = asyncio.get_running_loop()
        self._ending: asyncio.Task[None] | None = None

    async def __anext__(self) -> str:
        return await anext(self._parts)

    def close(self) -> None:
        """Close the source, from any thread. Django does so when it is done with a response."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        async def end() -> None:
            await self._parts.aclose()

        self._ending = self._loop.create_task(end())


def stream(
    framing: Framing, results: AsyncGenerator[Result, None], interval: float | None
) -> StreamingHttpResponse:
    """
    Answer with results as they come.

    Args:
        interval: seconds of silence until a sign of life; None for no signs.
    """
    body = Body(_parts(framing, results, interval))
    response = StreamingHttpResponse(body, content_type=framing.content_type)
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


def whole(framing: Framing, result: Result) -> str:
    """The body of an answer that has one result, which is there already."""
    return framing.opening() + framing.result(encode(result)) + framing.ending()


async def _parts(
    framing: Framing, results: AsyncGenerator[Result, None], interval: float | None
) -> AsyncGenerator[str, None]:
    async with aclosing(_with_silences(results, interval)) as heard:
        yield framing.opening()
        async for result in heard:
            if result is None:
                yield framing.sign_of_life()
                continue
            try:
                text = result.text if isinstance(result, Encoded) else encode(result)
            except InvalidMessage as error:
                yield framing.result(encode({"data": None, "errors": [internal(error)]}))
                break
            yield framing.result(text)
        yield framing.ending()


async def _with_silences(
    results: AsyncGenerator[Result, None], interval: float | None
) -> AsyncGenerator[Result | None, None]:
    """Yield what comes, and None after each ``interval`` in which nothing came."""
    coming: asyncio.Future[Result] | None = None
    try:
        while True:
            if coming is None:
                coming = asyncio.ensure_future(anext(results))
            await asyncio.wait({coming}, timeout=interval)
            if not coming.done():
                yield None
                continue
            arrived, coming = coming, None
            try:
                result = arrived.result()
            except StopAsyncIteration:
                return
            yield result
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await results.aclose()
