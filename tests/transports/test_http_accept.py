from __future__ import annotations

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from dcrf_graph.transports.http_accept import (
    GRAPHQL_RESPONSE,
    JSON,
    acceptable,
    wants_page,
)
from dcrf_graph.transports.http_refusal import RequestRefused

REQUESTS = RequestFactory()
SSE = "text/event-stream; charset=utf-8"
MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, "
    "text/event-stream, multipart/mixed"
)


def asking(accept: str | None, method: str = "GET", query: str = "") -> HttpRequest:
    headers = {} if accept is None else {"Accept": accept}
    return REQUESTS.generic(method, f"/graphql/{query}", headers=headers)


def framing(accept: str, method: str = "GET") -> str | None:
    found = acceptable(asking(accept, method)).framing
    return None if found is None else found.content_type


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL_RESPONSE),
        # Apollo Client 4
        ("application/graphql-response+json,application/json;q=0.9", GRAPHQL_RESPONSE),
        ("application/graphql-response+json, */*", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        (URQL, GRAPHQL_RESPONSE),
        ("text/event-stream, application/json;q=0.1", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("text/event-stream", None),
    ],
)
def test_the_favourite_document_of_the_client_is_chosen(
    accept: str | None, chosen: str | None
) -> None:
    assert acceptable(asking(accept)).document == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("text/event-stream", SSE),
        (URQL, SSE),
        # Apollo Client 4
        (f"{MULTIPART},application/graphql-response+json,application/json;q=0.9", MULTIPART),
        ('multipart/mixed; boundary=graphql; subscriptionSpec="1.0"', MULTIPART),
        (f"text/event-stream;q=0.5, {MULTIPART}", MULTIPART),
        (f"{MULTIPART};q=0.5, text/event-stream", SSE),
        ("application/json", None),
        # A stream has to be asked for by its name.
        ("*/*", None),
        ("application/json, text/*", None),
        ("application/json, text/event-stream;q=0", None),
        # Incremental delivery is something else.
        ("application/json, multipart/mixed;deferSpec=20220824", None),
    ],
)
def test_a_stream_is_chosen_where_it_is_named(accept: str, chosen: str | None) -> None:
    assert framing(accept) == chosen


def test_an_answer_without_a_body_is_no_stream() -> None:
    assert framing(URQL, "HEAD") is None


@pytest.mark.parametrize(
    "accept", ["image/png", "application/json;q=0", "multipart/mixed", "text/event-stream;q=0"]
)
def test_a_client_that_takes_nothing_of_ours_is_refused_with_406(accept: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        acceptable(asking(accept))
    assert caught.value.status == 406


@pytest.mark.parametrize(
    ("method", "query", "accept", "wanted"),
    [
        ("GET", "", "text/html,*/*;q=0.8", True),
        ("HEAD", "", "text/html,*/*;q=0.8", True),
        ("GET", "?query={a}", "text/html,*/*;q=0.8", False),
        ("GET", "?extensions={}", "text/html,*/*;q=0.8", False),
        ("POST", "", "text/html,*/*;q=0.8", False),
        ("GET", "", "*/*", False),
        ("GET", "", "application/json, text/html;q=0.1", False),
    ],
)
def test_a_browser_that_asks_nothing_wants_the_page(
    method: str, query: str, accept: str, wanted: bool
) -> None:
    assert wants_page(asking(accept, method, query)) is wanted
