"""
From an HTTP request to the GraphQL request in it, or to the reason why there is none.

The parameters and the status codes of GraphQL over HTTP. It must not know how an operation is run,
nor how it is answered. Types of parameters are checked by the same rules as on a WebSocket.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.protocols.frames import InvalidMessage, decode
from dcrf_graph.protocols.messages import operation_request

METHODS = ("GET", "POST")
"""What ``Allow`` names; HEAD is a GET whose body the server leaves out."""


class RequestRefused(Exception):
    """No GraphQL request can be made of this: the status and the headers that say so."""

    def __init__(
        self, status: int, message: str, code: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}

    def as_result(self) -> dict[str, Any]:
        """Say it in the shape of a GraphQL response."""
        extensions = {"code": self.code, "status": self.status}
        return {"errors": [{"message": self.message, "extensions": extensions}]}


def read_request(request: HttpRequest, max_size: int) -> OperationRequest:
    """
    Read the GraphQL request, whose document is neither parsed nor validated yet.

    Args:
        max_size: bytes of the body that are read at most.

    Raises:
        RequestRefused: 400, 405, 413 or 415.
    """
    try:
        if request.method in ("GET", "HEAD"):
            return operation_request(_parameters(request), "")
        if request.method == "POST":
            _check_content_type(request)
            return operation_request(decode(_body(request, max_size)), "")
    except InvalidMessage as error:
        raise RequestRefused(400, str(error), "BAD_REQUEST") from error
    message = f"method: expected GET or POST, got {request.method}"
    raise RequestRefused(405, message, "METHOD_NOT_ALLOWED", {"Allow": ", ".join(METHODS)})


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
        message = f"Content-Type: expected application/json, got {got}"
        raise RequestRefused(415, message, "UNSUPPORTED_MEDIA_TYPE")
    charset = (request.content_params or {}).get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        message = f"Content-Type: expected charset=utf-8, got charset={charset}"
        raise RequestRefused(415, message, "UNSUPPORTED_MEDIA_TYPE")


def _body(request: HttpRequest, max_size: int) -> str:
    """Read the body without ever holding more than the limit (and one byte)."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    too_long = RequestRefused(
        413, f"body: expected at most {max_size} bytes, got more", "PAYLOAD_TOO_LARGE"
    )
    if length.isdecimal() and int(length) > max_size:
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
