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
from functools import cache
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


@cache
def only_listens(consumer_class: Any, action: str) -> bool:
    """Whether an action is there to subscribe or unsubscribe an observer, and so only reads.

    Its name does not say so: ``subscribe_to_newsletter`` may write.
    """
    actions: dict[str, str] = consumer_class.available_actions
    method = getattr(consumer_class, actions.get(action, ""), None)
    if method is None:
        return False
    if getattr(getattr(method, "options", None), "subscribes", None) is not None:
        return True
    return bool(subscribed_in(consumer_class, method, frozenset(), ("subscribe", "unsubscribe")))


def subscribed_in(
    consumer_class: type,
    method: Any,
    seen: frozenset[CodeType],
    verbs: tuple[str, ...] = ("subscribe",),
) -> frozenset[BaseObserver]:
    """The observers whose ``subscribe`` (or another of the verbs) a method reaches."""
    code = getattr(inspect.unwrap(method), "__code__", None)
    if code is None or code in seen:
        return frozenset()
    seen = seen | {code}
    found: frozenset[BaseObserver] = frozenset()
    for path in attribute_paths(code):
        owner = getattr(consumer_class, path[0], None)
        if isinstance(owner, BaseObserver) and path[1:] and path[1] in verbs:
            found |= {owner}
        elif getattr(owner, "action", False) is True and len(path) == 1:
            found |= subscribed_in(consumer_class, owner, seen, verbs)
    return found


@cache
def attribute_paths(code: CodeType) -> tuple[tuple[str, ...], ...]:
    """The chains of attributes that a method's code reads off ``self``, nested functions included.

    ``await self.card_activity.subscribe()`` is ``("card_activity", "subscribe")``.
    """
    return tuple(paths_from(code, next(iter(code.co_varnames), "self")))


def paths_from(code: CodeType, self_name: str) -> Iterator[tuple[str, ...]]:
    """The chains that begin at the variable of this name."""
    path: list[str] | None = None
    for instruction in instructions_of(code):
        if loaded_name(instruction) == self_name:
            if path:
                yield tuple(path)
            path = []
        elif instruction.opname in ATTRIBUTE and path is not None:
            path.append(str(instruction.argval))
        else:
            if path:
                yield tuple(path)
            path = None
    if path:
        yield tuple(path)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from paths_from(constant, self_name)


NO_MEANING = frozenset({"CACHE", "EXTENDED_ARG", "NOP", "PRECALL", "PUSH_NULL"})
ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


def instructions_of(code: CodeType) -> Iterator[dis.Instruction]:
    """The instructions of code that say what it does."""
    return (each for each in dis.get_instructions(code) if each.opname not in NO_MEANING)


def loaded_name(instruction: dis.Instruction) -> str | None:
    """The local variable that an instruction puts on top of the stack; None if it puts none.

    From Python 3.13 on one instruction may load two, or store one and load
    another: ``STORE_FAST_LOAD_FAST``; the one on top is named last.
    """
    name, value = instruction.opname, instruction.argval
    if not name.startswith("LOAD_DEREF") and "LOAD_FAST" not in name:
        return None
    return str(value[-1] if isinstance(value, tuple) else value)


def returns_nothing(method: Any) -> bool:
    """Whether every ``return`` of a method returns None, or the reply ``(None, status)``."""
    before: list[dis.Instruction] = []
    for instruction in instructions_of(inspect.unwrap(method).__code__):
        if instruction.opname == "RETURN_CONST":
            if not is_nothing(instruction.argval):
                return False
        elif instruction.opname == "RETURN_VALUE" and not leaves_nothing(before):
            return False
        before.append(instruction)
    return True


def leaves_nothing(code: list[dis.Instruction]) -> bool:
    """Whether code ends in ``None``, ``(None, 204)`` or ``(None, status.HTTP_204_NO_CONTENT)``."""
    last = code[-1]
    if last.opname == "LOAD_CONST":
        return is_nothing(last.argval)
    if last.opname != "BUILD_TUPLE" or last.argval != 2:
        return False
    second = len(code) - 2
    while code[second].opname in ATTRIBUTE:
        second -= 1
    if not code[second].opname.startswith("LOAD_"):
        return False
    first = code[second - 1]
    return first.opname == "LOAD_CONST" and first.argval is None


def is_nothing(value: Any) -> bool:
    """None, or a constant reply without data."""
    return value is None or (isinstance(value, tuple) and len(value) == 2 and value[0] is None)
