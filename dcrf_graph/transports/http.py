"""
GraphQL over HTTP, as a Django view: POST, GET, streams of results, and a page for browsers.

One request is one operation on consumers of its own, which are closed when it ends, however it
ends. The view knows HTTP and its host; what an operation does, and who may do it, is the host's.

A query or mutation is answered by one JSON document, and by a stream of one result only if the
client takes nothing else. A subscription is always a stream. Its source is opened while the body is
being sent: whoever goes before has opened nothing, and the client has the headers at once.

Posts are protected from other sites by their content type, not by a token
(docs/decisions/0005-csrf-by-content-type.md). Several operations in one request are a batch, which
a project has to switch on.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping
from contextlib import ExitStack, aclosing
from typing import Any, Protocol, TypeAlias, TypeVar, assert_never

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from graphql import OperationType

from dcrf_graph.admission import admitted
from dcrf_graph.authentication import AUTH_HEADER, Identity
from dcrf_graph.graphql.errors import expected, internal
from dcrf_graph.graphql.execution import (
    NOT_ALLOWED,
    Answered,
    Outcome,
    Prepared,
    Rejected,
    Subscribed,
)
from dcrf_graph.graphql.persisted import ASK_AGAIN
from dcrf_graph.graphql.sharing import Encoded
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.protocols.frames import encode
from dcrf_graph.settings import api_settings
from dcrf_graph.streams import Streams

from . import explorer
from .http_accept import GRAPHQL_RESPONSE, JSON, Acceptable, acceptable, wants_page
from .http_refusal import RequestRefused
from .http_request import RequestLimits, read_request
from .http_scope import scope_of
from .http_sites import check_site
from .http_uploads import is_form
from .streaming import stream, whole
from .watch import Watch

logger = logging.getLogger(__name__)

Result: TypeAlias = dict[str, Any]
Answer = TypeVar("Answer", bound=HttpResponseBase)
View: TypeAlias = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

SUBSCRIPTION = frozenset({OperationType.SUBSCRIPTION})
ONE_RESULT = frozenset({OperationType.QUERY, OperationType.MUTATION})
GET_KINDS = frozenset({OperationType.QUERY})


class Host(Protocol):
    """Where requests are carried out; the router supplies one."""

    def streams(self, scope: dict[str, Any]) -> Streams:
        """Make the consumers of this request, none of them connected yet."""

    async def authenticate(
        self, scope: Mapping[str, Any], payload: Mapping[str, Any] | None
    ) -> Identity:
        """Say who is asking; an ``APIException`` refuses."""

    async def prepare(self, request: OperationRequest) -> Prepared | Rejected:
        """Find the operation that is to run; nothing is executed."""

    async def execute(
        self, prepared: Prepared, context: dict[str, Any], *, allowed: Collection[OperationType]
    ) -> Outcome:
        """Run an operation of an allowed kind."""


def graphql_view(host: Host) -> View:
    """
    Make the view that answers GraphQL requests by a host.

    It is asynchronous; Django runs it under ASGI and, but for subscriptions, under WSGI alike. It
    opens no transaction: each action has its own. A client that goes away cancels its operation.
    """

    @csrf_exempt
    @non_atomic_requests
    async def graphql(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if wants_page(request) and api_settings.GRAPHQL_INTROSPECTION:
            return _varying(explorer.page())
        if (file := explorer.asset(request)) is not None:
            return file
        accepted = Acceptable(JSON, None)
        try:
            accepted = acceptable(request)
            return await _answer(host, request, await _read(request), accepted)
        except RequestRefused as refusal:
            return _refused(refusal, accepted)
        except Exception:
            # What an operation meets is answered in its result; this is a fault around it.
            logger.exception("A GraphQL request over HTTP failed")
            failure = RequestRefused(500, "Internal server error", "INTERNAL_SERVER_ERROR")
            return _refused(failure, accepted)

    return graphql


async def _read(request: HttpRequest) -> OperationRequest | list[OperationRequest]:
    limits = RequestLimits.from_settings()
    if is_form(request):
        return await sync_to_async(read_request, thread_sensitive=False)(request, limits)
    return read_request(request, limits)


async def _answer(
    host: Host,
    request: HttpRequest,
    asked: OperationRequest | list[OperationRequest],
    accepted: Acceptable,
) -> HttpResponseBase:
    scope = await scope_of(request)
    handshake = dict(scope)
    identity = await _authenticate(host, scope)
    check_site(request, identity.user)
    scope.update(user=identity.user, auth=identity.auth)
    context = {"request": request, "scope": scope, "user": identity.user}
    if isinstance(asked, list):
        return await _answer_batch(host, asked, context, accepted)
    prepared = await host.prepare(asked)
    if isinstance(prepared, Rejected):
        return _one(prepared, request, accepted)
    if prepared.kind is OperationType.SUBSCRIPTION:
        refusal = _unstreamable(request, accepted)
        if refusal is not None:
            return _one(refusal, request, accepted)
        assert accepted.framing is not None
        results = _results(host, prepared, context, handshake, identity)
        return _varying(stream(accepted.framing, results, api_settings.KEEP_ALIVE))
    allowed = ONE_RESULT if request.method == "POST" else GET_KINDS
    streams = host.streams(scope)
    try:
        outcome = await host.execute(prepared, {**context, "streams": streams}, allowed=allowed)
    finally:
        await streams.close()
    assert not isinstance(outcome, Subscribed)
    return _one(outcome, request, accepted)


async def _answer_batch(
    host: Host, asked: list[OperationRequest], context: dict[str, Any], accepted: Acceptable
) -> HttpResponse:
    """Run operations one after the other, on the same consumers, and answer with their results."""
    if accepted.document is None:
        message = "Accept: a batch is answered with application/json"
        raise RequestRefused(406, message, "NOT_ACCEPTABLE")
    results = []
    streams = host.streams(context["scope"])
    try:
        for operation in asked:
            outcome: Prepared | Outcome = await host.prepare(operation)
            if isinstance(outcome, Prepared):
                own = {**context, "streams": streams}
                outcome = await host.execute(outcome, own, allowed=ONE_RESULT)
            assert isinstance(outcome, Rejected | Answered)
            results.append(_result_of(outcome))
    finally:
        await streams.close()
    return _document(results, accepted.document, 200)


async def _results(
    host: Host,
    prepared: Prepared,
    context: dict[str, Any],
    handshake: Mapping[str, Any],
    identity: Identity,
) -> AsyncGenerator[Result, None]:
    """The results of a subscription, whose consumers close with the generator."""
    streams = host.streams(context["scope"])
    watch = Watch(context, streams, host.authenticate, handshake)
    admission = ExitStack()
    try:
        admission.enter_context(admitted(context["scope"]))
        await watch.presence.become(identity)
        outcome = await host.execute(
            prepared, {**context, "streams": streams}, allowed=SUBSCRIPTION
        )
        match outcome:
            case Rejected() | Answered():
                yield _result_of(outcome)
            case Subscribed(results=results):
                async with aclosing(watch.until_over(results)) as heard:
                    async for result in heard:
                        yield result
            case _:  # pragma: no cover  (mypy proves that nothing comes here)
                assert_never(outcome)
    except Exception as error:
        known = expected(error, context["user"])
        yield {"errors": [internal(error) if known is None else dict(known.formatted)]}
    finally:
        admission.close()
        await streams.close()


async def _authenticate(host: Host, scope: dict[str, Any]) -> Identity:
    try:
        return await host.authenticate(scope, None)
    except Exception as error:
        known = expected(error, scope.get("user"))
        if known is None:
            raise
        facts = known.extensions or {}
        header = getattr(error, AUTH_HEADER, None)
        headers = None if header is None else {"WWW-Authenticate": header}
        raise RequestRefused(facts["status"], known.message, facts["code"], headers) from error


def _unstreamable(request: HttpRequest, accepted: Acceptable) -> Rejected | None:
    """Why a subscription cannot be answered here, if so."""
    if not isinstance(request, ASGIRequest):
        message = "A subscription over HTTP needs an ASGI server; this one speaks WSGI."
        return Rejected([{"message": message, "extensions": {"code": NOT_ALLOWED}}])
    if accepted.framing is None:
        message = (
            "A subscription is answered as a stream: Accept must name text/event-stream or "
            "multipart/mixed;subscriptionSpec=1.0."
        )
        extensions = {"code": "NOT_ACCEPTABLE", "status": 406}
        return Rejected([{"message": message, "extensions": extensions}])
    return None


def _one(outcome: Rejected | Answered, request: HttpRequest, accepted: Acceptable) -> HttpResponse:
    """Answer with the one result that there is."""
    result = _result_of(outcome)
    if accepted.document is None:
        assert accepted.framing is not None
        body = whole(accepted.framing, result)
        return _varying(HttpResponse(body, content_type=accepted.framing.content_type))
    if isinstance(outcome, Answered):
        return _document(result, accepted.document, 200)
    if request.method != "POST" and outcome.code == NOT_ALLOWED:
        return _document(result, accepted.document, 405, {"Allow": "POST"})
    if outcome.code in ASK_AGAIN:
        # As Apollo's server: no error of the request, and nothing that a cache may keep.
        headers = {"Cache-Control": "private, no-cache, must-revalidate"}
        return _document(result, accepted.document, 200, headers)
    # Clients that ask for plain JSON read nothing of an answer whose status is an error.
    status = 400 if accepted.document == GRAPHQL_RESPONSE else 200
    return _document(result, accepted.document, status)


def _result_of(outcome: Rejected | Answered) -> Result:
    return {"errors": outcome.errors} if isinstance(outcome, Rejected) else outcome.result


def _refused(refusal: RequestRefused, accepted: Acceptable) -> HttpResponse:
    media_type = accepted.document or JSON
    return _document(refusal.as_result(), media_type, refusal.status, refusal.headers)


def _document(
    result: Result | list[Result],
    media_type: str,
    status: int,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    text = result.text if isinstance(result, Encoded) else encode(result)
    response = HttpResponse(text, content_type=media_type, status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return _varying(response)


def _varying(response: Answer) -> Answer:
    patch_vary_headers(response, ["Accept"])
    return response
