"""
What an operation costs, before it runs: Ariadne's cost validation with weights of our own.

A call costs 1, and so does every object; leaves below a root cost nothing. A list multiplies
what is in it: by the page that is asked for, else by the paginator's own, at most by the largest
page there is; a list without pages, at the root or inside of a row, by ``GRAPHQL_LIST_COST``. A
field of the application's own SDL may say what it costs by Ariadne's ``@cost`` directive.

The price depends on the variables, so it is asked for each request; graphql-core's validation of
the document, which does not, is not repeated.

Source: https://ariadne.readthedocs.io (query cost), and docs/decisions/0015-cost-by-pages.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ariadne.validation import cost_validator
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    ValidationContext,
    get_named_type,
    is_composite_type,
    value_from_ast_untyped,
)

from dcrf_graph.configured import configured
from dcrf_graph.graphql.operations import Operation
from dcrf_graph.pagination import largest_page, usual_page
from dcrf_graph.settings import api_settings

Arguments: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Callable[[Arguments], int]
"""How many rows a field answers with at most, by its arguments."""

SIZES = ("first", "last", "limit", "pageSize", "page_size")
"""The arguments by which clients choose how many rows they get."""
ANY_MAP: dict[str, dict[str, Any]] = {"": {}}
"""A map that is not empty, so that Ariadne asks for it; ``Pricing`` answers instead."""
KEPT = 64
"""Prices of one operation that are remembered."""
PAGED = frozenset({"page", "pages", "connection"})


class Costs:
    """The prices of one schema.

    Args:
        operations: the derived root fields; whatever else is in the schema is priced by its type.
    """

    def __init__(self, schema: GraphQLSchema, operations: Iterable[Operation] = ()) -> None:
        self.schema = schema
        roots = {
            "query": schema.query_type,
            "mutation": schema.mutation_type,
            "subscription": schema.subscription_type,
        }
        self.rows: dict[tuple[str, str], Rows] = {}
        # Pages and edges: the call that answers them has been priced by their rows.
        self.wrappers: set[Any] = set()
        for operation in operations:
            root = roots[operation.kind]
            if root is None or (rows := rows_of(operation)) is None:
                continue
            self.rows[root.name, operation.name] = rows
            if operation.shape in PAGED and operation.name in root.fields:
                self.wrappers.update(wrappers_in(root.fields[operation.name].type))
        self._rule: Any = type("Pricing", (Pricing, cost_validator(0, cost_map=ANY_MAP)), {})

    def of(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None = None,
    ) -> int:
        """The price of an operation of a valid document; at least 1 for each of its root fields."""
        # Whatever else they are is refused by the execution.
        sent = variables if isinstance(variables, Mapping) else {}
        given = {**defaults_of(operation), **sent}
        context = ValidationContext(self.schema, document, TypeInfo(self.schema), ignore)
        rule = self._rule(context)
        rule.pricing, rule.variables = self, given
        root = {
            OperationType.QUERY: self.schema.query_type,
            OperationType.MUTATION: self.schema.mutation_type,
            OperationType.SUBSCRIPTION: self.schema.subscription_type,
        }[operation.operation]
        return int(rule.compute_node_cost(operation, root))

    def check(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        prices: dict[Any, int] | None = None,
    ) -> None:
        """
        Compare the price of an operation with ``GRAPHQL_MAX_COST``; None is any price.

        Args:
            prices: where the prices of this one operation are remembered.

        Raises:
            GraphQLError: for one that costs more; ``extensions.cost`` tells both.
        """
        maximum = api_settings.GRAPHQL_MAX_COST
        if maximum is None:
            return
        cost = self.known(document, operation, variables, {} if prices is None else prices)
        if cost > maximum:
            raise GraphQLError(
                f"The operation is too large: it costs {cost}, {maximum} is allowed.",
                operation,
                extensions={"cost": {"requested": cost, "maximum": maximum}},
            )

    def known(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        prices: dict[Any, int],
    ) -> int:
        """The price, remembered for what it may depend on: numbers and conditions."""
        values = variables.items() if isinstance(variables, Mapping) else ()
        if any(isinstance(value, list | dict) for _, value in values):
            return self.of(document, operation, variables)
        numbers = frozenset(item for item in values if isinstance(item[1], int | float))
        weights = (api_settings.GRAPHQL_LIST_COST, api_settings.MAX_PAGE_SIZE)
        key = (numbers, weights)
        if key not in prices:
            if len(prices) >= KEPT:
                prices.clear()
            prices[key] = self.of(document, operation, variables)
        return prices[key]

    def of_field(self, parent: Any, name: str, arguments: Arguments) -> dict[str, Any]:
        """What Ariadne's ``compute_cost`` is told of a field."""
        kind = parent.fields[name].type
        objects = is_composite_type(get_named_type(kind))
        rows = self.rows.get((parent.name, name))
        if rows is not None:
            return {"complexity": 1, "multipliers": [rows(arguments)]}
        if parent in self.wrappers:
            return {"complexity": 0, "multipliers": []}
        each = [int(api_settings.GRAPHQL_LIST_COST)] if objects and is_list(kind) else []
        return {"complexity": int(objects or is_root(self.schema, parent)), "multipliers": each}


class Pricing:
    """Ariadne's rule, asking ``Costs`` for the weight of each field."""

    pricing: Costs

    context: Any
    get_args_from_directives: Callable[..., Any]

    def get_args_from_cost_map(
        self, node: Any, parent_type: str, field_args: dict[str, Any]
    ) -> dict[str, Any] | None:
        """The weight of a field: what its SDL says, else what its type and its page do."""
        parent: Any = self.pricing.schema.get_type(parent_type)
        declared = parent.fields[node.name.value].ast_node
        if declared is not None and declared.directives:
            own: dict[str, Any] | None = self.get_args_from_directives(
                declared.directives, field_args
            )
            if own is not None:
                return own
        return self.pricing.of_field(parent, node.name.value, field_args)


def rows_of(operation: Operation) -> Rows | None:
    """How many rows a derived root field answers; None where it is no list."""
    if operation.shape == "list":
        return lambda arguments: int(api_settings.GRAPHQL_LIST_COST)
    if operation.shape not in PAGED:
        return None
    paginator = configured(operation.consumer, "pagination_class")

    def rows(arguments: Arguments) -> int:
        largest = largest_page(paginator)
        # Variables come as JSON has them: 10.0 is an Int too.
        numbers = (value for name in SIZES if (value := arguments.get(name)) is not None)
        asked = next((int(each) for each in numbers if isinstance(each, int | float)), 0)
        if asked > 0:
            return asked if largest is None else min(asked, largest)
        return usual_page(paginator) or largest or int(api_settings.GRAPHQL_LIST_COST)

    return rows


def defaults_of(operation: OperationDefinitionNode) -> dict[str, Any]:
    """The variables that an operation gives a value itself."""
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }


def is_list(kind: Any) -> bool:
    """Whether a type is a list, null or not."""
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def wrappers_in(kind: Any) -> Iterator[Any]:
    """The type of a page, and of the edges in it."""
    page: Any = get_named_type(kind)
    if is_composite_type(page):
        yield page
        if "edges" in page.fields:
            yield get_named_type(page.fields["edges"].type)


def is_root(schema: GraphQLSchema, parent: Any) -> bool:
    """Whether the fields of a type are calls."""
    return parent in (schema.query_type, schema.mutation_type, schema.subscription_type)


def ignore(error: GraphQLError) -> None:
    """Forget what Ariadne reports: an argument that is wrong is refused by the execution."""
