"""
GraphQL over HTTP, as a Django view: POST, GET, and a page for browsers.

One request is one operation on consumers of its own, which are closed when it ends, however it
ends. The view knows HTTP and its host; what an operation does, and who may do it, is the host's.
Results that come in several parts (server-sent events, multipart) would be one more way to answer
beside ``_answer_once``; until then a subscription is refused by the kinds that are ``allowed``.

Posts are protected from other sites by their content type, not by a token
(docs/decisions/0005-csrf-by-content-type.md).

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from dcrf_graph.graphql.errors import expected
from dcrf_graph.graphql.execution import NOT_ALLOWED
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.protocols.frames import encode
from dcrf_graph.settings import api_settings
from dcrf_graph.streams import Streams

from .http_request import (
    GRAPHQL_RESPONSE,
    HTML,
    JSON,
    RequestRefused,
    read_request,
    response_type,
    wants_page,
)
from .http_scope import scope_of

logger = logging.getLogger(__name__)

View: TypeAlias = Callable[..., Coroutine[Any, Any, HttpResponse]]

GET_KINDS = frozenset({"query"})
POST_KINDS = frozenset({"query", "mutation"})

PAGE = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
"""What a browser gets: one file, without anything to load."""


class Host(Protocol):
    """Where requests are carried out; the router supplies one."""

    def streams(self, scope: dict[str, Any]) -> Streams:
        """Make the consumers of this request, none of them connected yet."""

    async def authenticate(self, scope: dict[str, Any], payload: Mapping[str, Any] | None) -> Any:
        """Say who is asking; an ``APIException`` refuses."""

    async def execute(
        self, request: OperationRequest, context: dict[str, Any], *, allowed: Collection[str]
    ) -> dict[str, Any]:
        """Run an operation of an allowed kind; the result of a refused one has no ``data``."""


def graphql_view(host: Host) -> View:
    """
    Make the view that answers GraphQL requests by a host.

    It is asynchronous; Django runs it under ASGI and under WSGI alike. It opens no transaction:
    each action has its own. A client that goes away cancels its operation.
    """

    @csrf_exempt
    @non_atomic_requests
    async def graphql(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if wants_page(request):
            return _varying(HttpResponse(PAGE, content_type=HTML))
        media_type = JSON
        try:
            media_type = response_type(request)
            operation = read_request(request, api_settings.MAX_FRAME_SIZE)
            return await _answer_once(host, request, operation, media_type)
        except RequestRefused as refusal:
            return _response(refusal.as_result(), media_type, refusal.status, refusal.headers)
        except Exception:
            # What an operation meets is answered in its result; this is a fault around it.
            logger.exception("A GraphQL request over HTTP failed")
            failure = RequestRefused(500, "Internal server error", "INTERNAL_SERVER_ERROR")
            return _response(failure.as_result(), media_type, 500, {})

    return graphql


async def _answer_once(
    host: Host, request: HttpRequest, operation: OperationRequest, media_type: str
) -> HttpResponse:
    """Run an operation that has one result, and close its consumers even when cancelled."""
    scope = await scope_of(request)
    user = scope["user"] = await _authenticate(host, scope)
    streams = host.streams(scope)
    try:
        context = {"request": request, "scope": scope, "user": user, "streams": streams}
        allowed = POST_KINDS if request.method == "POST" else GET_KINDS
        result = await host.execute(operation, context, allowed=allowed)
        status, headers = _status_of(result, request, media_type)
        return _response(result, media_type, status, headers)
    finally:
        await streams.close()


async def _authenticate(host: Host, scope: dict[str, Any]) -> Any:
    try:
        return await host.authenticate(scope, None)
    except Exception as error:
        known = expected(error, scope.get("user"))
        if known is None:
            raise
        facts = known.extensions or {}
        raise RequestRefused(facts["status"], known.message, facts["code"]) from error


def _status_of(
    result: dict[str, Any], request: HttpRequest, media_type: str
) -> tuple[int, dict[str, str]]:
    """Give the status of a result, and the headers that belong to it."""
    if "data" in result:
        return 200, {}
    codes = [error.get("extensions", {}).get("code") for error in result["errors"]]
    if request.method != "POST" and NOT_ALLOWED in codes:
        return 405, {"Allow": "POST"}
    # Clients that ask for plain JSON read nothing of an answer whose status is an error.
    return (400 if media_type == GRAPHQL_RESPONSE else 200), {}


def _response(
    result: dict[str, Any], media_type: str, status: int, headers: Mapping[str, str]
) -> HttpResponse:
    response = HttpResponse(encode(result), content_type=media_type, status=status)
    for name, value in headers.items():
        response[name] = value
    return _varying(response)


def _varying(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Accept"])
    return response
