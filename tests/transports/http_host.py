"""A host of the HTTP view that keeps a number, and records what it is asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from graphql import GraphQLError, build_schema, get_operation_ast, graphql, parse
from rest_framework.exceptions import AuthenticationFailed

from dcrf_graph.connection import Connection
from dcrf_graph.graphql.execution import NOT_ALLOWED
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.streams import Streams

SCHEMA = build_schema(
    """
    type Query { number: Int, path: String, user: String, plus(amount: Int!): Int, broken: Int }
    type Mutation { set(number: Int!): Int }
    type Subscription { numbers: Int }
    """
)


class RecordingStreams(Streams):
    """No consumers, but a count of how often they were closed."""

    closed = 0

    async def close(self, code: int = 1000) -> None:
        self.closed += 1
        await super().close(code)


class NumberHost:
    """Runs operations on one number; what it was given is kept for the test to look at."""

    def __init__(self) -> None:
        self.number = 1
        self.opened: list[RecordingStreams] = []
        self.context: dict[str, Any] = {}

    async def authenticate(self, scope: dict[str, Any], payload: Mapping[str, Any] | None) -> Any:
        if (b"authorization", b"expired") in scope["headers"]:
            raise AuthenticationFailed("The token has expired.")
        return scope.get("user", "nobody")

    def streams(self, scope: dict[str, Any]) -> RecordingStreams:
        self.opened.append(RecordingStreams({}, scope, Connection()))
        return self.opened[-1]

    async def execute(
        self, request: OperationRequest, context: dict[str, Any], *, allowed: Collection[str]
    ) -> dict[str, Any]:
        self.context = context
        if refusal := self.refusal(request, allowed):
            return {"errors": [refusal.formatted]}
        result = await graphql(
            SCHEMA,
            request.query,
            root_value=self,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
        )
        errors = [error.formatted for error in result.errors or []]
        if result.data is None:
            return {"errors": errors}
        return {"data": result.data, **({"errors": errors} if errors else {})}

    def refusal(self, request: OperationRequest, allowed: Collection[str]) -> GraphQLError | None:
        try:
            operation = get_operation_ast(parse(request.query), request.operation_name)
        except GraphQLError:
            return None
        if operation is None or operation.operation.value in allowed:
            return None
        kind = operation.operation.value
        return GraphQLError(f"A {kind} is not allowed.", extensions={"code": NOT_ALLOWED})

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
