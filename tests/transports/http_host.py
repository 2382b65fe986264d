"""A host of the HTTP view that keeps a number, and records what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Any

from graphql import OperationType, build_schema, execute
from rest_framework.exceptions import AuthenticationFailed

from dcrf_graph.authentication import Identity
from dcrf_graph.connection import Connection
from dcrf_graph.graphql.documents import DocumentRefused, Documents
from dcrf_graph.graphql.errors import rejected
from dcrf_graph.graphql.execution import (
    NOT_ALLOWED,
    Answered,
    Outcome,
    Prepared,
    Rejected,
    Subscribed,
)
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.streams import Streams

SCHEMA = build_schema(
    """
    type Query { number: Int, path: String, user: String, plus(amount: Int!): Int, broken: Int }
    type Mutation { set(number: Int!): Int }
    type Subscription { numbers: Int, refused: Int }
    """
)


class RecordingStreams(Streams):
    """No consumers, but a count of how often they were closed."""

    closed = 0

    def __init__(self, scope: dict[str, Any]) -> None:
        super().__init__({}, scope, Connection())
        self.done = asyncio.Event()

    async def close(self, code: int = 1000) -> None:
        self.closed += 1
        await super().close(code)
        self.done.set()


class NumberHost:
    """Runs operations on one number; what it was given is kept for the test to look at."""

    def __init__(self) -> None:
        self.number = 1
        self.opened: list[RecordingStreams] = []
        self.context: dict[str, Any] = {}
        self.documents = Documents(SCHEMA)
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        """What subscribers of ``numbers`` get: a number, an exception, or None for the end."""
        self.subscribed = asyncio.Event()
        self.unsubscribed = asyncio.Event()

    async def authenticate(
        self, scope: Mapping[str, Any], payload: Mapping[str, Any] | None
    ) -> Identity:
        if (b"authorization", b"expired") in scope["headers"]:
            raise AuthenticationFailed("The token has expired.")
        return Identity(scope.get("user", "nobody"))

    def streams(self, scope: dict[str, Any]) -> RecordingStreams:
        self.opened.append(RecordingStreams(scope))
        return self.opened[-1]

    async def prepare(self, request: OperationRequest) -> Prepared | Rejected:
        try:
            document = self.documents.read(request.query)
            return Prepared(document, document.operation(request.operation_name), request.variables)
        except DocumentRefused as refused:
            return Rejected([rejected(error, refused.code) for error in refused.errors])

    async def execute(
        self, prepared: Prepared, context: dict[str, Any], *, allowed: Collection[OperationType]
    ) -> Outcome:
        self.context = context
        if prepared.kind not in allowed:
            message = f"A {prepared.kind.value} is not allowed."
            return Rejected([{"message": message, "extensions": {"code": NOT_ALLOWED}}])
        if prepared.kind is OperationType.SUBSCRIPTION:
            if "refused" in str(prepared.document.node.loc.source.body):  # type: ignore[union-attr]
                return Rejected([{"message": "Not you."}])
            return Subscribed(self.numbers())
        name = prepared.operation.name
        result: Any = execute(
            SCHEMA,
            prepared.document.node,
            self,
            context,
            dict(prepared.variables or {}),
            name.value if name else None,
        )
        errors = [error.formatted for error in result.errors or []]
        if result.data is None:
            return Rejected([dict(error) for error in errors])
        return Answered({"data": result.data, **({"errors": errors} if errors else {})})

    async def numbers(self) -> AsyncGenerator[dict[str, Any], None]:
        self.subscribed.set()
        try:
            while (event := await self.events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield {"data": {"numbers": event}}
        finally:
            self.unsubscribed.set()

    def path(self, info: Any) -> str:
        return str(info.context["scope"]["path"])

    def user(self, info: Any) -> str:
        return str(info.context["scope"]["user"])

    def plus(self, info: Any, amount: int) -> int:
        return self.number + amount

    def broken(self, info: Any) -> int:
        raise ValueError("out of order")

    def set(self, info: Any, number: int) -> int:
        self.number = number
        return number
