"""
The arguments of an action: read from its signature, checked before it runs.

What a client sends arrives as JSON. Where a parameter is annotated with a type
that JSON or a string can express, the value is checked and converted by the DRF
field of that type, so the messages are the ones that serializers give; where it
is not annotated, the value arrives as it was sent, as upstream does. GraphQL
arguments are derived from the same list. Which field checks what is in
``argument_fields``.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from rest_framework.exceptions import ValidationError

from dcrf_graph.argument_fields import REQUIRED as REQUIRED
from dcrf_graph.argument_fields import UNEXPECTED, asks_database, converted
from dcrf_graph.argument_inputs import check
from dcrf_graph.calls import RESERVED_ARGUMENTS
from dcrf_graph.docstrings import parameters as described

EMPTY = inspect.Parameter.empty
RESERVED = "This argument is reserved."


@dataclass(frozen=True)
class Argument:
    """One parameter of an action that a client may pass.

    ``annotation`` and ``default`` are ``inspect.Parameter.empty`` where the
    signature has none; ``description`` is what the docstring says of it.
    """

    name: str
    annotation: Any
    required: bool
    default: Any
    description: str = ""


@dataclass(frozen=True)
class Signature:
    """What an action takes: its arguments, which of the library's own, and any others or not.

    ``blocking``: checking the arguments may query the database. ``input``: what ``data`` is
    checked against before, by ``@action(input=...)``; ``partial``: it may lack what is required.
    """

    arguments: tuple[Argument, ...]
    takes: frozenset[str]
    open_ended: bool
    blocking: bool
    input: Any = None
    partial: bool = False


def arguments_of(consumer_class: type, action: str) -> tuple[Argument, ...]:
    """The arguments of an action, in the order of its signature.

    Raises:
        KeyError: if the consumer has no such action.
    """
    actions: Mapping[str, str] = consumer_class.available_actions  # type: ignore[attr-defined]
    return signature_of(getattr(consumer_class, actions[action])).arguments


@cache
def signature_of(function: Callable[..., Any]) -> Signature:
    """Read an action's signature once; ``self`` and the library's own parameters are left out."""
    hints = annotations_of(function)
    texts = described(inspect.unwrap(function).__doc__)
    parameters = list(inspect.signature(function).parameters.values())
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    arguments = tuple(
        Argument(
            name=parameter.name,
            annotation=hints.get(parameter.name, EMPTY),
            required=parameter.default is EMPTY,
            default=parameter.default,
            description=texts.get(parameter.name, ""),
        )
        for parameter in parameters
        if parameter.kind in named and parameter.name not in RESERVED_ARGUMENTS
    )
    options = getattr(function, "options", None)
    declared = getattr(options, "input", None)
    if any(each.name == "data" and each.annotation == declared for each in arguments):
        declared = None  # it is read by the annotation
    return Signature(
        arguments=arguments,
        takes=frozenset(p.name for p in parameters if p.kind in named),
        open_ended=any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters),
        blocking=any(map(asks_database, (declared, *(each.annotation for each in arguments)))),
        input=declared,
        partial=getattr(options, "name", None) == "patch",
    )


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The resolved annotations of a function; the raw ones where a name cannot be resolved."""
    plain = inspect.unwrap(function)
    try:
        return typing.get_type_hints(plain)
    except (NameError, TypeError):
        raw = getattr(plain, "__annotations__", {})
        return {name: value for name, value in raw.items() if not isinstance(value, str)}


def bind(function: Callable[..., Any], arguments: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    """Check and convert what a client sent, and add the library's own arguments.

    Args:
        arguments: as decoded from the frame, e.g. ``{"pk": "7", "column": 2}``.
        own: ``action`` and ``request_id``, passed where the signature takes them.

    Raises:
        ValidationError: with one list of messages per argument; nothing has run.
    """
    signature = signature_of(function)
    bound: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    known = set()
    for argument in signature.arguments:
        known.add(argument.name)
        if argument.name not in arguments:
            if argument.required:
                errors[argument.name] = [REQUIRED]
            continue
        value = arguments[argument.name]
        try:
            null = value is None and argument.default is None
            bound[argument.name] = None if null else converted(argument.annotation, value)
        except ValidationError as error:
            errors[argument.name] = error.detail
    if signature.input is not None:
        errors |= wrong_data(signature, arguments)
    for name in arguments.keys() - known:
        if signature.open_ended:
            bound[name] = arguments[name]
        else:
            errors[name] = [UNEXPECTED]
    if errors:
        raise ValidationError(errors)
    for name, value in own.items():
        if signature.open_ended or name in signature.takes:
            bound[name] = value
    return bound


def wrong_data(signature: Signature, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with ``data``, by what ``@action(input=...)`` declares: nothing if empty.

    A serializer's errors are told as ``create`` and ``update`` tell theirs: by its own fields.
    """
    default = next((each.default for each in signature.arguments if each.name == "data"), EMPTY)
    if "data" not in arguments:
        return {"data": [REQUIRED]} if default is EMPTY else {}
    value = arguments["data"]
    if value is None and default is None:
        return {}
    try:
        check(signature.input, value, partial=signature.partial)
    except ValidationError as error:
        if isinstance(error.detail, dict) and not isinstance(value, list):
            return error.detail
        return {"data": error.detail}
    return {}


def refuse(arguments: Mapping[str, Any], *reserved: str) -> None:
    """Let no client pass what an action passes to its hooks itself.

    Raises:
        ValidationError: with the names that were passed all the same.
    """
    if passed := [name for name in reserved if name in arguments]:
        raise ValidationError({name: [RESERVED] for name in passed})
