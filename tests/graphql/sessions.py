"""One client's connection to a router, without a socket."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from django.contrib.auth.models import AnonymousUser

from dcrf_graph.graphql.execution import Answered, Rejected, Subscribed
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.routers import Router
from dcrf_graph.streams import Streams
from tests.graphql.doubles import KINDS


class Session:
    """Sends operations as one user, and gives back what a client would get."""

    def __init__(self, router: Router, user: Any = None) -> None:
        headers = [(b"host", b"testserver")]
        user = AnonymousUser() if user is None else user
        scope = {"type": "websocket", "user": user, "headers": headers}
        self.router = router
        self.streams: Streams = router.streams(scope)
        self.context = {"request": None, "scope": scope, "user": user, "streams": self.streams}

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.streams.close()

    async def send(self, query: str, **variables: Any) -> Any:
        request = OperationRequest(query, None, variables)
        return await self.router.executor.execute(request, dict(self.context), KINDS)

    async def result(self, query: str, **variables: Any) -> Any:
        """The result of a query or mutation, or the errors of what was rejected."""
        outcome = await self.send(query, **variables)
        if isinstance(outcome, Rejected):
            return {"errors": outcome.errors}
        assert isinstance(outcome, Answered), outcome
        return outcome.result

    async def data(self, query: str, **variables: Any) -> Any:
        """The data of what must succeed."""
        result = await self.result(query, **variables)
        assert "errors" not in result, result
        return result["data"]

    async def subscribe(self, query: str, **variables: Any) -> aclosing[Any]:
        """The results of a subscription, closed at the end of the block."""
        outcome = await self.send(query, **variables)
        assert isinstance(outcome, Subscribed), outcome
        return aclosing(outcome.results)
