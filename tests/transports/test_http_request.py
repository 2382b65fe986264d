from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.transports.http_refusal import RequestRefused
from dcrf_graph.transports.http_request import RequestLimits, read_request

QUERY = "{ cards { id } }"
REQUESTS = RequestFactory()


def get(**parameters: str) -> HttpRequest:
    return REQUESTS.get("/graphql/", parameters)


def post(body: object, content_type: str = "application/json") -> HttpRequest:
    data = body if isinstance(body, bytes) else json.dumps(body)
    return REQUESTS.post("/graphql/", data, content_type=content_type)


def limits(size: int = 1000, batch: int = 0) -> RequestLimits:
    return replace(RequestLimits.from_settings(), size=size, batch=batch)


def refusal(request: HttpRequest, max_size: int = 1000, batch: int = 0) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        read_request(request, limits(max_size, batch))
    return caught.value


# GET


def test_a_get_carries_its_request_in_the_query_string() -> None:
    request = get(query=QUERY, operationName="A", variables='{"b": 1}', extensions='{"c": 2}')
    assert read_request(request, limits(10)) == OperationRequest(QUERY, "A", {"b": 1}, {"c": 2})


def test_empty_parameters_of_a_get_are_none() -> None:
    request = get(query=QUERY, operationName="", variables="", extensions="null")
    assert read_request(request, limits(10)) == OperationRequest(QUERY)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "query: expected a non-empty string, got nothing"),
        ({"query": QUERY, "variables": "[1]"}, "variables: expected an object or null, got a list"),
        ({"query": QUERY, "variables": "{"}, "variables: expected JSON, got "),
        ({"query": QUERY, "extensions": "NaN"}, "extensions: expected JSON, got NaN"),
    ],
)
def test_wrong_parameters_are_refused_by_name(parameters: dict[str, str], message: str) -> None:
    refused = refusal(get(**parameters))
    assert refused.status == 400
    assert refused.message.startswith(message)


# POST


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=UTF-8", "APPLICATION/JSON"]
)
def test_a_post_carries_its_request_as_json(content_type: str) -> None:
    request = post({"query": QUERY, "operationName": None, "variables": {"b": "é"}}, content_type)
    assert read_request(request, limits()) == OperationRequest(QUERY, None, {"b": "é"})


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/graphql",
        "application/json; charset=utf-16",
        "",
    ],
)
def test_a_post_of_another_type_is_refused_with_415(content_type: str) -> None:
    """A form of another site cannot post JSON."""
    assert refusal(post({"query": QUERY}, content_type)).status == 415


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b" ", "frame: expected JSON"),
        (b"{", "frame: expected JSON"),
        (b"[]", "request: expected an object, got an empty list"),
        (b"\xff", "body: expected UTF-8, got another byte at 0"),
        (b"{}", "query: expected a non-empty string, got nothing"),
        (b'{"query": 1}', "query: expected a non-empty string, got a number"),
        (b'{"query": "{a}", "variables": "b"}', "variables: expected an object or null"),
        (b'{"query": "{a}", "operationName": {}}', "operationName: expected a string or null"),
    ],
)
def test_a_wrong_body_is_refused_by_the_name_of_its_field(body: bytes, message: str) -> None:
    refused = refusal(post(body))
    assert refused.status == 400
    assert refused.message.startswith(message)


def test_a_body_that_is_too_long_is_refused_with_413() -> None:
    assert refusal(post({"query": "x" * 1000}), max_size=1000).status == 413


def test_a_body_of_unknown_length_is_read_up_to_the_limit() -> None:
    body = json.dumps({"query": QUERY}).encode()
    assert read_request(chunked(body), limits(len(body))) == OperationRequest(QUERY)
    assert refusal(chunked(body), len(body) - 1).status == 413


def test_a_form_of_unknown_length_is_refused_with_411() -> None:
    """Django would read nothing of it."""
    assert refusal(chunked(b"--x--", b"multipart/form-data; boundary=x")).status == 411


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10)
def test_the_limit_of_the_project_holds_too() -> None:
    assert refusal(post({"query": QUERY})).status == 413


def test_a_body_that_breaks_off_is_refused_with_400() -> None:
    request = post({"query": QUERY})
    request._stream = BrokenStream()
    assert refusal(request).message == "body: expected the whole body, got a broken connection"


def test_a_form_that_breaks_off_is_refused_with_400() -> None:
    request = REQUESTS.post("/", {"operations": "{}"}, headers={"X-Requested-With": "a page"})
    request._stream = BrokenStream()
    assert refusal(request).message == "body: expected the whole body, got a broken connection"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_another_method_is_refused_with_405(method: str) -> None:
    refused = refusal(REQUESTS.generic(method, "/graphql/"))
    assert refused.status == 405
    assert refused.headers == {"Allow": "GET, POST"}


def test_a_refusal_is_a_graphql_response() -> None:
    refused = RequestRefused(415, "Content-Type: expected application/json", "UNSUPPORTED")
    assert refused.as_result() == {
        "errors": [
            {
                "message": "Content-Type: expected application/json",
                "extensions": {"code": "UNSUPPORTED", "status": 415},
            }
        ]
    }


# Batches


def test_a_batch_is_no_request_where_it_is_not_switched_on() -> None:
    refused = refusal(post([{"query": QUERY}]))
    assert refused.message == "request: expected an object, got a list"


def test_a_batch_is_read_in_its_order() -> None:
    wire = [{"query": "{a}"}, {"query": "{b}"}]
    read = read_request(post(wire), limits(batch=2))
    assert read == [OperationRequest("{a}"), OperationRequest("{b}")]
    assert read_request(post(wire[0]), limits(batch=2)) == OperationRequest("{a}")


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ([], "request: expected 1 to 2 operations, got 0"),
        ([{"query": "{a}"}] * 3, "request: expected 1 to 2 operations, got 3"),
        ([{"query": "{a}"}, 1], "1: expected an object, got a number"),
        ([{"query": "{a}"}, {}], "1.query: expected a non-empty string, got nothing"),
    ],
)
def test_a_wrong_batch_is_refused_as_a_whole(wire: object, message: str) -> None:
    refused = refusal(post(wire), batch=2)
    assert (refused.status, refused.message) == (400, message)


class BrokenStream(BytesIO):
    """A body whose client went away."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("connection reset")


def chunked(body: bytes, content_type: bytes = b"application/json") -> HttpRequest:
    """Make a request without a length, as ASGI servers pass on a chunked one."""
    headers = [(b"content-type", content_type)]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return ASGIRequest(scope, BytesIO(body))
