"""
Execute once: which subscribers of one event may have one result.

A result depends on the document (which belongs to one schema), the operation of
it, the variables, and the bytes that the handler sent for this subscriber, and
on nothing else, where every resolver that runs is derived. So equal keys share
one execution and one encoding, for as long as the event is being delivered.
Whatever might look at the context (a resolver, a directive's or a contribution
of the application's own) means no sharing. Errors are never shared: what they
say depends on who asks.

Source: docs/decisions/0024-one-execution-for-equal-bytes.md
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol, TypeAlias
from weakref import WeakValueDictionary

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from dcrf_graph.encoding import dumps, loads
from dcrf_graph.graphql.conditions import Fragments, fragments_of
from dcrf_graph.graphql.documents import Document
from dcrf_graph.observer.delivery import Delivery
from dcrf_graph.protocols.frames import encode
from dcrf_graph.replies import Event, event_of

Result: TypeAlias = dict[str, Any]
MAX_SHARED = 512
"""Results that one event keeps at most; further ones are made for each subscriber."""


class Encoded(dict[str, Any]):
    """A result whose JSON is there already; several clients may get it, so nobody changes it.

    ``ending`` is its JSON, and the end of the message that brings it.

    Args:
        plain: the result holds nothing that ``encode`` would refuse.
    """

    __slots__ = ("ending", "text")

    def __init__(self, result: Result, *, plain: bool = False) -> None:
        super().__init__(result)
        self.text = dumps(result) if plain else encode(result)
        self.ending = self.text + "}"


class Shape:
    """What subscribers who may share results ask for alike."""

    __slots__ = ("__weakref__",)


_shapes: WeakValueDictionary[tuple[Any, ...], Shape] = WeakValueDictionary()


def parts(document: Document, operation: str | None, variables: str) -> tuple[Any, ...]:
    """The components of the key, but for the bytes that the handler sent."""
    return document, operation, variables


def key_of(shape: Shape, text: str) -> tuple[Any, ...]:
    """The key of a result: what was asked for, and what the handler sent."""
    return shape, text


def shape_of(
    schema: GraphQLSchema,
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any] | None,
) -> Shape | None:
    """The shape that this operation has in common with equal ones; None where it shares nothing."""
    name = operation.name.value if operation.name else None
    derived = document.derived.get(name)
    if derived is None:
        derived = document.derived[name] = is_derived(schema, document, operation)
    if not derived:
        return None
    try:
        text = json.dumps(variables or {}, sort_keys=True)
    except (TypeError, ValueError):
        return None
    key = parts(document, name, text)
    shape = _shapes.get(key)
    if shape is None:
        shape = _shapes[key] = Shape()
    return shape


class Execution(Protocol):
    """Makes the results of one subscription."""

    async def result(self, event: Any) -> Result:
        """The result of an event."""

    def failure(self, error: Exception) -> Result:
        """The result of a source that failed."""


class Sink(Protocol):
    """Where results go."""

    def send(self, result: Result) -> Awaitable[None]:
        """Send a result."""

    def over(self) -> None:
        """Hear that no more events will come: what is left is to be finished."""


class Sharing:
    """Makes the results of one subscription, or takes those that are there.

    With a ``sink`` it sends those of events that are no refusals, given unread.
    """

    __slots__ = ("_execution", "_shape", "sink")

    def __init__(self, shape: Shape, execution: Execution) -> None:
        self._shape = shape
        self._execution = execution
        self.sink: Sink | None = None

    def ready(self, text: str, memo: dict[Any, Any]) -> Awaitable[None] | None:
        """What sends the result, if an equal subscription has made it already."""
        shape = self._shape
        last = memo.get(shape)
        if last is None:
            return None
        # Most handlers send the same to all: then this is the key, and no text is hashed.
        found = last[1] if last[0] == text else memo.get(key_of(shape, text))
        return None if found is None else self.sink.send(found)  # type: ignore[union-attr]

    async def read(self, text: str, delivery: Delivery) -> None:
        """Make the result, and send it."""
        assert self.sink is not None
        await self.sink.send(await self.made(text, delivery))

    def failure(self, error: Exception) -> Result:
        """The result of a source that failed."""
        return self._execution.failure(error)

    async def result(self, event: Event) -> Result:
        """The result of any event."""
        delivery = getattr(event, "delivery", None)  # a page of a streamed list has none
        if delivery is None or event.status >= 400:
            return await self._execution.result(event)
        text = dumps({**event.frame, "request_id": None})
        key = key_of(self._shape, text)
        found: Result | None = delivery.event.memo.get(key)
        return await self.made(text, delivery) if found is None else found

    async def made(self, text: str, delivery: Delivery) -> Result:
        """The result of an event that nobody has made yet."""
        memo = delivery.event.memo
        # The same text may be asked for in many ways; who asks changes nothing of it.
        frame = memo.get(text)
        if frame is None:
            frame = loads(text)
            if len(memo) < MAX_SHARED:
                memo[text] = frame
        result = await self._execution.result(event_of(frame, delivery))
        if "errors" in result:
            return result
        encoded = result if isinstance(result, Encoded) else Encoded(result)
        if len(memo) < MAX_SHARED:
            memo[key_of(self._shape, text)] = encoded
            memo[self._shape] = text, encoded
        return encoded


# -- whether a result depends on nothing else ------------------------------------------------


def marked(function: Any) -> Any:
    """Say of a derived resolver that it looks at nothing but its source."""
    function.derived = function
    return function


def is_marked(function: Any) -> bool:
    """Whether a resolver is a derived one, and not something that was put around one.

    ``functools.wraps`` copies attributes, so a wrapper has a mark, but of what it wraps.
    """
    return function is not None and getattr(function, "derived", None) is function


def is_derived(
    schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode
) -> bool:
    """Whether everything that an operation selects is resolved by derived resolvers."""
    fragments = fragments_of(document.node)
    root = schema.get_root_type(operation.operation)
    return root is not None and looks_up(schema, root, operation.selection_set, fragments)


def looks_up(
    schema: GraphQLSchema,
    parent: Any,
    selections: SelectionSetNode,
    fragments: Fragments,
) -> bool:
    """Whether a selection of a type, fragments included, only looks up.

    Of unions and interfaces it is not asked how their members are told apart:
    they share nothing.
    """
    if not isinstance(parent, GraphQLObjectType) or parent.is_type_of is not None:
        return False
    for node in selections.selections:
        match node:
            case FieldNode():
                if node.name.value == "__typename":
                    continue
                field = parent.fields.get(node.name.value)
                if field is None or not is_marked(field.resolve):
                    return False
                bound = get_named_type(field.type)
                if isinstance(bound, GraphQLScalarType | GraphQLEnumType):
                    continue
                assert node.selection_set is not None
                if not looks_up(schema, bound, node.selection_set, fragments):
                    return False
            case InlineFragmentNode():
                condition = node.type_condition
                inside: Any = parent
                if condition is not None:
                    inside = schema.get_type(condition.name.value)
                if not looks_up(schema, inside, node.selection_set, fragments):
                    return False
            case FragmentSpreadNode():
                fragment = fragments[node.name.value]
                inside = schema.get_type(fragment.type_condition.name.value)
                if not looks_up(schema, inside, fragment.selection_set, fragments):
                    return False
    return True
