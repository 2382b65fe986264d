from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import AsyncClient, AsyncRequestFactory, Client, override_settings
from django.urls import path
from graphql import OperationType

from dcrf_graph.authentication import Identity
from dcrf_graph.graphql.execution import Outcome, Prepared
from dcrf_graph.transports import explorer
from dcrf_graph.transports.http import graphql_view
from tests.transports.http_host import NumberHost

GRAPHQL_RESPONSE = "application/graphql-response+json"
URL = "/graphql/"


class Urls:
    """A URL configuration of one view."""

    def __init__(self, host: NumberHost) -> None:
        self.urlpatterns = [path("graphql/", graphql_view(host))]


@pytest.fixture
def host() -> Iterator[NumberHost]:
    host = NumberHost()
    with override_settings(ROOT_URLCONF=Urls(host)):
        yield host


@pytest.fixture
def client(host: NumberHost) -> AsyncClient:
    """A client of the whole Django stack, with its CSRF protection on."""
    return AsyncClient(enforce_csrf_checks=True)


async def post(
    client: AsyncClient, query: str, accept: str = "application/json", **wire: Any
) -> Any:
    body = json.dumps({"query": query, **wire})
    return await client.post(URL, body, content_type="application/json", headers={"Accept": accept})


async def get(
    client: AsyncClient, query: str, accept: str = "application/json", **parameters: str
) -> Any:
    return await client.get(URL, {"query": query, **parameters}, headers={"Accept": accept})


def body(response: Any) -> dict[str, Any]:
    wire: dict[str, Any] = json.loads(response.content)
    return wire


async def test_a_query_is_answered_by_post_and_by_get(client: AsyncClient) -> None:
    for ask in (post, get):
        response = await ask(client, "{ number }")
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json; charset=utf-8"
        assert body(response) == {"data": {"number": 1}}


async def test_a_mutation_is_run_by_post(client: AsyncClient, host: NumberHost) -> None:
    """Without a CSRF token, as every stock client sends it."""
    response = await post(client, "mutation { set(number: 5) }")
    assert body(response) == {"data": {"set": 5}}
    assert host.number == 5


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL_RESPONSE])
async def test_a_mutation_by_get_is_refused_with_405(
    client: AsyncClient, host: NumberHost, accept: str
) -> None:
    response = await get(client, "mutation { set(number: 5) }", accept)
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert "mutation" in body(response)["errors"][0]["message"]
    assert host.number == 1


async def test_a_form_of_another_site_changes_nothing(
    client: AsyncClient, host: NumberHost
) -> None:
    form = {"query": "mutation { set(number: 5) }"}
    text = json.dumps(form)
    assert (await client.post(URL, form)).status_code == 403
    assert (await client.post(URL, text, content_type="text/plain")).status_code == 415
    assert host.number == 1


@pytest.mark.parametrize(
    "query", ["{ number", "{ nothing }", "query A { number } query B { number }", "{ plus }"]
)
async def test_a_request_error_is_400_for_who_knows_the_media_type_and_200_for_others(
    client: AsyncClient, query: str
) -> None:
    for accept, status in (("application/json", 200), (GRAPHQL_RESPONSE, 400)):
        response = await post(client, query, accept)
        assert response.status_code == status
        assert response["Content-Type"] == f"{accept}; charset=utf-8"
        assert body(response)["errors"]
        assert "data" not in body(response)


async def test_an_error_while_executing_is_answered_with_200(client: AsyncClient) -> None:
    response = await post(client, "{ number broken }", GRAPHQL_RESPONSE)
    assert response.status_code == 200
    assert body(response)["data"] == {"number": 1, "broken": None}
    assert body(response)["errors"][0]["path"] == ["broken"]


async def test_variables_and_the_name_of_the_operation_are_passed_on(client: AsyncClient) -> None:
    document = "query A { number } query B($a: Int!) { plus(amount: $a) }"
    response = await post(client, document, operationName="B", variables={"a": 2})
    assert body(response) == {"data": {"plus": 3}}
    response = await get(client, document, operationName="B", variables='{"a": 3}')
    assert body(response) == {"data": {"plus": 4}}


async def test_a_get_may_name_a_content_type_without_having_a_body(client: AsyncClient) -> None:
    """Apollo's do."""
    headers = {"Content-Type": "application/json"}
    response = await client.get(URL, {"query": "{ number }"}, headers=headers)
    assert body(response) == {"data": {"number": 1}}


async def test_a_client_that_takes_nothing_of_ours_is_refused_with_406(
    client: AsyncClient,
) -> None:
    response = await post(client, "{ number }", "image/png")
    assert response.status_code == 406
    assert body(response)["errors"][0]["extensions"] == {"code": "NOT_ACCEPTABLE", "status": 406}


async def test_another_method_is_refused_with_405(client: AsyncClient) -> None:
    response = await client.put(URL)
    assert response.status_code == 405
    assert response["Allow"] == "GET, POST"


async def test_a_body_over_the_limit_is_refused_with_413(client: AsyncClient) -> None:
    with override_settings(DCRF_GRAPH={"MAX_FRAME_SIZE": 20}):
        response = await post(client, "{ number }")
    assert response.status_code == 413


async def test_caches_keep_the_media_types_apart(client: AsyncClient) -> None:
    assert "Accept" in (await get(client, "{ number }"))["Vary"]


async def test_a_browser_gets_a_page_that_loads_nothing(client: AsyncClient) -> None:
    response = await client.get(URL, headers={"Accept": "text/html,*/*;q=0.8"})
    page = response.content.decode()
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "graphql" in page.lower()
    assert "://" not in page


async def test_the_files_of_the_page_come_from_the_same_address(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "react.js").write_text("// React")
    monkeypatch.setattr(explorer, "ASSETS", tmp_path)
    response = await client.get(URL, {"asset": "react.js"})
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert (await client.get(URL, {"asset": "other.js"})).status_code == 400


# Batches


async def test_a_batch_is_answered_in_its_order_on_the_same_consumers(
    client: AsyncClient, host: NumberHost
) -> None:
    documents = [
        "mutation { set(number: 5) }",
        "{ number }",
        "{ nothing }",
        "subscription { numbers }",
    ]
    wire = json.dumps([{"query": document} for document in documents])
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_BATCH": 4}):
        response = await client.post(URL, wire, content_type="application/json")
    assert response.status_code == 200
    first, second, third, fourth = json.loads(response.content)
    assert (first, second) == ({"data": {"set": 5}}, {"data": {"number": 5}})
    assert "data" not in third
    assert fourth["errors"][0]["message"] == "A subscription is not allowed."
    assert [streams.closed for streams in host.opened] == [1]


async def test_a_batch_is_refused_unless_a_project_wants_it(
    client: AsyncClient, host: NumberHost
) -> None:
    wire = json.dumps([{"query": "mutation { set(number: 5) }"}])
    response = await client.post(URL, wire, content_type="application/json")
    assert response.status_code == 400
    assert host.number == 1


async def test_a_batch_of_one_too_many_is_refused_and_nothing_of_it_run(
    client: AsyncClient, host: NumberHost
) -> None:
    wire = json.dumps([{"query": "mutation { set(number: 5) }"}] * 5)
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_BATCH": 4}):
        response = await client.post(URL, wire, content_type="application/json")
    assert response.status_code == 400
    assert host.number == 1
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_BATCH": 5}):
        response = await client.post(URL, wire, content_type="application/json")
    assert (response.status_code, host.number) == (200, 5)


@override_settings(DCRF_GRAPH={"GRAPHQL_MAX_BATCH": 4})
async def test_a_batch_is_no_stream(client: AsyncClient) -> None:
    wire = json.dumps([{"query": "{ number }"}])
    headers = {"Accept": "text/event-stream"}
    response = await client.post(URL, wire, content_type="application/json", headers=headers)
    assert response.status_code == 406


# Who asks


async def test_the_consumers_get_the_scope_of_the_request(
    client: AsyncClient, host: NumberHost
) -> None:
    assert body(await post(client, "{ path user }")) == {
        "data": {"path": URL, "user": "AnonymousUser"}
    }
    assert host.context["streams"] is host.opened[-1]
    assert host.context["request"].path == URL


async def test_a_refused_client_gets_the_status_of_the_refusal(
    client: AsyncClient, host: NumberHost
) -> None:
    response = await client.get(URL, {"query": "{ number }"}, headers={"Authorization": "expired"})
    assert response.status_code == 401
    assert body(response)["errors"] == [
        {
            "message": "The token has expired.",
            "extensions": {"code": "UNAUTHENTICATED", "status": 401},
        }
    ]
    assert host.opened == []


# The end of a request


async def test_each_request_has_consumers_of_its_own_and_closes_them(
    client: AsyncClient, host: NumberHost
) -> None:
    await post(client, "{ number }")
    await post(client, "mutation { set(number: 5) }")
    await post(client, "{ nothing }")
    assert [streams.closed for streams in host.opened] == [1, 1]


class FailingHost(NumberHost):
    async def execute(
        self, prepared: Prepared, context: dict[str, Any], *, allowed: Collection[OperationType]
    ) -> Outcome:
        raise RuntimeError("the password is 1234")


async def test_a_fault_of_the_server_is_logged_and_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = FailingHost()
    request = AsyncRequestFactory().get(URL, {"query": "{ number }"})
    with caplog.at_level(logging.ERROR, logger="dcrf_graph"):
        response: Any = await graphql_view(host)(request)
    assert response.status_code == 500
    assert body(response)["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert b"1234" not in response.content
    assert "the password is 1234" in caplog.text
    assert host.opened[0].closed == 1


class BrokenAuthentication(NumberHost):
    async def authenticate(
        self, scope: Mapping[str, Any], payload: Mapping[str, Any] | None
    ) -> Identity:
        raise LookupError("no such table")


async def test_a_fault_of_the_authentication_is_a_fault_of_the_server() -> None:
    host = BrokenAuthentication()
    request = AsyncRequestFactory().get(URL, {"query": "{ number }"})
    response: Any = await graphql_view(host)(request)
    assert response.status_code == 500
    assert b"no such table" not in response.content
    assert host.opened == []


class WaitingHost(NumberHost):
    def __init__(self) -> None:
        super().__init__()
        self.waiting = asyncio.Event()

    async def execute(
        self, prepared: Prepared, context: dict[str, Any], *, allowed: Collection[OperationType]
    ) -> Outcome:
        self.waiting.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


async def test_a_client_that_goes_away_leaves_nothing_open() -> None:
    host = WaitingHost()
    request = AsyncRequestFactory().get(URL, {"query": "{ number }"})
    answering = asyncio.ensure_future(graphql_view(host)(request))
    await host.waiting.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert host.opened[0].closed == 1


# The other way to run Django


@pytest.mark.django_db(transaction=True)
def test_the_view_runs_under_wsgi_and_with_atomic_requests(host: NumberHost) -> None:
    """Its actions have transactions of their own."""
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        text = json.dumps({"query": "mutation { set(number: 5) }"})
        response = Client().post(URL, text, content_type="application/json")
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert json.loads(response.content) == {"data": {"set": 5}}
