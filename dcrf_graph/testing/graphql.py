"""A client of graphql-transport-ws: runs operations, and subscribes."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

from dcrf_graph.protocols.graphql_transport_ws import SUBPROTOCOL
from dcrf_graph.testing.socket import Socket, listening, running

Result = dict[str, Any]
"""What an operation gives: ``{"data": ...}``, with ``errors`` if there are any.

Of one that was refused before it was executed ``{"errors": [...]}`` alone, as over HTTP.
"""


class GraphQLClient(Socket):
    """
    Speaks GraphQL to a router, by the subprotocol of the npm library ``graphql-ws``.

    Args:
        payload: what ``connection_init`` carries, e.g. ``{"Authorization": "Bearer ..."}``.
        more: as any client, e.g. ``user``.
    """

    subprotocols = (SUBPROTOCOL,)

    def __init__(
        self, application: Any, *, payload: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        super().__init__(application, **more)
        self.payload = payload
        self._ids = map(str, itertools.count(1))

    async def _greet(self) -> None:
        greeting = {"type": "connection_init", "payload": self.payload}
        await self.send_json({name: value for name, value in greeting.items() if value is not None})
        await self._first(lambda frame: frame["type"] == "connection_ack", "connection_ack")

    async def execute(
        self, query: str, variables: Mapping[str, Any] | None = None, **more: Any
    ) -> Result:
        """
        Run a query or a mutation; its result.

        Args:
            more: other keys of the request, e.g. ``operationName``.
        """
        events = Events(self, query)
        await events.start(variables, more)
        result = await events.receive()
        await events.end()
        return result

    @asynccontextmanager
    async def subscribe(
        self, query: str, variables: Mapping[str, Any] | None = None, **more: Any
    ) -> AsyncIterator[Events]:
        """
        Subscribe, until the end of the block; gives the results.

        What is changed inside of the block is heard. A subscription that is refused
        gives one result, its errors.
        """
        events = Events(self, query)
        await events.listen(variables, more)
        try:
            yield events
        finally:
            await events.stop()


class Events:
    """The results of one subscription: one by one, or by ``async for`` until it completes."""

    def __init__(self, client: GraphQLClient, query: str) -> None:
        self.id = next(client._ids)
        self.over = False
        """Whether the server has said that nothing more comes."""
        self._client = client
        self._query = query
        self._name = " ".join(query.split())[:60]

    async def start(self, variables: Mapping[str, Any] | None, more: Mapping[str, Any]) -> None:
        """Send the operation."""
        payload = {"query": self._query, "variables": dict(variables or {}), **more}
        await self._client.send_json({"id": self.id, "type": "subscribe", "payload": payload})

    async def listen(self, variables: Mapping[str, Any] | None, more: Mapping[str, Any]) -> None:
        """Send the operation, and wait until it listens, which the protocol does not tell."""
        client = self._client
        await client._commit()
        before, count = running(), listening()
        await self.start(variables, more)
        await client._handled()
        # A source of the application's own may keep a task for as long as it listens.
        sooner = lambda: listening() > count or any(map(self._is_mine, client._unread))  # noqa: E731
        await client._settle(before, sooner)

    async def stop(self) -> None:
        """Unsubscribe, and wait until that is so."""
        if not self.over:
            self.over = True
            client, before = self._client, running()
            await client.send_json({"id": self.id, "type": "complete"})
            await client._handled()
            await client._settle(before)
            client._unread[:] = [each for each in client._unread if not self._is_mine(each)]

    async def receive(self) -> Result:
        """The next result.

        Raises:
            AssertionError: the subscription is over.
        """
        result = await self._next()
        assert result is not None, f"{self._name!r} is over, and has no further result."
        return result

    async def _next(self) -> Result | None:
        if self.over:
            return None
        frame = await self._client._first(self._is_mine, f"a result of {self._name!r}")
        self.over = frame["type"] != "next"
        match frame["type"]:
            case "next":
                return dict(frame["payload"])
            case "error":
                return {"errors": frame["payload"]}
            case _:
                return None

    async def end(self) -> None:
        """Wait for the end of an operation that has one result.

        Raises:
            AssertionError: it has another one.
        """
        if not self.over:
            frame = await self._client._first(self._is_mine, f"the end of {self._name!r}")
            self.over = True
            if frame["type"] != "complete":
                await self.stop()
                raise AssertionError(f"{self._name!r} has more than one result: use subscribe().")

    async def nothing(self) -> None:
        """Be sure that no result comes any more: wait until nothing is going on.

        Raises:
            AssertionError: one has come, or the end of the subscription.
        """
        await self._client._none(self._is_mine)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result:
        result = await self._next()
        if result is None:
            raise StopAsyncIteration
        return result

    def _is_mine(self, frame: Any) -> bool:
        return bool(frame.get("id") == self.id)
