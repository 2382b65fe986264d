"""
What an operation selects, in native keys: ``{"title": None, "labels": {"name": None}}``.

It travels beside a captured call, never in its arguments, and is a hint: the
reply may hold more. It names everything that any derived resolver might look
up. A resolver that is not derived may look at the whole object, so where one is
selected the object comes whole. Fragments count whatever their type condition,
fields whatever ``@skip`` and ``@include`` say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)

from dcrf_graph.graphql.sharing import is_marked
from dcrf_graph.loading.representation import Selection


def selection_of(info: GraphQLResolveInfo, path: Sequence[str] = ()) -> Selection | None:
    """What is selected of the rows that a root field answers; None where it may be all.

    ``path`` are the fields that lead from the answer to its rows, as named in the schema.
    """
    nodes: list[FieldNode] = list(info.field_nodes)
    bound: Any = get_named_type(info.return_type)
    for name in path:
        nodes = [node for node in fields_of(nodes, info) if node.name.value == name]
        if not isinstance(bound, GraphQLObjectType) or name not in bound.fields:
            return None
        bound = get_named_type(bound.fields[name].type)
    return of_type(bound, nodes, info)


def of_type(bound: Any, nodes: Iterable[FieldNode], info: GraphQLResolveInfo) -> Selection | None:
    if not isinstance(bound, GraphQLObjectType):
        # Which type an object of an interface or union has is read off the object.
        return None
    keys: dict[str, Selection | None] = {}
    below: dict[str, list[FieldNode]] = {}
    for node in fields_of(nodes, info):
        if node.name.value != "__typename":
            below.setdefault(node.name.value, []).append(node)
    for name, same in below.items():
        field = bound.fields.get(name)
        # What is put around a derived resolver may look at more than that does.
        derived = field is not None and is_marked(field.resolve)
        key = getattr(field.resolve, "reads", None) if field is not None and derived else None
        if field is None or key is None:
            return None
        inside = of_type(get_named_type(field.type), same, info)
        # Two fields may read one key; then both parts of it are wanted.
        keys[key] = merged(keys[key], inside) if key in keys else inside
    return keys


def merged(one: Selection | None, other: Selection | None) -> Selection | None:
    if one is None or other is None:
        return None
    both = {**one, **other}
    return {
        key: merged(one[key], other[key]) if key in one and key in other else both[key]
        for key in both
    }


def fields_of(nodes: Iterable[FieldNode], info: GraphQLResolveInfo) -> Iterator[FieldNode]:
    """The fields that are selected of what these fields answer, fragments expanded."""
    for node in nodes:
        yield from expanded(node.selection_set, info)


def expanded(selections: SelectionSetNode | None, info: GraphQLResolveInfo) -> Iterator[FieldNode]:
    for each in () if selections is None else selections.selections:
        match each:
            case FieldNode():
                yield each
            case InlineFragmentNode():
                yield from expanded(each.selection_set, info)
            case FragmentSpreadNode():
                yield from expanded(info.fragments[each.name.value].selection_set, info)
