"""
The fragments of a document, and what is left out or taken in by the variables of an operation:
``@skip`` and ``@include``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    VariableNode,
)
from graphql.language import Visitor, visit

Fragments = Mapping[str, FragmentDefinitionNode]


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document, by their names."""
    return {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }


def conditions(operation: OperationDefinitionNode, fragments: Fragments) -> list[Any]:
    """The selections of an operation whose directives depend on variables.

    Those of another operation depend on variables that this one need not have.
    """
    visitor = Conditions()
    visit(operation, visitor)
    for name in visitor.spread:  # which grows meanwhile
        visit(fragments[name], visitor)
    return visitor.found


class Conditions(Visitor):
    """Finds what is left out or taken in by variables, and the fragments that are spread."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.spread: list[str] = []

    def enter(self, node: Any, *args: Any) -> None:
        """Called for every node."""
        if isinstance(node, FragmentSpreadNode) and node.name.value not in self.spread:
            self.spread.append(node.name.value)
        directives: tuple[DirectiveNode, ...] = getattr(node, "directives", None) or ()
        if any(
            isinstance(argument.value, VariableNode)
            for directive in directives
            for argument in directive.arguments or ()
        ):
            self.found.append(node)
