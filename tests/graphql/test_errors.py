"""One table of errors for both faces."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from ariadne import QueryType
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import override_settings
from graphql import GraphQLError
from rest_framework.exceptions import NotFound, Throttled, ValidationError

from dcrf_graph.exceptions import CallFailed, StreamRefused
from dcrf_graph.graphql.errors import is_anonymous, refusal
from dcrf_graph.graphql.schema import derive
from tests.graphql.doubles import NOBODY, SOMEBODY, Client


@pytest.mark.parametrize(
    ("status", "user", "code"),
    [
        (400, SOMEBODY, "BAD_USER_INPUT"),
        (401, NOBODY, "UNAUTHENTICATED"),
        (403, SOMEBODY, "FORBIDDEN"),
        (403, NOBODY, "UNAUTHENTICATED"),
        (404, NOBODY, "NOT_FOUND"),
        (405, SOMEBODY, "METHOD_NOT_ALLOWED"),
        (409, SOMEBODY, "CONFLICT"),
        (413, SOMEBODY, "BAD_USER_INPUT"),
        (429, SOMEBODY, "RATE_LIMITED"),
        (500, SOMEBODY, "INTERNAL_SERVER_ERROR"),
        (502, NOBODY, "INTERNAL_SERVER_ERROR"),
    ],
)
def test_a_native_status_has_its_code(status: int, user: Any, code: str) -> None:
    error = refusal(status, ["Because."], user)
    assert error.extensions == {"code": code, "status": status}
    assert error.message == ("Internal server error" if status >= 500 else "Because.")


def test_a_server_that_is_going_says_so() -> None:
    error = refusal(503, ["The server restarts."], NOBODY)
    assert error.extensions == {"code": "SERVICE_UNAVAILABLE", "status": 503}
    assert error.message == "The server restarts."


def test_fields_have_the_names_of_the_inputs() -> None:
    error = refusal(
        400,
        [
            {
                "due_date": ["Wrong format."],
                "label_ids": {"0": ["No such label."]},
                "non_field_errors": ["Nonsense."],
                "pk": ["Required."],
            }
        ],
        SOMEBODY,
    )
    assert error.extensions is not None
    assert error.extensions["fields"] == {
        "dueDate": ["Wrong format."],
        "labelIds": {"0": ["No such label."]},
        "nonFieldErrors": ["Nonsense."],
        "id": ["Required."],
    }
    assert error.message == (
        "dueDate: Wrong format.; labelIds.0: No such label.; Nonsense.; id: Required."
    )


def test_a_refusal_without_words_has_those_of_its_status() -> None:
    assert refusal(404, [], NOBODY).message == "Not Found"


def test_a_class_in_place_of_a_user_is_nobody() -> None:
    """`AnonymousUser` itself has a truthy `is_authenticated`."""
    assert is_anonymous(type(NOBODY))
    assert is_anonymous(None)
    assert not is_anonymous(SOMEBODY)


# -- what own resolvers raise ---------------------------------------------------------------


async def errors_of(raised: Exception) -> list[dict[str, Any]]:
    query = QueryType()

    @query.field("it")
    def resolve_it(*_: Any) -> None:
        raise raised

    client = Client(derive([], "type Query { it: Int }", [query]))
    client.user = SOMEBODY
    result = await client.result("{ it }")
    assert result["data"] == {"it": None}
    errors: list[dict[str, Any]] = result["errors"]
    return errors


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (NotFound("Gone."), "NOT_FOUND", "Gone."),
        (ValidationError({"a_b": ["Bad."]}), "BAD_USER_INPUT", "aB: Bad."),
        (ValidationError("Bad."), "BAD_USER_INPUT", "Bad."),
        (Throttled(), "RATE_LIMITED", "Request was throttled."),
        (Http404("secret"), "NOT_FOUND", "Not found"),
        (PermissionDenied("No."), "FORBIDDEN", "No."),
        (CallFailed(404, ["Gone."]), "NOT_FOUND", "Gone."),
        (StreamRefused("cards"), "FORBIDDEN", "The stream 'cards' refused the connection."),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_refusals_of_django_and_drf_are_told(
    raised: Exception, code: str, message: str
) -> None:
    (error,) = await errors_of(raised)
    assert (error["extensions"]["code"], error["message"]) == (code, message)


async def test_a_graphql_error_passes_as_it_was_raised() -> None:
    (error,) = await errors_of(GraphQLError("Mine.", extensions={"code": "MY_OWN"}))
    assert (error["message"], error["extensions"]) == ("Mine.", {"code": "MY_OWN"})


@pytest.mark.parametrize("debug", [True, False])
async def test_anything_unexpected_is_logged_and_hidden(
    debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(DEBUG=debug), caplog.at_level(logging.ERROR):
        (error,) = await errors_of(RuntimeError("the password is 1234"))
    assert error["message"] == "Internal server error"
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "status": 500}
    assert error["path"] == ["it"]
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "1234" in str(record.exc_info[1])
