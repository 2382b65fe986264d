"""Results over time: server-sent events and multipart bodies, and how they end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from dcrf_graph.transports.http import graphql_view
from dcrf_graph.transports.streaming import Body
from tests.transports.http_host import NumberHost
from tests.transports.http_stream import PATIENCE, Exchange, events, parts

SSE = "text/event-stream"
MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
NUMBERS = "subscription { numbers }"
HEARTBEAT = "\r\nContent-Type: application/json\r\n\r\n{}\r\n--graphql"


class Urls:
    """A URL configuration of one view."""

    def __init__(self, host: NumberHost) -> None:
        self.urlpatterns = [path("graphql/", graphql_view(host))]


@pytest.fixture
def host() -> Iterator[NumberHost]:
    host = NumberHost()
    with override_settings(ROOT_URLCONF=Urls(host)):
        yield host


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE)


def following(*numbers: Any) -> list[dict[str, Any]]:
    return [{"data": {"numbers": number}} for number in numbers]


# Server-sent events


async def test_a_subscription_is_a_stream_of_events(host: NumberHost) -> None:
    exchange = Exchange(NUMBERS, SSE)
    status, headers = await exchange.start()
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["vary"].split(", ").count("Accept") == 1
    for event in (1, 2, None):
        host.events.put_nowait(event)
    first, second = following(1, 2)
    assert events(await exchange.rest()) == [("next", first), ("next", second), ("complete", None)]
    assert host.opened[0].closed == 1


async def test_the_headers_come_before_any_event(host: NumberHost) -> None:
    for accept, first in ((SSE, ":\n\n"), (MULTIPART, f"--graphql{HEARTBEAT}")):
        exchange = Exchange(NUMBERS, accept)
        await exchange.start()
        assert await exchange.read(first) == first
        await exchange.leave()


@override_settings(DCRF_GRAPH={"KEEP_ALIVE": 0.001})
async def test_a_quiet_stream_shows_that_it_lives(host: NumberHost) -> None:
    exchange = Exchange(NUMBERS, SSE)
    await exchange.start()
    await exchange.read(":\n\n:\n\n:\n\n")
    host.events.put_nowait(7)
    assert events(await exchange.read("}\n\n"))[-1] == ("next", following(7)[0])
    await exchange.leave()


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_query_is_answered_in_events_where_nothing_else_is_taken(
    host: NumberHost, method: str
) -> None:
    client = AsyncClient()
    if method == "POST":
        body = json.dumps({"query": "{ number }"})
        response = await client.post(
            "/graphql/", body, content_type="application/json", headers={"Accept": SSE}
        )
    else:
        response = await client.get("/graphql/", {"query": "{ number }"}, headers={"Accept": SSE})
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    assert events(response.content.decode()) == [
        ("next", {"data": {"number": 1}}),
        ("complete", None),
    ]


async def test_a_wrong_document_is_an_event_for_who_takes_nothing_else(host: NumberHost) -> None:
    """A browser's EventSource cannot read an answer whose status is an error."""
    exchange = Exchange("subscription { nothing }", SSE)
    assert (await exchange.start())[0] == 200
    [(kind, result), end] = events(await exchange.rest())
    assert (kind, end) == ("next", ("complete", None))
    assert "Cannot query field" in result["errors"][0]["message"]
    assert host.opened == []


async def test_a_refusal_of_the_source_is_the_only_event(host: NumberHost) -> None:
    exchange = Exchange("subscription { refused }", SSE)
    await exchange.start()
    result = {"errors": [{"message": "Not you."}]}
    assert events(await exchange.rest()) == [("next", result), ("complete", None)]
    assert host.opened[0].closed == 1


async def test_a_subscription_by_get_is_what_a_browsers_event_source_asks(
    host: NumberHost,
) -> None:
    host.events.put_nowait(None)
    client = AsyncClient()
    response: Any = await client.get("/graphql/", {"query": NUMBERS}, headers={"Accept": SSE})
    text = "".join([part.decode() async for part in response])
    assert events(text) == [("complete", None)]


# Multipart


async def test_a_subscription_is_a_body_of_parts(host: NumberHost) -> None:
    exchange = Exchange(NUMBERS, MULTIPART)
    status, headers = await exchange.start()
    assert (status, headers["content-type"]) == (200, MULTIPART)
    for event in (1, 2, None):
        host.events.put_nowait(event)
    payloads = [{"payload": result} for result in following(1, 2)]
    assert parts(await exchange.rest()) == [{}, *payloads]


async def test_a_part_is_complete_before_the_next_one_exists(host: NumberHost) -> None:
    """Apollo reads a part when the delimiter after it has come."""
    exchange = Exchange(NUMBERS, MULTIPART)
    await exchange.start()
    await exchange.read(HEARTBEAT)
    host.events.put_nowait(1)
    text = await exchange.read("--graphql")
    assert json.loads(text.split("\r\n\r\n")[1].split("\r\n")[0]) == {"payload": following(1)[0]}
    await exchange.leave()


async def test_errors_are_inside_the_payload(host: NumberHost) -> None:
    exchange = Exchange("subscription { refused }", MULTIPART)
    await exchange.start()
    refused = {"payload": {"errors": [{"message": "Not you."}]}}
    assert parts(await exchange.rest()) == [{}, refused]


async def test_a_query_is_one_part_where_nothing_else_is_taken(host: NumberHost) -> None:
    exchange = Exchange("{ number }", MULTIPART)
    await exchange.start()
    assert parts(await exchange.rest()) == [{}, {"payload": {"data": {"number": 1}}}]


# What is no stream


@pytest.mark.parametrize("accept", [f"{SSE}, application/json", f"{MULTIPART},application/json"])
async def test_a_query_is_answered_with_json_where_json_is_taken(
    host: NumberHost, accept: str
) -> None:
    exchange = Exchange("{ number }", accept)
    assert (await exchange.start())[1]["content-type"] == "application/json; charset=utf-8"
    assert json.loads(await exchange.rest()) == {"data": {"number": 1}}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    ("accept", "status"), [("application/json", 200), ("application/graphql-response+json", 400)]
)
async def test_a_subscription_for_one_document_is_refused(
    host: NumberHost, accept: str, status: int, method: str
) -> None:
    client = AsyncClient()
    if method == "POST":
        body = json.dumps({"query": NUMBERS})
        response = await client.post(
            "/graphql/", body, content_type="application/json", headers={"Accept": accept}
        )
    else:
        query = {"query": NUMBERS}
        response = await client.get("/graphql/", query, headers={"Accept": accept})
    assert response.status_code == status
    [error] = response.json()["errors"]
    assert "text/event-stream or multipart/mixed;subscriptionSpec=1.0" in error["message"]
    assert error["extensions"]["code"] == "NOT_ACCEPTABLE"
    assert host.opened == []


def test_under_wsgi_a_subscription_is_refused_and_a_query_is_not(host: NumberHost) -> None:
    def ask(query: str) -> Any:
        body = json.dumps({"query": query})
        return Client().post(
            "/graphql/", body, content_type="application/json", headers={"Accept": SSE}
        )

    [(_, result), _] = events(ask(NUMBERS).content.decode())
    assert "needs an ASGI server" in result["errors"][0]["message"]
    assert events(ask("{ number }").content.decode())[0] == ("next", {"data": {"number": 1}})


# The end


async def test_a_client_that_goes_ends_the_source_at_once(host: NumberHost) -> None:
    for accept in (SSE, MULTIPART):
        exchange = Exchange(NUMBERS, accept)
        await exchange.start()
        await soon(host.subscribed)
        await exchange.leave()
        await soon(host.unsubscribed)
        assert host.opened[-1].closed == 1
        host.subscribed.clear()
        host.unsubscribed.clear()


async def test_a_client_that_goes_while_an_event_is_sent_ends_the_source(host: NumberHost) -> None:
    exchange = Exchange(NUMBERS, SSE)
    await exchange.start()
    exchange.stop_reading()
    host.events.put_nowait(1)
    await soon(exchange.blocked)
    await exchange.leave()
    await soon(host.unsubscribed)
    await soon(host.opened[0].done)


async def test_a_client_that_goes_before_the_body_begins_has_opened_nothing(
    host: NumberHost,
) -> None:
    exchange = Exchange(NUMBERS, SSE)
    await exchange.leave()
    assert not host.subscribed.is_set()
    assert all(streams.closed for streams in host.opened)


async def test_a_source_that_fails_is_logged_and_ends_the_stream(
    host: NumberHost, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = Exchange(NUMBERS, SSE)
    await exchange.start()
    with caplog.at_level(logging.ERROR, logger="dcrf_graph"):
        host.events.put_nowait(ValueError("the password is 1234"))
        [(kind, result), end] = events(await exchange.rest())
    assert (kind, end) == ("next", ("complete", None))
    assert result["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "1234" not in str(result)
    assert "the password is 1234" in caplog.text
    assert host.opened[0].closed == 1


async def test_a_result_that_has_no_json_ends_the_stream(
    host: NumberHost, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = Exchange(NUMBERS, SSE)
    await exchange.start()
    host.events.put_nowait(object())
    [(_, result), end] = events(await exchange.rest())
    assert result["errors"][0]["message"] == "Internal server error"
    assert end == ("complete", None)
    assert host.unsubscribed.is_set()
    assert caplog.records


def test_closing_a_body_after_its_loop_is_over_is_harmless() -> None:
    async def parts() -> AsyncGenerator[str, None]:
        yield "never read"

    async def begin() -> Body:
        return Body(parts())

    asyncio.run(begin()).close()
