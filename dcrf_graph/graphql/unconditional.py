"""
The root field of a subscription is there without a condition.

graphql-core asks for its name before there are variables, and fails over ``@skip`` and
``@include`` there; so they are refused as the specification does since 2025.

Source: GraphQL specification, 5.2.4.1 Single Root Field.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from dcrf_graph.graphql.conditions import Fragments, fragments_of

CONDITIONS = frozenset({"skip", "include"})


def conditional_roots(document: DocumentNode) -> list[GraphQLError]:
    """What is wrong with the subscriptions of a document, which need not be valid."""
    fragments = fragments_of(document)
    return [
        GraphQLError(
            f"@{directive.name.value} cannot be used at the root of a subscription.", directive
        )
        for operation in document.definitions
        if isinstance(operation, OperationDefinitionNode)
        and operation.operation is OperationType.SUBSCRIPTION
        for directive in conditions_in(operation.selection_set, fragments, set())
    ]


def conditions_in(
    selections: SelectionSetNode, fragments: Fragments, spread: set[str]
) -> Iterator[DirectiveNode]:
    """The conditions of these selections, and of the fragments among them."""
    for each in selections.selections:
        for directive in each.directives or ():
            if directive.name.value in CONDITIONS:
                yield directive
        if isinstance(each, InlineFragmentNode):
            yield from conditions_in(each.selection_set, fragments, spread)
        elif isinstance(each, FragmentSpreadNode) and each.name.value not in spread:
            spread.add(each.name.value)
            if (fragment := fragments.get(each.name.value)) is not None:
                yield from conditions_in(fragment.selection_set, fragments, spread)
