"""
What a derived selection makes of native data, compiled to one function.

Below a root field everything that is derived is a lookup, so the whole subtree
is known when the document is: keys, scalars, lists, objects. The function that
comes of it gives what graphql-core's execution would give. It knows no errors:
where a value does not fit it raises ``Unplanned``, and graphql-core says what
is wrong. A field that is not derived, an interface or a union has no plan.

Source: docs/decisions/0029-plans-for-derived-selections.md
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
    get_directive_values,
)

from dcrf_graph.graphql.resolvers import Lookup
from dcrf_graph.graphql.scalars import keeps_text
from dcrf_graph.graphql.sharing import is_marked

Complete: TypeAlias = Callable[[Any], Any]
"""Native data of a root field to what GraphQL answers for it."""


class Completing(NamedTuple):
    """A function that completes values; ``plain``: what it gives has a JSON, surely."""

    complete: Complete
    plain: bool


class Unplanned(Exception):
    """There is no plan for a selection, or a value does not fit into it."""


class Selecting:
    """The selections of one document, for one set of variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Any,
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables

    def fields(
        self, bound: GraphQLObjectType, sets: Iterable[SelectionSetNode | None]
    ) -> dict[str, list[FieldNode]]:
        """The fields of an object by the name that they have in the answer, in order.

        Source: GraphQL specification, 6.3.2 CollectFields.
        """
        found: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selections in sets:
            self._collect(bound, selections, found, spread)
        return found

    def _collect(
        self,
        bound: GraphQLObjectType,
        selections: SelectionSetNode | None,
        found: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        for each in () if selections is None else selections.selections:
            if not self.is_included(each):
                continue
            match each:
                case FieldNode():
                    name = each.alias or each.name
                    found.setdefault(name.value, []).append(each)
                case InlineFragmentNode():
                    if self._applies(each.type_condition, bound):
                        self._collect(bound, each.selection_set, found, spread)
                case FragmentSpreadNode():
                    if each.name.value not in spread:
                        spread.add(each.name.value)
                        fragment = self.fragments[each.name.value]
                        if self._applies(fragment.type_condition, bound):
                            self._collect(bound, fragment.selection_set, found, spread)

    def is_included(self, node: Any) -> bool:
        """What ``@skip`` and ``@include`` say of a selection."""
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        if skip is not None and skip["if"] is True:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return include is None or include["if"] is not False

    def _applies(self, condition: Any, bound: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == bound.name:
            return True
        named = self.schema.type_map.get(condition.name.value)
        return isinstance(
            named, GraphQLInterfaceType | GraphQLUnionType
        ) and self.schema.is_sub_type(named, bound)


def compiled(selecting: Selecting, field: GraphQLField, nodes: list[FieldNode]) -> Completing:
    """
    The function that completes the value of a root field.

    Raises:
        Unplanned: where only graphql-core can; the function itself raises it, too.
    """
    writer = Writer(selecting)
    source = f"lambda value: {writer.of_type(field.type, 'value', nodes)}"
    try:
        code = compile(source, "<plan>", "eval")
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise Unplanned(str(error)) from error
    complete: Complete = eval(code, writer.names)
    return Completing(complete, writer.plain)


def no_null() -> Any:
    raise Unplanned("null where there can be none")


def a_list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise Unplanned("no list")
    return value


class Writer:
    """Puts the text of a function together; ``names`` is what the text refers to."""

    def __init__(self, selecting: Selecting) -> None:
        self.selecting = selecting
        self.names: dict[str, Any] = {"no_null": no_null, "a_list": a_list}
        self.plain = True
        self._numbers = itertools.count()

    def of_type(self, bound: Any, read: str, nodes: list[FieldNode]) -> str:
        """The text of a value of a type; ``read`` is the text that reads it."""
        null = "None"
        if isinstance(bound, GraphQLNonNull):
            null, bound = "no_null()", bound.of_type
        value = f"v{next(self._numbers)}"
        match bound:
            case GraphQLList():
                item = f"v{next(self._numbers)}"
                inner = self.of_type(bound.of_type, item, nodes)
                written = f"[{inner} for {item} in a_list({value})]"
            case GraphQLObjectType():
                written = self.of_object(bound, value, nodes)
            case GraphQLEnumType():
                written = self.of_enum(bound, value)
            case GraphQLScalarType():
                written = self.of_scalar(bound, value)
            case _:
                raise Unplanned(f"{bound} is abstract")
        return f"({null} if ({value} := {read}) is None else {written})"

    def of_object(self, bound: GraphQLObjectType, value: str, nodes: list[FieldNode]) -> str:
        if bound.is_type_of is not None:
            raise Unplanned(f"{bound} checks its objects")
        chosen = self.selecting.fields(bound, (node.selection_set for node in nodes))
        items = []
        for key, same in chosen.items():
            name = same[0].name.value
            if name == "__typename":
                items.append(f"{key!r}: {bound.name!r}")
                continue
            field = bound.fields.get(name)
            resolve: Any = None if field is None else field.resolve
            plain = is_marked(resolve) and hasattr(resolve, "lookup")
            if field is None or field.args or not plain:
                raise Unplanned(f"{bound}.{name} is no lookup")
            read = f"{value}.get({resolve.reads!r})"
            if resolve.lookup is Lookup.CHOICE:
                blank = f"v{next(self._numbers)}"
                read = f"(None if ({blank} := {read}) == '' else {blank})"
            items.append(f"{key!r}: {self.of_type(field.type, read, same)}")
        return f"{{{', '.join(items)}}}"

    def of_enum(self, bound: GraphQLEnumType, value: str) -> str:
        texts = {each.value: name for name, each in bound.values.items() if is_text(each.value)}
        known, serialize = self.name(texts), self.name(serializer_of(bound))
        test = f"{value}.__class__ is str and {value} in {known}"
        return f"({known}[{value}] if {test} else {serialize}({value}))"

    def of_scalar(self, bound: GraphQLScalarType, value: str) -> str:
        serialize = f"{self.name(serializer_of(bound))}({value})"
        match bound.name:
            case "String":
                test = f"{value}.__class__ is str"
            case "ID":
                text = f"str({value}) if {value}.__class__ is int else {serialize}"
                return f"({value} if {value}.__class__ is str else {text})"
            case "Int":
                test = f"{value}.__class__ is int and -2147483648 <= {value} <= 2147483647"
            case "Boolean":
                test = f"{value} is True or {value} is False"
            case _ if keeps_text(bound):
                test = f"{value}.__class__ is str"
            case _:
                self.plain = self.plain and bound.name == "Float"
                return serialize
        return f"({value} if {test} else {serialize})"

    def name(self, thing: Any) -> str:
        """A name for something that the text refers to."""
        name = f"n{next(self._numbers)}"
        self.names[name] = thing
        return name


def serializer_of(bound: Any) -> Callable[[Any], Any]:
    """What graphql-core calls to write a leaf; 3.3 has another name for it."""
    serialize: Callable[[Any], Any] = getattr(bound, "coerce_output_value", bound.serialize)
    return serialize


def is_text(value: Any) -> bool:
    return type(value) is str
