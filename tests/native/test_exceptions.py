"""The tree of exceptions is drawn once and defined once, and both say the same."""

from __future__ import annotations

import inspect
import re

import pytest
from rest_framework.exceptions import APIException

from dcrf_graph import exceptions
from dcrf_graph.exceptions import CallFailed, DcrfGraphError, StreamRefused

DRAWN = re.compile(r"^(?:[├└]── )?(\w+)(?: +(?:(\d{3}): )?.*)?$")


def drawn() -> dict[str, tuple[str | None, int | None]]:
    """Each class of the docstring's drawing, with what it is drawn under and its status."""
    found: dict[str, tuple[str | None, int | None]] = {}
    root: str | None = None
    for line in inspect.getdoc(exceptions).splitlines():  # type: ignore[union-attr]
        match = DRAWN.match(line)
        if match and line.startswith(("├", "└")):
            found[match[1]] = (root, int(match[2]) if match[2] else None)
        elif re.fullmatch(r"\w+", line):
            root = line
    return found


def defined() -> dict[str, type[Exception]]:
    return {
        name: value
        for name, value in vars(exceptions).items()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and value.__module__ == exceptions.__name__
    }


def test_every_exception_is_drawn_under_its_base() -> None:
    bases = {name: value.__bases__[0].__name__ for name, value in defined().items()}
    del bases["DcrfGraphError"]
    assert {name: base for name, (base, _) in drawn().items()} == bases


def test_the_statuses_that_are_drawn_are_those_that_clients_get() -> None:
    for name, (base, status) in drawn().items():
        if base == "APIException":
            assert defined()[name].status_code == status  # type: ignore[attr-defined]


def test_every_exception_belongs_to_one_of_two_trees() -> None:
    for value in defined().values():
        assert issubclass(value, DcrfGraphError) != issubclass(value, APIException)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StreamRefused("cards"), "The stream 'cards' refused the connection."),
        (CallFailed(403, ["No."]), "The call was answered with 403: ['No.']"),
    ],
)
def test_an_error_says_what_has_happened(error: Exception, text: str) -> None:
    assert str(error) == text


def test_errors_keep_their_facts() -> None:
    assert (StreamRefused("cards", 4000).stream, StreamRefused("cards", 4000).code) == (
        "cards",
        4000,
    )
    assert (CallFailed(403, ["No."]).status, CallFailed(403, ["No."]).errors) == (403, ["No."])
