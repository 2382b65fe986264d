"""The names and values of this library's settings."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from django.conf import settings
from django.core.checks import CheckMessage

from dcrf_graph.checks.problems import message, problem
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.persisted import allowed_documents
from dcrf_graph.graphql.problems import Problem
from dcrf_graph.setting_values import complaint
from dcrf_graph.settings import DEFAULTS, IMPORT_STRINGS, SOURCES, api_settings

STOPS = "Whoever reads it fails."


def check_settings() -> list[CheckMessage]:
    """Names and values of this library's settings."""
    found = list(malformed()) or [*unknown_names(), *unusable_values()]
    return [message(each) for each in found]


def malformed() -> Iterator[Problem]:
    """Settings that are no mapping."""
    for source in SOURCES:
        value = getattr(settings, source, None) or {}
        if not isinstance(value, Mapping):
            cause = f"it is a {type(value).__name__}, no dictionary."
            yield problem("E102", f"settings > {source}", cause, "", f"{source} = {{...}}")


def usable() -> bool:
    """Whether the settings can be read at all; ``check_settings`` tells if not."""
    if any(malformed()):
        return False
    return all(complaint(name, api_settings.configured(name)[1]) is None for name in DEFAULTS)


def configured_authenticators() -> bool:
    """Whether the settings say who is asked."""
    return configured("AUTHENTICATOR") or configured("AUTHENTICATION_CLASSES")


def configured(name: str) -> bool:
    """Whether a setting is given and not empty, without importing what it names."""
    return any((getattr(settings, source, None) or {}).get(name) for source in SOURCES)


def unknown_names() -> Iterator[Problem]:
    """Names that no setting has, and the one that may be meant."""
    for source in SOURCES:
        for name in getattr(settings, source, None) or {}:
            if name in DEFAULTS:
                continue
            close = difflib.get_close_matches(str(name).upper(), DEFAULTS, n=1)
            remedy = f"Did you mean {close[0]}?" if close else "Remove it."
            place = f"settings > {source} > {name}"
            yield problem("W104", place, "there is no such setting.", "Nothing reads it.", remedy)


def unusable_values() -> Iterator[Problem]:
    """Values of another type or range, and paths that name nothing or cannot be read."""
    wrong = set()
    for name in DEFAULTS:
        source, value = api_settings.configured(name)
        place = f"settings > {source} > {name}"
        if (cause := complaint(name, value)) is not None:
            wrong.add(name)
            yield problem("E102", place, cause, STOPS, f"The default is {DEFAULTS[name]!r}.")
        elif name in IMPORT_STRINGS:
            try:
                getattr(api_settings, name)
            except ImportError as error:
                yield problem("E102", place, f"{error}.", STOPS, "Correct the dotted path.")
    if "GRAPHQL_ALLOWED_DOCUMENTS" in wrong:
        return
    try:
        allowed_documents()
    except ConfigurationError as error:
        place = "settings > DCRF_GRAPH > GRAPHQL_ALLOWED_DOCUMENTS"
        remedy = "Give a mapping of hashes to documents, or the path of such a JSON file."
        yield problem("E102", place, str(error), STOPS, remedy)
