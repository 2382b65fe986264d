"""
Operations whose root fields are all derived, run by plans.

The calls are the same as ever; what they answer is completed by a compiled
function instead of graphql-core's execution. Wherever anything is out of the
ordinary (an error, a null where there can be none, a value that does not fit)
the answers that there are already go through graphql-core, which says it.

Source: docs/decisions/0029-plans-for-derived-selections.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_argument_values,
    get_variable_values,
)

from dcrf_graph.graphql.conditions import conditions, fragments_of
from dcrf_graph.graphql.documents import Document
from dcrf_graph.graphql.operations import Operation
from dcrf_graph.graphql.plans import Complete, Selecting, Unplanned, compiled
from dcrf_graph.graphql.resolvers import ANSWERS, answer, operation_of, selected
from dcrf_graph.graphql.sharing import Encoded, is_marked
from dcrf_graph.loading.representation import Selection

MAX_VARIANTS = 16
"""Plans of one operation, for what its ``@skip`` and ``@include`` say; more are not planned."""


@dataclass(frozen=True)
class Root:
    """One root field of an operation; without a ``field`` it is ``__typename``."""

    key: str
    field: GraphQLField | None
    node: FieldNode
    operation: Operation | None
    complete: Complete
    selection: Selection | None = None
    plain: bool = True

    def data_of(self, event: Any) -> dict[str, Any] | None:
        """The data of a subscription's event; None where graphql-core has to execute it."""
        if event.status >= 400:
            return None
        try:
            return {self.key: self.complete(event)}
        except Exception:
            return None


@dataclass(frozen=True)
class Selected:
    """What ``selection_of`` reads of graphql-core's info."""

    field_nodes: list[FieldNode]
    return_type: Any
    fragments: Mapping[str, FragmentDefinitionNode]


class Plans:
    """The plans of the operations of one schema; they live as long as their documents."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema

    async def run(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        context: Mapping[str, Any],
    ) -> dict[str, Any] | None:
        """
        The result of a query or mutation; None where graphql-core has to execute it.

        Nothing has been called then. Cancelling it cancels the calls.

        Raises:
            CalledAlready: with the answers of the calls that were made.
        """
        coerced = self._coerced(operation, variables)
        roots = None if coerced is None else self.of(document, operation, coerced)
        if roots is None:
            return None
        try:
            calls = [(root, self._arguments(root, coerced)) for root in roots]
        except GraphQLError:
            return None
        if operation.operation is OperationType.MUTATION or len(calls) == 1:
            found = [await self._answer(root, arguments, context) for root, arguments in calls]
        else:
            found = await asyncio.gather(*(self._answer(*each, context) for each in calls))
        answers = {root.key: value for root, value in zip(roots, found, strict=True)}
        try:
            data = {root.key: completed(root, answers[root.key]) for root in roots}
            if all(root.plain for root in roots):
                return Encoded({"data": data}, plain=True)
            return {"data": data}
        except Exception:
            raise CalledAlready(answers) from None

    def event(
        self, document: Document, operation: OperationDefinitionNode, variables: Any
    ) -> Root | None:
        """The one root of a subscription's events; None where graphql-core has to execute them."""
        coerced = self._coerced(operation, variables)
        roots = None if coerced is None else self.of(document, operation, coerced)
        return roots[0] if roots else None

    def of(
        self, document: Document, operation: OperationDefinitionNode, variables: Any
    ) -> tuple[Root, ...] | None:
        """The plan of an operation, made when it is first asked for."""
        kept = document.plans.setdefault(id(operation), {})
        selecting = Selecting(self.schema, fragments_of(document.node), variables)
        if "" not in kept:
            kept[""] = tuple(conditions(operation, selecting.fragments))
        try:
            variant = tuple(selecting.is_included(node) for node in kept[""])
        except GraphQLError:
            return None  # a null instead of a condition: graphql-core says so, where it stands
        if variant not in kept:
            if len(kept) > MAX_VARIANTS:
                return None
            try:
                kept[variant] = tuple(self._roots(selecting, operation))
            except Unplanned:
                kept[variant] = None
        plan: tuple[Root, ...] | None = kept[variant]
        return plan

    def _roots(self, selecting: Selecting, operation: OperationDefinitionNode) -> Iterator[Root]:
        root_type = self._root_type(operation)
        for key, nodes in selecting.fields(root_type, [operation.selection_set]).items():
            name = nodes[0].name.value
            if name == "__typename":
                yield Root(key, None, nodes[0], None, lambda _: root_type.name)
                continue
            field = root_type.fields.get(name)
            if field is None:
                raise Unplanned(f"{name} is introspection")
            is_event = operation.operation is OperationType.SUBSCRIPTION
            derived: Any = operation_of(field.resolve)
            if is_event and is_marked(field.resolve):
                derived = getattr(field.resolve, "value_of", None)
            if derived is None:
                raise Unplanned(f"{name} is not derived")
            if isinstance(field.type, GraphQLNonNull) and not is_event:
                raise Unplanned(f"{name} takes the others along when it fails")
            complete, plain = compiled(selecting, field, nodes)
            if is_event:
                yield Root(key, field, nodes[0], None, of_event(derived, complete))
                continue
            info: Any = Selected(nodes, field.type, selecting.fragments)
            yield Root(key, field, nodes[0], derived, complete, selected(derived, info), plain)

    def _root_type(self, operation: OperationDefinitionNode) -> GraphQLObjectType:
        root_type = self.schema.get_root_type(operation.operation)
        if root_type is None:
            raise Unplanned(f"there is no {operation.operation.value}")
        return root_type

    def _coerced(
        self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
    ) -> Any:
        """The variables as graphql-core has them; None where they are wrong."""
        coerced: Any = get_variable_values(
            self.schema, operation.variable_definitions or (), dict(variables or {})
        )
        return None if isinstance(coerced, list) else coerced

    def _arguments(self, root: Root, variables: Any) -> dict[str, Any]:
        if root.field is None:
            return {}
        return get_argument_values(root.field, root.node, variables)

    async def _answer(
        self, root: Root, arguments: dict[str, Any], context: Mapping[str, Any]
    ) -> Any:
        if root.operation is None:
            return None
        try:
            return await answer(root.operation, context, arguments, root.selection)
        except Exception as error:
            return error


class CalledAlready(Exception):
    """Calls were made, and graphql-core has to say what became of them."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__()
        self.answers = answers

    def within(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """The context in which root fields find their answers."""
        return {**context, ANSWERS: self.answers}


def of_event(value_of: Complete, complete: Complete) -> Complete:
    """Completes the value that an event has."""
    return lambda event: complete(value_of(event))


def completed(root: Root, value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return root.complete(value)
