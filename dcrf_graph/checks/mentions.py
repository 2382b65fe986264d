"""What the code of consumers and permissions says."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType


def mentions(classes: Iterable[type], words: frozenset[str]) -> bool:
    """Whether a method of one of the classes names, or quotes, one of the words."""
    for cls in classes:
        for member in vars(cls).values():
            function = getattr(member, "__func__", member)
            if not isinstance(function, FunctionType):
                continue
            if not words.isdisjoint(words_in(inspect.unwrap(function).__code__)):
                return True
    return False


def words_in(code: CodeType) -> Iterator[str]:
    """The attributes, globals and strings of code, with the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from words_in(constant)
