"""
What a client takes as an answer, read from its ``Accept``.

An answer is one JSON document, or a stream of results in one of two forms. A stream is chosen only
where it is named: a wildcard never makes an answer one that does not end. It must not know what is
asked.

Source: https://graphql.github.io/graphql-over-http/draft/#sec-Accept
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.http.request import MediaType

from .explorer import HTML
from .http_refusal import RequestRefused
from .multipart import MultipartMixed
from .sse import ServerSentEvents
from .streaming import Framing

JSON = "application/json; charset=utf-8"
GRAPHQL_RESPONSE = "application/graphql-response+json; charset=utf-8"

DOCUMENTS = (JSON, GRAPHQL_RESPONSE)
"""JSON comes first, because it is what ``*/*`` and a missing header get."""


@dataclass(frozen=True)
class Acceptable:
    """How one client may be answered; at least one of both is there."""

    document: str | None
    """The content type of one JSON document."""

    framing: Framing | None
    """The form of a stream of results."""


def acceptable(request: HttpRequest) -> Acceptable:
    """
    Choose the client's favourites.

    Raises:
        RequestRefused: 406, if the client takes nothing that there is.
    """
    document = request.get_preferred_type(DOCUMENTS)
    found = Acceptable(document, _framing(request))
    if found.document is None and found.framing is None:
        message = (
            "Accept: expected application/graphql-response+json, application/json, "
            "text/event-stream or multipart/mixed;subscriptionSpec=1.0"
        )
        raise RequestRefused(406, message, "NOT_ACCEPTABLE")
    return found


def wants_page(request: HttpRequest) -> bool:
    """Whether a browser has opened the address without asking anything."""
    return (
        request.method in ("GET", "HEAD")
        and "query" not in request.GET
        and "extensions" not in request.GET
        and request.get_preferred_type([*DOCUMENTS, HTML]) == HTML
    )


def _framing(request: HttpRequest) -> Framing | None:
    if request.method == "HEAD":  # whose answer has no body to stream
        return None
    # `accepted_types` begins with the favourite.
    for media_type in request.accepted_types:
        name = f"{media_type.main_type}/{media_type.sub_type}"
        if name == "text/event-stream":
            return ServerSentEvents()
        if name == "multipart/mixed" and _is_subscription_spec(media_type):
            return MultipartMixed()
    return None


def _is_subscription_spec(media_type: MediaType) -> bool:
    # Without the parameter it asks for incremental delivery (@defer), which is something else.
    parameters = {name.lower(): str(value) for name, value in media_type.params.items()}
    return parameters.get("subscriptionspec") == "1.0"
