"""
Which observer an action subscribes.

``@action(subscribes=...)`` says it. Without it the link is read from the
method's code: the observers on which it, a function inside it, or another
action that it calls, calls ``subscribe``. One observer, and an action that
returns nothing else, is a link; anything less clear is none.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any

from dcrf_graph.observer.base_observer import BaseObserver


def observed_by(consumer_class: type, action: str) -> BaseObserver | None:
    """
    The observer that an action subscribes; None where it subscribes none, or it is not clear which.

    Raises:
        KeyError: if the consumer has no such action.
        LookupError: if ``subscribes=`` names no observer of the consumer.
    """
    actions: dict[str, str] = consumer_class.available_actions  # type: ignore[attr-defined]
    method = getattr(consumer_class, actions[action])
    declared = getattr(getattr(method, "options", None), "subscribes", None)
    if isinstance(declared, BaseObserver):
        return declared
    if declared is not None:
        found = getattr(consumer_class, str(declared), None)
        if not isinstance(found, BaseObserver):
            raise LookupError(
                f"{consumer_class.__name__}.{actions[action]} subscribes {declared!r}, "
                "which is no observer of this consumer."
            )
        return found
    observers = subscribed_in(consumer_class, method, frozenset())
    return next(iter(observers)) if len(observers) == 1 and returns_nothing(method) else None


def subscribed_in(
    consumer_class: type, method: Any, seen: frozenset[CodeType]
) -> frozenset[BaseObserver]:
    """The observers whose ``subscribe`` a method reaches."""
    code = getattr(inspect.unwrap(method), "__code__", None)
    if code is None or code in seen:
        return frozenset()
    seen = seen | {code}
    found: frozenset[BaseObserver] = frozenset()
    for path in attribute_paths(code):
        owner = getattr(consumer_class, path[0], None)
        if isinstance(owner, BaseObserver) and path[1:2] == ("subscribe",):
            found |= {owner}
        elif getattr(owner, "action", False) is True and len(path) == 1:
            found |= subscribed_in(consumer_class, owner, seen)
    return found


def attribute_paths(code: CodeType) -> Iterator[tuple[str, ...]]:
    """The chains of attributes that code reads off ``self``, nested functions included.

    ``await self.card_activity.subscribe()`` is ``("card_activity", "subscribe")``.
    """
    path: list[str] | None = None
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name.startswith(("LOAD_FAST", "LOAD_DEREF")) and instruction.argval == "self":
            if path:
                yield tuple(path)
            path = []
        elif name in ("LOAD_ATTR", "LOAD_METHOD") and path is not None:
            path.append(str(instruction.argval))
        elif path is not None and name not in ("CACHE", "EXTENDED_ARG", "PUSH_NULL", "PRECALL"):
            if path:
                yield tuple(path)
            path = None
    if path:
        yield tuple(path)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from attribute_paths(constant)


def returns_nothing(method: Any) -> bool:
    """Whether every ``return`` of a method returns None, or the reply ``(None, status)``."""
    code = inspect.unwrap(method).__code__
    before = ("", None)
    for instruction in dis.get_instructions(code):
        if instruction.opname == "RETURN_CONST":
            if not is_nothing(instruction.argval):
                return False
        elif instruction.opname == "RETURN_VALUE" and (
            before[0] not in ("LOAD_CONST", "RETURN_GENERATOR") or not is_nothing(before[1])
        ):
            return False
        before = (instruction.opname, instruction.argval)
    return True


def is_nothing(value: Any) -> bool:
    """None, or a constant reply without data."""
    return value is None or (isinstance(value, tuple) and len(value) == 2 and value[0] is None)
