"""
What the value of each setting may be: its type and its range, in words and as a question.

Asked when a setting is first read, when a router is served, and by ``manage.py check``.
Whether a dotted path names something, or a file can be read, is found out by whoever
reads the setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What a value may be: in words, after "expected", and as a question."""

    expected: str
    takes: Callable[[Any], bool]

    def or_none(self, meaning: str) -> Kind:
        """The same, or None, which means something of its own."""
        return Kind(
            f"{self.expected}, or None ({meaning})",
            lambda value: value is None or self.takes(value),
        )


def is_number(value: Any) -> bool:
    """Whether it is a number that one can count or wait with; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def whole(least: int) -> Kind:
    """A whole number of at least so much."""
    return Kind(
        f"a whole number of at least {least}",
        lambda value: isinstance(value, int) and is_number(value) and value >= least,
    )


def one_of(*choices: str) -> Kind:
    """One of these words."""
    words = " or ".join(map(repr, choices))
    return Kind(words, lambda value: isinstance(value, str) and value in choices)


def is_named(value: Any) -> bool:
    """Whether it is, or names by a dotted path, a class or a callable."""
    return bool(value) if isinstance(value, str) else callable(value)


def is_list_of(takes: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Asks for a list or a tuple of such values; a text alone is none."""
    return lambda value: isinstance(value, list | tuple) and all(map(takes, value))


def is_text(value: Any) -> bool:
    """Whether it is a text that is not empty."""
    return isinstance(value, str) and bool(value)


ABOVE_ZERO = Kind("a number above 0", lambda value: is_number(value) and value > 0)
NOT_NEGATIVE = Kind("a number of at least 0", lambda value: is_number(value) and value >= 0)
FLAG = Kind("True or False", lambda value: isinstance(value, bool))
NAMED = Kind("a dotted path, or what it names", is_named)
LIST_OF_NAMED = Kind("a list of dotted paths or classes", is_list_of(is_named))
LIST_OF_TEXTS = Kind("a list of texts", is_list_of(is_text))
TEXT = Kind("a text", is_text)

ANY_NUMBER = whole(1).or_none("any number")
ANY_SIZE = whole(1).or_none("no limit")
SOME = whole(1)
SOME_OR_NONE_AT_ALL = whole(0)

KINDS: dict[str, Kind] = {
    "DEFAULT_PAGE_SIZE": whole(1).or_none("no size"),
    "DEFAULT_PERMISSION_CLASSES": LIST_OF_NAMED,
    "DEFAULT_PAGINATION_CLASS": NAMED.or_none("no pages"),
    "PAGE_SIZE": whole(1).or_none("no size"),
    "ROUTER": TEXT.or_none("whichever there are"),
    "DEFAULT_FILTER_BACKENDS": LIST_OF_NAMED,
    "DEFAULT_THROTTLE_CLASSES": LIST_OF_NAMED,
    "AUTHENTICATOR": NAMED.or_none("nobody is asked"),
    "AUTHENTICATION_CLASSES": Kind(
        "a list of dotted paths or classes",
        lambda value: is_named(value) or LIST_OF_NAMED.takes(value),
    ).or_none("nobody is asked"),
    "ALLOWED_ORIGINS": LIST_OF_TEXTS.or_none("ALLOWED_HOSTS"),
    "MAX_PAGE_SIZE": ANY_NUMBER,
    "MAX_FRAME_SIZE": SOME,
    "MAX_CONCURRENT_CALLS": SOME,
    "MAX_PENDING_CALLS": SOME_OR_NONE_AT_ALL,
    "MAX_OPERATIONS": SOME_OR_NONE_AT_ALL,
    "MAX_SUBSCRIPTIONS": SOME_OR_NONE_AT_ALL,
    "MAX_STREAMS": SOME_OR_NONE_AT_ALL,
    "MAX_FRAME_RATE": ABOVE_ZERO.or_none("any number"),
    "MAX_FRAME_BURST": SOME,
    "EXECUTION_TIMEOUT": ABOVE_ZERO.or_none("any time"),
    "DRAIN_TIMEOUT": NOT_NEGATIVE,
    "MAX_CONNECTIONS_PER_USER": ANY_NUMBER,
    "MAX_CONNECTIONS_PER_ADDRESS": ANY_NUMBER,
    "MAX_PENDING_EVENTS": SOME,
    "SLOW_READERS": one_of("end", "drop_oldest", "latest", "disconnect"),
    "MAX_LIVE_ROWS": SOME_OR_NONE_AT_ALL,
    "INIT_TIMEOUT": ABOVE_ZERO,
    "KEEP_ALIVE": ABOVE_ZERO.or_none("no signs of life"),
    "OUTBOX": FLAG,
    "GRAPHQL_CAMEL_CASE": FLAG,
    "GRAPHQL_MAX_TOKENS": ANY_SIZE,
    "GRAPHQL_MAX_DEPTH": ANY_SIZE,
    "GRAPHQL_MAX_FIELDS": ANY_SIZE,
    "GRAPHQL_MAX_ROOT_FIELDS": ANY_SIZE,
    "GRAPHQL_MAX_ALIASES": whole(0).or_none("no limit"),
    "GRAPHQL_MAX_DIRECTIVES": whole(0).or_none("no limit"),
    "GRAPHQL_MAX_DOCUMENT_SIZE": ANY_SIZE,
    "GRAPHQL_MAX_VARIABLES_SIZE": whole(0).or_none("no limit"),
    "GRAPHQL_MAX_COST": ANY_SIZE,
    "GRAPHQL_LIST_COST": SOME,
    "GRAPHQL_INTROSPECTION": FLAG,
    "GRAPHQL_MAX_LINKS": whole(0).or_none("no limit"),
    "GRAPHQL_MAX_ENTITIES": whole(0).or_none("no limit"),
    "GRAPHQL_MAX_BATCH": SOME_OR_NONE_AT_ALL,
    "GRAPHQL_MAX_UPLOADS": SOME_OR_NONE_AT_ALL,
    "GRAPHQL_MAX_UPLOAD_SIZE": SOME_OR_NONE_AT_ALL,
    "GRAPHQL_UPLOAD_HEADERS": LIST_OF_TEXTS,
    "GRAPHQL_PERSISTED_CACHE": TEXT.or_none("none are kept"),
    "GRAPHQL_PERSISTED_TIMEOUT": ABOVE_ZERO.or_none("for ever"),
    "GRAPHQL_ALLOWED_DOCUMENTS": Kind(
        "a mapping of hashes to documents, or the path of such a JSON file",
        lambda value: isinstance(value, Mapping | PathLike) or is_text(value),
    ).or_none("all"),
    "GRAPHQL_DOCUMENT_CACHE_SIZE": SOME_OR_NONE_AT_ALL,
}
"""By the name of the setting; a test compares them with the defaults."""


def complaint(name: str, value: Any) -> str | None:
    """What is wrong with the value of a setting, as a sentence; None if nothing is.

    E.g. ``"expected a number above 0, or None (no signs of life), got 0."``
    """
    kind = KINDS[name]
    return None if kind.takes(value) else f"expected {kind.expected}, got {value!r}."
