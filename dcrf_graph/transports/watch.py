"""
A subscription over HTTP, for as long as its user may hear it.

The request is over when its stream begins, so nobody can ask it for new
credentials: when those that it had are over, the stream ends with an error. It
must not know how results are framed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

from dcrf_graph.authentication import Identity, Payload
from dcrf_graph.graphql.errors import refusal
from dcrf_graph.presence import Farewell, Presence
from dcrf_graph.streams import Streams

Result = dict[str, Any]
UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE


class Watch:
    """The user of one stream."""

    def __init__(
        self,
        context: dict[str, Any],
        streams: Streams,
        identify: Callable[[Mapping[str, Any], Payload], Awaitable[Identity]],
        handshake: Mapping[str, Any],
    ) -> None:
        self.context = context
        self.streams = streams
        self._identify = identify
        self.presence = Presence(streams.connection, self, handshake)
        self._over: asyncio.Future[Farewell] = asyncio.get_running_loop().create_future()

    def identify(self, scope: Mapping[str, Any], payload: Payload) -> Awaitable[Identity]:
        """Ask the authenticators."""
        return self._identify(scope, payload)

    def leave(self, farewell: Farewell) -> None:
        """End the stream."""
        if not self._over.done():
            self._over.set_result(farewell)

    async def adopt(self) -> None:
        """Go on as the user that is known now."""
        self.context["user"] = self.presence.identity.user
        self.context["scope"].update(self.presence.known)
        await self.streams.adopt(self.presence.known)

    async def until_over(
        self, results: AsyncGenerator[Result, None]
    ) -> AsyncGenerator[Result, None]:
        """Yield results until the user may have no more; the last one then says so."""
        async with aclosing(results):
            while True:
                coming = asyncio.ensure_future(anext(results))
                try:
                    waited: set[asyncio.Future[Any]] = {coming, self._over}
                    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                    if self._over.done():
                        farewell = self._over.result()
                        status = UNAVAILABLE if farewell.restart else HTTPStatus.UNAUTHORIZED
                        error = refusal(status, [farewell.reason], None)
                        yield {"data": None, "errors": [dict(error.formatted)]}
                        return
                    result = coming.result()
                except StopAsyncIteration:
                    return
                finally:
                    coming.cancel()
                    await asyncio.gather(coming, return_exceptions=True)
                yield result
