from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path

from dcrf_graph.transports.http_scope import scope_of

seen: list[dict[str, Any]] = []


async def look(request: HttpRequest, board: int) -> HttpResponse:
    seen.append(await scope_of(request))
    return HttpResponse()


urlpatterns = [path("boards/<int:board>/", look)]

pytestmark = pytest.mark.django_db(transaction=True)


async def scope_through(
    client: AsyncClient, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Send a request through the middleware of the project and return the scope it made."""
    with override_settings(ROOT_URLCONF=__name__):
        await client.get("/boards/7/", {"a": "é"}, headers=headers)
    return seen.pop()


async def test_a_scope_has_what_a_consumer_reads_on_a_websocket() -> None:
    client = AsyncClient()
    client.cookies["theme"] = "dark"
    scope = await scope_through(client, headers={"X-Board": "7"})
    assert scope["type"] == "http"
    assert (scope["method"], scope["scheme"], scope["path"]) == ("GET", "http", "/boards/7/")
    assert scope["query_string"] == b"a=%C3%A9"
    assert (b"x-board", b"7") in scope["headers"]
    assert scope["cookies"] == {"theme": "dark"}
    assert scope["url_route"] == {"args": (), "kwargs": {"board": 7}}
    assert scope["client"] == ["127.0.0.1", 0]
    assert scope["server"] == ["127.0.0.1", 80]
    assert scope["subprotocols"] == []


async def test_a_visitor_is_anonymous() -> None:
    scope = await scope_through(AsyncClient())
    assert scope["user"].is_authenticated is False
    assert scope["session"].is_empty()


async def test_the_user_is_loaded_before_asynchronous_code_asks() -> None:
    client = AsyncClient()
    user = await User.objects.acreate(username="ann")
    await client.aforce_login(user)
    scope = await scope_through(client)
    assert scope["user"] == user
    assert scope["session"].session_key


def test_a_scope_is_the_same_under_wsgi() -> None:
    client = Client()
    client.force_login(User.objects.create(username="ann"))
    with override_settings(ROOT_URLCONF=__name__):
        client.get("/boards/7/?a=b", headers={"X-Board": "7"})
    scope = seen.pop()
    assert (scope["type"], scope["path"], scope["query_string"]) == ("http", "/boards/7/", b"a=b")
    assert (b"x-board", b"7") in scope["headers"]
    assert scope["user"].username == "ann"


async def test_without_middleware_there_is_no_session_and_no_user() -> None:
    scope = await scope_of(RequestFactory().get("/"))
    assert {"session", "user", "url_route"}.isdisjoint(scope)


async def test_a_user_set_by_another_middleware_is_kept() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    assert (await scope_of(request))["user"] is request.user
