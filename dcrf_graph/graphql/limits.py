"""
How large an operation may be: the one place of limits, asked before validation.

Validating costs more than parsing and some rules are quadratic, so a document
is measured first, fragments expanded. The numbers are settings
(``GRAPHQL_MAX_...``); None means no limit. ``@defer`` and ``@stream`` are refused here too. What an
operation costs depends on its variables and is asked later (``costs``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from dcrf_graph.graphql.conditions import Fragments, fragments_of
from dcrf_graph.settings import api_settings

INCREMENTAL = frozenset({"defer", "stream"})


@dataclass(frozen=True)
class Limits:
    """What one operation may have; ``tokens`` counts the whole document."""

    tokens: int | None
    depth: int | None
    fields: int | None
    root_fields: int | None
    aliases: int | None
    directives: int | None

    @classmethod
    def from_settings(cls) -> Limits:
        return cls(
            tokens=api_settings.GRAPHQL_MAX_TOKENS,
            depth=api_settings.GRAPHQL_MAX_DEPTH,
            fields=api_settings.GRAPHQL_MAX_FIELDS,
            root_fields=api_settings.GRAPHQL_MAX_ROOT_FIELDS,
            aliases=api_settings.GRAPHQL_MAX_ALIASES,
            directives=api_settings.GRAPHQL_MAX_DIRECTIVES,
        )

    def check(self, document: DocumentNode) -> list[GraphQLError]:
        """What is too large in a parsed document; empty when nothing is."""
        try:
            measure = Measure(document, self.depth)
            for definition in document.definitions:
                if isinstance(definition, OperationDefinitionNode):
                    own = Size(directives=directives_of(definition))
                    size = measure.of(definition.selection_set).beside(own)
                    self.compare(size, definition)
        except GraphQLError as error:
            return [error]
        return []

    def compare(self, size: Size, node: OperationDefinitionNode) -> None:
        """Raise the first limit that an operation is over."""
        for what, limit, is_value in (
            ("levels deep", self.depth, size.depth),
            ("fields", self.fields, size.fields),
            ("root fields", self.root_fields, size.root_fields),
            ("aliases", self.aliases, size.aliases),
            ("directives", self.directives, size.directives),
        ):
            if limit is not None and is_value > limit:
                raise GraphQLError(
                    f"The operation is too large: {is_value} {what}, {limit} are allowed.", node
                )


@dataclass(frozen=True)
class Size:
    """How large a selection is, with its fragments expanded."""

    depth: int = 0
    fields: int = 0
    root_fields: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: Size) -> Size:
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.root_fields + other.root_fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


class Measure:
    """Measures selections of one document; each fragment once, however often it is spread."""

    def __init__(self, document: DocumentNode, max_depth: int | None) -> None:
        self.fragments: Fragments = fragments_of(document)
        self.max_depth = max_depth
        self._known: dict[str, Size] = {}
        self._open: list[str] = []

    def of(self, selections: SelectionSetNode | None, level: int = 0) -> Size:
        """The size of a selection set.

        Raises:
            GraphQLError: for ``@defer`` and ``@stream``, and for what is nested so
                deeply that measuring it would not end well.
        """
        if selections is None:
            return Size()
        if self.max_depth is not None and level > self.max_depth:
            raise GraphQLError(
                f"The operation is too large: more than {self.max_depth} levels deep.", selections
            )
        size = Size()
        for selection in selections.selections:
            refuse_incremental(selection)
            own = Size(directives=count(selection.directives))
            size = size.beside(own).beside(self.of_selection(selection, level))
        return size

    def of_selection(self, selection: SelectionNode, level: int) -> Size:
        match selection:
            case FieldNode(selection_set=inner, alias=alias):
                below = self.of(inner, level + 1)
                aliases = below.aliases + (alias is not None)
                return Size(below.depth + 1, below.fields + 1, 1, aliases, below.directives)
            case InlineFragmentNode(selection_set=inner):
                return self.of(inner, level + 1)
            case FragmentSpreadNode(name=name):
                return self.of_fragment(name.value, level + 1)
            case _:
                return Size()

    def of_fragment(self, name: str, level: int) -> Size:
        """An unknown fragment or a circle measures nothing: validation says what is wrong."""
        if name not in self._known:
            if name not in self.fragments or name in self._open:
                return Size()
            self._open.append(name)
            own = Size(directives=count(self.fragments[name].directives))
            self._known[name] = self.of(self.fragments[name].selection_set, level).beside(own)
            self._open.pop()
        return self._known[name]


def count(directives: Sized | None) -> int:
    return len(directives or ())


def directives_of(operation: OperationDefinitionNode) -> int:
    """How many directives stand on an operation itself and on its variables."""
    variables = operation.variable_definitions or ()
    return count(operation.directives) + sum(count(each.directives) for each in variables)


def check_document_size(text: str) -> None:
    """
    Compare the UTF-8 of a document with ``GRAPHQL_MAX_DOCUMENT_SIZE``.

    Raises:
        GraphQLError: for one that is longer; nothing of it has been read.
    """
    compare_bytes("document", len(text.encode()), api_settings.GRAPHQL_MAX_DOCUMENT_SIZE)


def check_variables_size(variables: Mapping[str, Any] | None) -> None:
    """
    Compare the JSON of an operation's variables with ``GRAPHQL_MAX_VARIABLES_SIZE``.

    Files count as null: uploads have limits of their own.

    Raises:
        GraphQLError: for variables that are larger.
    """
    limit = api_settings.GRAPHQL_MAX_VARIABLES_SIZE
    if variables and limit is not None:
        text = json.dumps(variables, ensure_ascii=False, default=lambda file: None)
        compare_bytes("variables", len(text.encode()), limit)


def compare_bytes(what: str, size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise GraphQLError(
            f"The operation is too large: {size} bytes of {what}, {limit} are allowed."
        )


def refuse_incremental(selection: SelectionNode) -> None:
    for directive in selection.directives or ():
        if directive.name.value in INCREMENTAL:
            raise GraphQLError(
                f"@{directive.name.value} is not supported: a result comes in one piece.",
                directive,
                extensions={"code": "GRAPHQL_VALIDATION_FAILED"},
            )
