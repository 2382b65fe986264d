"""
Errors as GraphQL clients see them: one table for both faces.

A native refusal keeps its status in ``extensions.status`` and gets a code by
it. What nobody expected is logged with its traceback and answered without
details, debug mode or not.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from graphql import GraphQLError
from rest_framework.exceptions import APIException

from dcrf_graph.exceptions import CallFailed, StreamRefused
from dcrf_graph.graphql.naming import camel
from dcrf_graph.settings import api_settings

SUGGESTION = re.compile(r" Did you mean [^?]*\?")

logger = logging.getLogger(__name__)

INTERNAL = "INTERNAL_SERVER_ERROR"
INTERNAL_MESSAGE = "Internal server error"
BAD_INPUT = "BAD_USER_INPUT"
UNAUTHENTICATED = "UNAUTHENTICATED"
EVENTS_LOST = "EVENTS_LOST"

CODES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: BAD_INPUT,
    HTTPStatus.UNAUTHORIZED: UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: "FORBIDDEN",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    HTTPStatus.CONFLICT: "CONFLICT",
    HTTPStatus.TOO_MANY_REQUESTS: "RATE_LIMITED",
    HTTPStatus.SERVICE_UNAVAILABLE: "SERVICE_UNAVAILABLE",
    HTTPStatus.GATEWAY_TIMEOUT: "EXECUTION_TIMEOUT",
}
"""A native status and its code; any other below 500 is ``BAD_USER_INPUT``."""


def user_in(context: Mapping[str, Any]) -> Any:
    """Who is asking, by the context of an operation: its ``user``, else its scope's."""
    return context["user"] if "user" in context else (context.get("scope") or {}).get("user")


def is_anonymous(user: Any) -> bool:
    """Whether nobody is logged in; a class in place of a user is nobody."""
    return isinstance(user, type) or not getattr(user, "is_authenticated", False)


def code_of(status: int, user: Any) -> str:
    """The code of a native status."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CODES.get(status, INTERNAL)
    if status == HTTPStatus.FORBIDDEN and is_anonymous(user):
        return UNAUTHENTICATED
    return CODES.get(status, BAD_INPUT)


def refusal(status: int, errors: list[Any], user: Any) -> GraphQLError:
    """A native reply's refusal as a GraphQL error.

    Args:
        errors: the reply's, e.g. ``[{"title": ["This field is required."]}]``,
            which becomes ``extensions.fields`` with the names of the inputs.
    """
    extensions: dict[str, Any] = {"code": code_of(status, user), "status": int(status)}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in CODES:
        return GraphQLError(INTERNAL_MESSAGE, extensions=extensions)
    first = errors[0] if errors else None
    if isinstance(first, Mapping):
        extensions["fields"] = outside(first)
    message = "; ".join(messages(errors)) or HTTPStatus(status).phrase
    return GraphQLError(message, extensions=extensions)


def events_lost(status: int, errors: list[Any], gap: Mapping[str, Any]) -> GraphQLError:
    """A native gap as a GraphQL error: the subscription lives, what it shows is to be refetched.

    Args:
        gap: its ``reason`` and how many events are ``missed``, if that is known.
    """
    extensions = {"code": EVENTS_LOST, "status": status, **gap}
    return GraphQLError("; ".join(messages(errors)), extensions=extensions)


def outside(errors: Mapping[Any, Any]) -> dict[str, Any]:
    """Messages by field, with the names that the GraphQL client knows."""
    return {outside_name(str(key)): outside_value(value) for key, value in errors.items()}


def outside_name(key: str) -> str:
    return "id" if key == "pk" else camel(key)


def outside_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return outside(value)
    if isinstance(value, list | tuple):
        return [outside_value(item) for item in value]
    return str(value)


def messages(errors: Any, path: str = "") -> Iterator[str]:
    """Every message, with the field that it is about: ``title: This field is required.``"""
    if isinstance(errors, Mapping):
        for key, value in errors.items():
            name = "" if key in ("detail", "non_field_errors") else outside_name(str(key))
            yield from messages(value, f"{path}.{name}" if path and name else name or path)
    elif isinstance(errors, list | tuple):
        for item in errors:
            yield from messages(item, path)
    else:
        yield f"{path}: {errors}" if path else str(errors)


def stream_refusal(error: StreamRefused, user: Any) -> GraphQLError:
    """The consumer would not let this client connect."""
    return refusal(HTTPStatus.FORBIDDEN, [str(error)], user)


def expected(error: BaseException | None, user: Any) -> GraphQLError | None:
    """What an exception of a user's own resolver says to the client; None if nothing."""
    match error:
        case Http404():
            return refusal(HTTPStatus.NOT_FOUND, ["Not found"], user)
        case PermissionDenied():
            text = str(error) or "You do not have permission to perform this action."
            return refusal(HTTPStatus.FORBIDDEN, [text], user)
        case APIException(detail=detail, status_code=status):
            return refusal(status, list(detail) if isinstance(detail, list) else [detail], user)
        case CallFailed(status=status, errors=errors):
            return refusal(status, errors, user)
        case StreamRefused():
            return stream_refusal(error, user)
        case _:
            return None


def without_suggestions(message: str) -> str:
    """A message of graphql-core's without the names that it suggests, where they are a secret."""
    return message if api_settings.GRAPHQL_INTROSPECTION else SUGGESTION.sub("", message)


def as_client_gets(error: GraphQLError) -> dict[str, Any]:
    result = dict(error.formatted)
    result["message"] = without_suggestions(error.message)
    return result


def formatted(error: GraphQLError, user: Any) -> dict[str, Any]:
    """An error that came up while executing, as the client gets it.

    A ``GraphQLError`` passes as it was raised. DRF's and Django's refusals are
    answered by the table. Anything else is logged and hidden.
    """
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if original is None or isinstance(original, GraphQLError):
        return as_client_gets(error)
    known = expected(original, user)
    if known is None:
        logger.error("Error while resolving %s", error.path, exc_info=original)
        known = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, [], user)
    result = dict(error.formatted)
    result["message"] = known.message
    result["extensions"] = known.extensions
    return result


def rejected(
    error: GraphQLError, code: str, place: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An error that was found before anything was executed, as the client gets it.

    Args:
        place: where a wrong value is: ``path`` and ``fields``.
    """
    result = as_client_gets(error)
    result["extensions"] = {"code": code, **(place or {}), **(error.extensions or {})}
    return result


def internal(error: BaseException) -> dict[str, Any]:
    """Log what nobody expected; the client gets a neutral error."""
    logger.error("Error while executing an operation", exc_info=error)
    return dict(refusal(HTTPStatus.INTERNAL_SERVER_ERROR, [], None).formatted)
