"""
Runs operations: the one place where GraphQL results are made.

Both transports use it. It gives back whether the request was refused before
anything ran, one result, or a stream of results; each result is a ``dict``
ready for JSON. Nothing that a client sends makes it raise.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
)

from dcrf_graph.exceptions import ExecutionTimeout
from dcrf_graph.graphql import persisted
from dcrf_graph.graphql.costs import Costs
from dcrf_graph.graphql.deadlines import calls_in, in_time
from dcrf_graph.graphql.documents import TOO_LARGE, Document, DocumentRefused, Documents
from dcrf_graph.graphql.errors import BAD_INPUT, expected, formatted, internal, rejected, user_in
from dcrf_graph.graphql.limits import check_variables_size
from dcrf_graph.graphql.places import of_literals, of_variables
from dcrf_graph.graphql.planned import CalledAlready, Plans
from dcrf_graph.graphql.schema import Derived
from dcrf_graph.graphql.sharing import Encoded, Sharing, shape_of
from dcrf_graph.graphql.subscriptions import Results, open_source
from dcrf_graph.protocols.effects import OperationRequest

NOT_ALLOWED = "OPERATION_NOT_ALLOWED"
Context: TypeAlias = dict[str, Any]
Known: TypeAlias = Mapping[str, Any]
Contribute: TypeAlias = Callable[[Context], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]
Result: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose document is valid: the operation of it that is to run."""

    document: Document
    operation: OperationDefinitionNode
    variables: Mapping[str, Any] | None = None

    @property
    def kind(self) -> OperationType:
        return self.operation.operation


@dataclass(frozen=True)
class Rejected:
    """Nothing was executed: the errors, ready for JSON, and the code of the first."""

    errors: list[dict[str, Any]]

    @property
    def code(self) -> str:
        return str(self.errors[0].get("extensions", {}).get("code", ""))


@dataclass(frozen=True)
class Answered:
    """A query or mutation was executed: ``{"data": ..., "errors"?: [...]}``."""

    result: Result


@dataclass(frozen=True)
class Subscribed:
    """A subscription runs; closing the generator ends it at its source."""

    results: AsyncGenerator[Result, None]


Outcome: TypeAlias = Rejected | Answered | Subscribed


class Executor:
    """Executes operations against one derived schema.

    Args:
        contribute: what resolvers find in their context besides; asked anew for
            each operation and for each event of a subscription.
    """

    def __init__(self, derived: Derived, contribute: Contribute | None = None) -> None:
        self.derived = derived
        self.contribute = contribute
        self.documents = Documents(derived.schema)
        self.costs = Costs(derived.schema, derived.operations)
        self.plans = Plans(derived.schema)

    async def prepare(self, request: OperationRequest) -> Prepared | Rejected:
        """Find the operation that a request asks for; nothing is executed."""
        try:
            resolved = await persisted.resolve(request)
            document = self.documents.read(resolved.query)
            operation = document.operation(request.operation_name)
            self.check_request(document, operation, request.variables)
        except DocumentRefused as refused:
            return self.refused(refused)
        await persisted.remember(request)
        return Prepared(document, operation, request.variables or None)

    def check_request(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
    ) -> None:
        """Compare what is asked anew for each request: its variables, and what it costs.

        Raises:
            DocumentRefused: if it is too large.
        """
        try:
            check_variables_size(variables)
            prices = document.plans.setdefault(("prices", id(operation)), {})
            self.costs.check(document.node, operation, variables, prices)
        except GraphQLError as error:
            raise DocumentRefused([error], TOO_LARGE) from error

    def refused(self, refused: DocumentRefused) -> Rejected:
        """A document that cannot be executed; of wrong values in it, where they are."""
        places: list[dict[str, Any]] = [{} for _ in refused.errors]
        if refused.node is not None:
            places = of_literals(self.derived.schema, refused.node, refused.errors)
        pairs = zip(refused.errors, places, strict=True)
        return Rejected([rejected(error, refused.code, place) for error, place in pairs])

    async def execute(
        self,
        request: OperationRequest | Prepared,
        context: Known,
        allowed: Collection[OperationType | str],
    ) -> Outcome:
        """Run one operation.

        Args:
            context: what resolvers get: ``{"request", "scope", "user", "streams"}``,
                and what is contributed.
            allowed: kinds of operation that this transport takes (``"query"``,
                ``"mutation"``, ``"subscription"``); others are rejected with the
                code ``OPERATION_NOT_ALLOWED``.

        Cancelling it cancels the calls that it made; a mutation that was
        called already may have been applied.
        """
        prepared = request if isinstance(request, Prepared) else await self.prepare(request)
        if isinstance(prepared, Rejected):
            return prepared
        document, kind = prepared.document, prepared.kind
        if kind not in allowed and kind.value not in allowed:
            message = f"A {kind.value} cannot be sent this way."
            return Rejected([{"message": message, "extensions": {"code": NOT_ALLOWED}}])
        arguments: dict[str, Any] = {
            "variable_values": prepared.variables,
            "operation_name": name_of(prepared.operation),
        }
        try:
            arguments["context_value"] = await self.fresh(context)
            if kind is OperationType.SUBSCRIPTION:
                return await self.subscribe(prepared, context, arguments)
            calls = calls_in(document.node, prepared.operation)
            return await in_time(self.answer(prepared, context, arguments), calls)
        except ExecutionTimeout as late:
            return Answered(of_failure(late, context))
        except Exception as error:
            known = expected(error, user_in(context))
            return Rejected([internal(error) if known is None else dict(known.formatted)])

    async def answer(
        self, prepared: Prepared, context: Known, arguments: dict[str, Any]
    ) -> Rejected | Answered:
        """Execute a query or a mutation: by its plan where it has one, else by graphql-core."""
        document = prepared.document
        try:
            planned = await self.plans.run(
                document, prepared.operation, prepared.variables, arguments["context_value"]
            )
        except CalledAlready as called:
            planned = None
            arguments["context_value"] = called.within(arguments["context_value"])
        if planned is not None:
            return Answered(planned)
        result = await self.run(document, None, arguments)
        return self.answered(result, prepared, context)

    async def subscribe(
        self, prepared: Prepared, context: Known, arguments: Mapping[str, Any]
    ) -> Outcome:
        """Open the source of a subscription; a refusal there is the request's."""
        document = prepared.document
        source = await open_source(self.derived.schema, document.node, arguments)
        if isinstance(source, ExecutionResult):
            refused = self.answered(source, prepared, context)
            if isinstance(refused, Rejected):
                return refused
            return Rejected(refused.result["errors"])

        events = Events(self, prepared, context)
        shape = None
        if self.contribute is None:
            schema, operation = self.derived.schema, prepared.operation
            shape = shape_of(schema, document, operation, prepared.variables)
        if shape is None:
            return Subscribed(Results(source, events))
        return Subscribed(Results(source, Sharing(shape, events)))

    async def fresh(self, context: Known) -> Context:
        """A context for one execution: what was contributed to one is not seen by another."""
        own = {**context}
        if self.contribute is None:
            return own
        more = self.contribute({**own})
        return {**(await more if inspect.isawaitable(more) else more), **own}

    def answered(self, result: Any, prepared: Prepared, context: Known) -> Rejected | Answered:
        """Tell a request that was wrong (its errors are nowhere in the result) from a result."""
        errors = result.errors or []
        if not errors or result.data is not None or any(error.path is not None for error in errors):
            return Answered(as_dict(result, context))
        node, operation = prepared.document.node, prepared.operation
        places = of_variables(self.derived.schema, node, operation, prepared.variables, errors)
        pairs = zip(errors, places, strict=True)
        return Rejected([rejected(error, BAD_INPUT, place) for error, place in pairs])

    async def run(self, document: Document, root: Any, arguments: Mapping[str, Any]) -> Any:
        """Execute a valid document: the one call of graphql-core's ``execute``."""
        outcome: Any = execute(self.derived.schema, document.node, root, **arguments)
        return await outcome if inspect.isawaitable(outcome) else outcome


class Events:
    """Executes the events of one subscription, for as long as somebody listens."""

    __slots__ = ("_context", "_executor", "_plan", "_prepared")

    def __init__(self, executor: Executor, prepared: Prepared, context: Known) -> None:
        self._executor = executor
        self._prepared = prepared
        self._context = context
        self._plan = executor.plans.event(prepared.document, prepared.operation, prepared.variables)

    async def result(self, event: Any) -> Result:
        """The result of an event, in a context of its own."""
        if self._plan is not None and (data := self._plan.data_of(event)) is not None:
            return Encoded({"data": data}, plain=True) if self._plan.plain else {"data": data}
        executor, prepared = self._executor, self._prepared
        try:
            own = await executor.fresh(self._context)
        except Exception as error:
            return self.failure(error)
        arguments = {
            "variable_values": prepared.variables,
            "operation_name": name_of(prepared.operation),
            "context_value": own,
        }
        work = executor.run(prepared.document, event, arguments)
        try:
            return as_dict(await in_time(work, 0), own)
        except ExecutionTimeout as late:
            return self.failure(late)

    def failure(self, error: Exception) -> Result:
        """The result of a source that failed."""
        return of_failure(error, self._context)


def name_of(operation: OperationDefinitionNode) -> str | None:
    return None if operation.name is None else operation.name.value


def as_dict(result: Any, context: Known) -> Result:
    """A result ready for JSON."""
    made: Result = {"data": result.data}
    if result.errors:
        made["errors"] = [formatted(error, user_in(context)) for error in result.errors]
    if getattr(result, "extensions", None):
        made["extensions"] = result.extensions
    return made


def of_failure(error: Exception, context: Known) -> Result:
    """The last result of a subscription whose source failed: one error and no data."""
    known = error if isinstance(error, GraphQLError) else expected(error, user_in(context))
    return {"data": None, "errors": [internal(error) if known is None else dict(known.formatted)]}
