"""
From registered consumers to a bound schema.

The SDL is the source: it is written from the operations and types, a user's own
SDL is appended, and Ariadne binds both. The same consumers give the same text,
on every run and every Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ariadne import SchemaBindable, make_executable_schema
from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLSchema,
    ObjectTypeExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    parse,
)

from dcrf_graph.graphql import scalars
from dcrf_graph.graphql.definitions import (
    ArgumentDefinition,
    Definition,
    FieldDefinition,
    TypeDefinition,
    sdl_text,
)
from dcrf_graph.graphql.derivation import derive_operations
from dcrf_graph.graphql.federation import (
    DerivedReferences,
    entities,
    link,
    make_subgraph,
    with_directives,
)
from dcrf_graph.graphql.links import DerivedLinks
from dcrf_graph.graphql.nodes import DerivedNodes, claim_node, nodes_of, with_nodes
from dcrf_graph.graphql.operations import Kind, Operation, Registered
from dcrf_graph.graphql.polymorphic import DerivedVariants
from dcrf_graph.graphql.problems import Problem, refuse
from dcrf_graph.graphql.resolvers import DerivedRoots, DerivedTypes
from dcrf_graph.graphql.types import Types

KINDS: tuple[Kind, ...] = ("query", "mutation", "subscription")
ROOTS = {kind: kind.capitalize() for kind in KINDS}
EMPTY_QUERY = FieldDefinition(
    "_empty",
    "Boolean",
    "_empty",
    "Always null. GraphQL asks for at least one query, and no consumer offers one.",
)


@dataclass(frozen=True)
class Derived:
    """A derived schema.

    ``sdl`` is its text with the user's own at the end; ``definitions`` are the
    derived types, whose native keys are not in the text; ``problems`` is what
    could not be derived.
    """

    sdl: str
    schema: GraphQLSchema
    operations: tuple[Operation, ...]
    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...] = ()


def derive(
    registrations: Iterable[Registered],
    type_defs: str | Sequence[str] = (),
    bindables: Sequence[Any] = (),
    directives: Mapping[str, Any] | None = None,
    federation: bool = False,
) -> Derived:
    """Derive the schema of registered consumers.

    Args:
        type_defs: SDL of your own; it may extend derived types and roots.
        bindables: Ariadne's, for it; they are bound last, so they may also
            replace a derived resolver.
        directives: Ariadne's ``SchemaDirectiveVisitor`` classes, by the name of
            the directive that the given SDL defines.
        federation: make it a subgraph; see ``dcrf_graph.graphql.federation``.

    Raises:
        DerivationError: where a name is not legal or wanted twice, or the
            given SDL does not fit; it says where and what to do.
    """
    registrations = tuple(registrations)
    types = Types(registrations)
    operations = derive_operations(registrations, types)
    types.finish()
    own = [type_defs] if isinstance(type_defs, str) else list(type_defs)
    own_document = read_own(own)
    refuse_unvisited(own_document, directives or {})
    for root in root_types(operations, own_document):
        types.definitions.add(root)
    defined = names_defined(own_document)
    for name in used_scalars(types.definitions, own):
        if name not in defined:
            types.definitions.add(scalars.definition(name))
    nodes = nodes_of(registrations, operations, types)
    if nodes.retrieves:
        claim_node(types, federation=federation)
    definitions = tuple(sorted(with_nodes(types.definitions, nodes), key=roots_first))
    keyed = entities(operations, definitions) if federation else {}
    if federation:
        definitions = tuple(with_directives(definitions, keyed))
        own = [link(own), *own]
    sdl = "\n".join([sdl_text(definitions), *(text.strip() + "\n" for text in own)])
    present = {definition.name for definition in definitions}
    keys = {
        definition.name: definition.keys_always_there()
        for definition in definitions
        if isinstance(definition, TypeDefinition)
    }
    names = {
        definition.name: definition.names_by_column()
        for definition in definitions
        if isinstance(definition, TypeDefinition)
    }
    bound: list[SchemaBindable] = [
        DerivedTypes(d for d in definitions if d.name not in ROOTS.values()),
        DerivedVariants(definitions),
        DerivedLinks(definitions, types.links),
        DerivedRoots(operations, keys, names),
        DerivedReferences(keyed),
        *([DerivedNodes(nodes, operations, definitions)] if nodes.retrieves else ()),
        *(scalar for name, scalar in scalars.bindables().items() if name in present),
    ]
    make = make_subgraph if federation else make_executable_schema
    schema = executable(make, sdl, [*bound, *bindables], directives)
    return Derived(sdl, schema, operations, definitions, tuple(types.problems))


def executable(
    make: Callable[..., GraphQLSchema],
    sdl: str,
    bindables: Sequence[Any],
    directives: Mapping[str, Any] | None,
) -> GraphQLSchema:
    """The schema of the text, bound; ``make`` is one of Ariadne's two ways to make it."""
    visitors = None if directives is None else dict(directives)
    try:
        schema = make(sdl, *bindables, directives=visitors)
    except (GraphQLError, TypeError, ValueError) as error:
        remedy = "Check the router's type_defs and bindables."
        raise refuse("E005", "Router", f"the schema cannot be built: {error}", remedy) from error
    accept_enum_variables(schema)
    return schema


def accept_enum_variables(schema: GraphQLSchema) -> None:
    """Let enums be given as variables.

    Ariadne 1.1.1 replaces ``parse_value`` of every enum by a function of one argument, and
    graphql-core 3.2.14 passes a second one (whether to hide suggestions).
    """
    for named in schema.type_map.values():
        if isinstance(named, GraphQLEnumType):
            parse_value: Any = named.parse_value
            named.parse_value = one_argument(parse_value)  # type: ignore[method-assign]


def one_argument(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def call(value: Any, *rest: Any) -> Any:
        return function(value)

    return call


def read_own(type_defs: Sequence[str]) -> DocumentNode | None:
    """Parse the user's SDL."""
    if not any(text.strip() for text in type_defs):
        return None
    try:
        return parse("\n\n".join(type_defs))
    except GraphQLError as error:
        raise refuse("E005", "Router", f"its type_defs are no SDL: {error}", "") from error


def refuse_unvisited(document: DocumentNode | None, directives: Mapping[str, Any]) -> None:
    """Refuse directives where Ariadne would not visit them: a guard there would guard nothing."""
    for node in () if document is None else document.definitions:
        if isinstance(node, TypeExtensionNode):
            for directive in node.directives or ():
                if directive.name.value in directives:
                    where = f"@{directive.name.value} on an extension of {node.name.value}"
                    cause = f"{where} is not visited by Ariadne."
                    remedy = "Put it on fields, or wrap the resolvers by a bindable."
                    raise refuse("E005", "Router", cause, remedy)


def names_defined(document: DocumentNode | None) -> frozenset[str]:
    """The types that the user's SDL defines."""
    definitions = () if document is None else document.definitions
    return frozenset(d.name.value for d in definitions if isinstance(d, TypeDefinitionNode))


def root_types(
    operations: Sequence[Operation], own: DocumentNode | None
) -> Iterator[TypeDefinition]:
    """Query, Mutation and Subscription, as far as there are operations.

    A root that only the user's SDL extends is there too, without fields: there
    is nothing else to extend.
    """
    extended = {
        d.name.value
        for d in (() if own is None else own.definitions)
        if isinstance(d, ObjectTypeExtensionNode)
    }
    defined = names_defined(own)
    for kind, name in ROOTS.items():
        fields = tuple(root_field(o) for o in operations if o.kind == kind)
        if not fields and kind == "query" and name not in extended | defined:
            fields = (EMPTY_QUERY,)
        if fields or name in extended - defined:
            yield TypeDefinition("type", name, fields)


def root_field(operation: Operation) -> FieldDefinition:
    return FieldDefinition(
        operation.name,
        operation.result,
        operation.name,
        operation.description,
        tuple(
            ArgumentDefinition(a.name, a.type, a.description, a.default)
            for a in operation.arguments
        ),
        operation.deprecated,
    )


def used_scalars(definitions: Iterable[Definition], own: Sequence[str]) -> list[str]:
    """The library's scalars that any type mentions."""
    mentioned = set(re.findall(r"\w+", " ".join(own)))
    for definition in definitions:
        if isinstance(definition, TypeDefinition):
            for field in definition.fields:
                texts = [field.type, *(argument.type for argument in field.arguments)]
                mentioned.update(re.findall(r"\w+", " ".join(texts)))
    return sorted(mentioned & scalars.DESCRIPTIONS.keys())


def roots_first(definition: Definition) -> tuple[int, int]:
    """Sorts the roots before the types, which stay in their order."""
    names = list(ROOTS.values())
    return (0, names.index(definition.name)) if definition.name in names else (1, 0)
