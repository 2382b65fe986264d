"""
From an HTTP request to the GraphQL request in it, or to the reason why there is none.

The parameters and the status codes of GraphQL over HTTP. It must not know how an operation is run,
nor how it is answered. Types of parameters are checked by the same rules as on a WebSocket.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.protocols.frames import InvalidMessage, decode
from dcrf_graph.protocols.messages import operation_request
from dcrf_graph.settings import api_settings

from .http_refusal import RequestRefused, too_large
from .http_uploads import UploadLimits, is_form, read_upload

METHODS = ("GET", "POST")
"""What ``Allow`` names; HEAD is a GET whose body the server leaves out."""


@dataclass(frozen=True)
class RequestLimits:
    """What one request may be."""

    size: int
    """Bytes of a body without files."""

    batch: int
    """Operations in one body; 0 is one that is no list."""

    uploads: UploadLimits

    @classmethod
    def from_settings(cls) -> RequestLimits:
        """As the project has them."""
        size = api_settings.MAX_FRAME_SIZE
        uploads = UploadLimits(
            size=api_settings.GRAPHQL_MAX_UPLOAD_SIZE,
            files=api_settings.GRAPHQL_MAX_UPLOADS,
            operations_size=size,
            headers=tuple(api_settings.GRAPHQL_UPLOAD_HEADERS),
        )
        return cls(size, api_settings.GRAPHQL_MAX_BATCH, uploads)


def read_request(
    request: HttpRequest, limits: RequestLimits
) -> OperationRequest | list[OperationRequest]:
    """
    Read the GraphQL request, or the batch of them, whose documents are not parsed yet.

    A form (``is_form``) may bring files, which are written to disk: read it in a thread.

    Raises:
        RequestRefused: 400, 403, 405, 411, 413 or 415.
    """
    try:
        if request.method in ("GET", "HEAD"):
            return operation_request(_parameters(request), "")
        if request.method == "POST":
            if is_form(request):
                return _requests(read_upload(request, limits.uploads), limits.batch)
            _check_content_type(request)
            return _requests(decode(_body(request, limits.size)), limits.batch)
    except InvalidMessage as error:
        raise RequestRefused(400, str(error), "BAD_REQUEST") from error
    message = f"method: expected GET or POST, got {request.method}"
    raise RequestRefused(405, message, "METHOD_NOT_ALLOWED", {"Allow": ", ".join(METHODS)})


def _requests(wire: object, limit: int) -> OperationRequest | list[OperationRequest]:
    if not isinstance(wire, list) or limit == 0:
        return operation_request(wire, "")
    if not 0 < len(wire) <= limit:
        raise InvalidMessage("request", f"1 to {limit} operations", str(len(wire)))
    return [operation_request(each, str(place)) for place, each in enumerate(wire)]


def _parameters(request: HttpRequest) -> dict[str, object]:
    """Read a query string: ``?query={a}&operationName=A&variables={"b":1}``."""
    wire: dict[str, object] = {}
    for name in ("query", "operationName"):
        if value := request.GET.get(name):
            wire[name] = value
    for name in ("variables", "extensions"):
        if value := request.GET.get(name):
            try:
                wire[name] = decode(value)
            except InvalidMessage as error:
                raise InvalidMessage(name, error.expected, error.got) from error
    return wire


def _check_content_type(request: HttpRequest) -> None:
    # This is also what keeps forms of other sites out:
    # docs/decisions/0005-csrf-by-content-type.md
    if request.content_type != "application/json":
        got = request.content_type or "nothing"
        message = f"Content-Type: expected application/json or multipart/form-data, got {got}"
        raise RequestRefused(415, message, "UNSUPPORTED_MEDIA_TYPE")
    charset = (request.content_params or {}).get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        message = f"Content-Type: expected charset=utf-8, got charset={charset}"
        raise RequestRefused(415, message, "UNSUPPORTED_MEDIA_TYPE")


def _body(request: HttpRequest, max_size: int) -> str:
    """Read the body without ever holding more than the limit (and one byte)."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    too_long = too_large("body", f"at most {max_size} bytes", "more")
    if length and not (length.isascii() and length.isdecimal()):
        raise InvalidMessage("Content-Length", "a number", "something else")
    if length and int(length) > max_size:
        raise too_long
    try:
        # A chunked body has no length. `body` stays readable for middleware, `read` does not.
        body = request.body if length else request.read(max_size + 1)
    except RequestDataTooBig:  # DATA_UPLOAD_MAX_MEMORY_SIZE of the project is the lower limit
        raise too_long from None
    except UnreadablePostError as error:
        raise InvalidMessage("body", "the whole body", "a broken connection") from error
    if len(body) > max_size:
        raise too_long
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidMessage("body", "UTF-8", f"another byte at {error.start}") from None
