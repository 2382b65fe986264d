"""
The arguments of an operation: the object's key, the method's parameters, a list's own.

Parameters are typed by their annotations, which the native dispatch checks too.
One that is not annotated takes any JSON, as it does natively.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dcrf_graph.arguments import EMPTY, Argument, arguments_of
from dcrf_graph.graphql import naming
from dcrf_graph.graphql.annotations import is_serializer
from dcrf_graph.graphql.definitions import quoted
from dcrf_graph.graphql.fields import Site, column_type
from dcrf_graph.graphql.lists import backend_arguments, pages_of
from dcrf_graph.graphql.operations import OperationArgument
from dcrf_graph.graphql.problems import refuse
from dcrf_graph.graphql.registered import RegisteredConsumer
from dcrf_graph.graphql.sources import Source, step
from dcrf_graph.graphql.types import Types
from dcrf_graph.live_lists import is_live_list

WITH_LOOKUP = ("retrieve", "update", "patch", "delete", "subscribe_instance")
WITH_DATA = ("create", "update", "patch")
KEYS = ("id", "pk")


def arguments_for(
    registered: RegisteredConsumer, action: str, field: str
) -> tuple[OperationArgument, ...]:
    """The arguments of an action's root field, whose name is ``field``.

    Raises:
        DerivationError: where two have one name, or one is not legal.
    """
    found: dict[str, OperationArgument] = {}
    for argument in all_arguments(registered, action, field):
        place = registered.breadcrumb(action, argument.key or argument.name)
        naming.checked(argument.name, place, "Rename the parameter.")
        if argument.name in found:
            cause = f"two arguments are named {argument.name!r} in GraphQL."
            raise refuse("E001", place, cause, "Rename one of the parameters.")
        found[argument.name] = argument
    return tuple(found.values())


def all_arguments(
    registered: RegisteredConsumer, action: str, field: str
) -> Iterator[OperationArgument]:
    given = arguments_of(registered.consumer, action)
    names = {argument.name for argument in given}
    if registered.generic and action in WITH_LOOKUP and registered.lookup_key not in names:
        yield lookup(registered)
    for argument in given:
        yield parameter(registered, argument, action, field)
    if registered.option(action, "input") is not None and "data" not in names:
        yield data(registered, action)
    if registered.generic and action == "list":
        yield from list_arguments(registered)
    elif is_live_list(registered.consumer, action):
        yield from filter_arguments(registered)


def lookup(registered: RegisteredConsumer) -> OperationArgument:
    """``id: ID!``, or a lookup field of its own name and type."""
    key, model = registered.lookup_key, registered.model
    lookup_field = registered.lookup_field
    if lookup_field == "pk" or (model is not None and lookup_field == model._meta.pk.name):
        return OperationArgument("id", "ID!", key)
    column = None if model is None else step(model, lookup_field).column
    text = "String"
    if column is not None:
        place = registered.breadcrumb(lookup_field)
        site = Site(registered.types, "", lookup_field, "input", place, Source(column=column))
        text = column_type(column, site)
    return OperationArgument(naming.camel(key), f"{text}!", key)


def parameter(
    registered: RegisteredConsumer, argument: Argument, action: str, field: str
) -> OperationArgument:
    """One parameter of the method."""
    writes = registered.generic and action in WITH_DATA
    if argument.name == "data" and (writes or registered.option(action, "input") is not None):
        found = data(registered, action)
        text = found.type if argument.required else found.type.removesuffix("!")
        return replace(found, type=text, description=argument.description)
    if argument.name in KEYS:
        text = "ID!" if argument.required else "ID"
        return OperationArgument("id", text, argument.name, argument.description)
    text, default = "JSON!", None
    if argument.annotation is EMPTY:
        registered.types.problems.report(
            "W004",
            registered.breadcrumb(action, argument.name),
            "the parameter has no annotation that can be read.",
            "In GraphQL it is JSON, and nothing checks what clients send.",
            f"Annotate it: {argument.name}: int.",
        )
    else:
        enum_name = naming.pascal(field) + naming.pascal(argument.name)
        text = registered.annotated(action, "input", enum_name).type_of(argument.annotation)
    if not argument.required:
        text = text.removesuffix("!")
        default = default_text(registered.types, text, argument.default)
    name = naming.camel(argument.name)
    return OperationArgument(name, text, argument.name, argument.description, default)


def data(registered: RegisteredConsumer, action: str) -> OperationArgument:
    """The ``data`` of an action that writes: the input of its serializer."""
    given = registered.option(action, "input")
    serializer = registered.serializer(action) if given is None else given
    if serializer is None:
        return OperationArgument("data", "JSON!", "data")
    if not is_serializer(serializer):
        text = registered.annotated(action, "input").type_of(serializer)
        return OperationArgument("data", text, "data")
    direction: Any = "patch" if action == "patch" else "input"
    name = registered.types.named(serializer, direction, registered.consumer.__name__)
    return OperationArgument("data", f"{name}!", "data")


def default_text(types: Types, text: str, default: Any) -> str | None:
    """A default as SDL, where it can be said; unsaid, the method's own holds."""
    definition = types.definitions.enum(text)
    if definition is not None:
        raw = getattr(default, "value", default)
        return next((value.name for value in definition.values if value.value == raw), None)
    match default:
        case bool():
            return str(default).lower() if text == "Boolean" else None
        case int():
            return str(default) if text in ("Int", "Float", "BigInt") else None
        case float():
            return repr(default) if text == "Float" else None
        case str():
            return quoted(default) if text == "String" else None
        case _:
            return None


def list_arguments(registered: RegisteredConsumer) -> Iterator[OperationArgument]:
    """How to ask a list for a page, and what its filter backends read."""
    consumer = registered.consumer
    pages = pages_of(consumer)
    if pages is not None:
        for a in pages.arguments:
            if pages.in_query:
                yield OperationArgument(a.name, a.type, None, a.description, query=a)
            else:
                yield OperationArgument(a.name, a.type, a.parameter, a.description, skip_null=True)
    yield from filter_arguments(registered)


def filter_arguments(registered: RegisteredConsumer) -> Iterator[OperationArgument]:
    """What a list's filter backends read."""
    for a in backend_arguments(
        registered.types,
        registered.consumer,
        registered.serializer("list"),
        registered.singular,
        registered.breadcrumb("list"),
    ):
        yield OperationArgument(a.name, a.type, None, a.description, query=a)
