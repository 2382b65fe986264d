"""
Documents, parsed and validated once.

Validation costs about eighteen times what executing a small operation does, so
what is valid is kept, per schema and bounded. Documents that are wrong or very
long are not kept.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)

from dcrf_graph.graphql.limits import Limits, check_document_size
from dcrf_graph.graphql.unconditional import conditional_roots
from dcrf_graph.settings import api_settings

MAX_KEPT_LENGTH = 20_000  # characters; a document keeps its text for the places in errors

RULES = tuple(specified_rules)
RULES_WITHOUT_INTROSPECTION = (*RULES, NoSchemaIntrospectionCustomRule)

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
TOO_LARGE = "OPERATION_TOO_LARGE"
OPERATION_UNKNOWN = "OPERATION_RESOLUTION_FAILURE"


class DocumentRefused(Exception):
    """A document that cannot be executed: why, and the code of all its errors.

    ``node`` is the document, where it could be parsed and is not valid.
    """

    def __init__(
        self, errors: list[GraphQLError], code: str, node: DocumentNode | None = None
    ) -> None:
        super().__init__(errors, code)
        self.errors = errors
        self.code = code
        self.node = node


@dataclass(frozen=True, eq=False)
class Document:
    """A valid document of one schema and its operations, in their order.

    ``plans`` and ``derived`` are what was found out about running it; they live as
    long as the document. ``derived`` says of operations, by name, whether they
    reach nothing but derived resolvers.
    """

    node: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    plans: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    derived: dict[str | None, bool] = field(default_factory=dict, repr=False)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run.

        Raises:
            DocumentRefused: when the name is wrong, or missing where there are several.
        """
        if name:
            for operation in self.operations:
                if operation.name is not None and operation.name.value == name:
                    return operation
            refuse(f"The document has no operation named {name!r}.")
        if len(self.operations) > 1:
            refuse("The document has several operations: operationName must say which to run.")
        if not self.operations:
            refuse("The document has no operation.")
        return self.operations[0]


def refuse(message: str) -> None:
    raise DocumentRefused([GraphQLError(message)], OPERATION_UNKNOWN)


class Documents:
    """The documents of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def read(self, text: str) -> Document:
        """Parse, measure and validate; the least recently used one makes room.

        Raises:
            DocumentRefused: with what is wrong.
        """
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        document = self.checked(text)
        if len(text) <= MAX_KEPT_LENGTH:
            self._kept[text] = document
            while len(self._kept) > api_settings.GRAPHQL_DOCUMENT_CACHE_SIZE:
                self._kept.popitem(last=False)
        return document

    def checked(self, text: str) -> Document:
        limits = Limits.from_settings()
        try:
            check_document_size(text)
        except GraphQLError as error:
            raise DocumentRefused([error], TOO_LARGE) from error
        try:
            node = parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLError as error:
            raise DocumentRefused([error], PARSE_FAILED) from error
        if errors := limits.check(node):
            raise DocumentRefused(errors, TOO_LARGE)
        if errors := conditional_roots(node):
            raise DocumentRefused(errors, VALIDATION_FAILED)
        rules = RULES if api_settings.GRAPHQL_INTROSPECTION else RULES_WITHOUT_INTROSPECTION
        if errors := validate(self.schema, node, rules):
            raise DocumentRefused(errors, VALIDATION_FAILED, node)
        operations = tuple(d for d in node.definitions if isinstance(d, OperationDefinitionNode))
        return Document(node, operations)
