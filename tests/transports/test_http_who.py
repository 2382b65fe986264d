"""Who asks over HTTP: the same list, and what other sites cannot make a browser do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient, override_settings
from django.urls import path

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from tests.transports.listeners import Headers, by_jwt, by_session, by_token, reader
from tests.transports.test_nothing_more import CLASSES


class WhoConsumer(AsyncAPIConsumer):
    """Says who asks, and by what."""

    @action(kind="query")
    async def am_i(self, **kwargs: Any) -> dict[str, Any]:
        return {"name": self.scope["user"].get_username(), "auth": str(self.scope.get("auth"))}


router = Router()
router.register("who", WhoConsumer)
urlpatterns = [path("graphql/", router.graphql_view())]

AM_I = "{ whoAmI }"
WRONG = {"authorization": "Token of-nobody"}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("project")]


@pytest.fixture
def project() -> Iterator[None]:
    ours = {"AUTHENTICATION_CLASSES": CLASSES}
    with override_settings(ROOT_URLCONF=__name__, DCRF_GRAPH=ours):
        yield


@pytest.fixture
async def ada() -> User:
    return await database_sync_to_async(reader)()


async def shown(how: Callable[[User], Headers], user: User) -> Headers:
    return await database_sync_to_async(how)(user)


async def over_http(headers: Headers, method: str = "post", **more: str) -> Any:
    client: Any = AsyncClient(enforce_csrf_checks=True)
    given = {"Accept": "application/json", **headers, **more}
    if cookie := given.pop("cookie", ""):
        client.cookies["sessionid"] = cookie.partition("=")[2]
    if method == "get":
        return await client.get("/graphql/", {"query": AM_I}, headers=given)
    body = json.dumps({"query": AM_I})
    return await client.post("/graphql/", body, content_type="application/json", headers=given)


@pytest.mark.parametrize("how", [by_session, by_token, by_jwt])
@pytest.mark.parametrize("method", ["get", "post"])
async def test_what_a_request_brings_is_who_asks(
    method: str, how: Callable[[User], Headers], ada: User
) -> None:
    response = await over_http(await shown(how, ada), method)
    assert response.json()["data"]["whoAmI"]["name"] == "ada"


async def test_who_brings_nothing_is_nobody() -> None:
    assert (await over_http({})).json()["data"]["whoAmI"] == {"name": "", "auth": "None"}


# -- other sites ---------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("how", [by_session, by_token])
async def test_a_page_of_another_site_asks_nothing_by_get(
    how: Callable[[User], Headers], site: str, ada: User
) -> None:
    headers = await shown(how, ada)
    refused = await over_http(headers, "get", **{"Sec-Fetch-Site": site})
    assert refused.status_code == 403
    assert "Apollo-Require-Preflight" in refused.json()["errors"][0]["message"]
    stream = await over_http(
        headers, "get", **{"Sec-Fetch-Site": site, "Accept": "text/event-stream"}
    )
    assert stream.status_code == 403
    for shows in ({"Apollo-Require-Preflight": "1"}, {"Content-Type": "application/json"}):
        allowed = await over_http(headers, "get", **{"Sec-Fetch-Site": site}, **shows)
        assert allowed.json()["data"]["whoAmI"]["name"] == "ada"


@pytest.mark.parametrize(
    "more", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
async def test_a_page_of_ours_and_a_program_ask_by_get(more: dict[str, str], ada: User) -> None:
    response = await over_http(await shown(by_session, ada), "get", **more)
    assert response.json()["data"]["whoAmI"]["name"] == "ada"


async def test_strangers_ask_by_get_from_wherever_they_are() -> None:
    response = await over_http({}, "get", **{"Sec-Fetch-Site": "cross-site"})
    assert response.json()["data"]["whoAmI"]["name"] == ""


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_what_a_form_of_another_site_can_send_is_refused(kind: str, ada: User) -> None:
    client: Any = AsyncClient(enforce_csrf_checks=True)
    cookie = (await shown(by_session, ada))["cookie"]
    client.cookies["sessionid"] = cookie.partition("=")[2]
    response = await client.post("/graphql/", json.dumps({"query": AM_I}), content_type=kind)
    assert response.status_code == 415


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "status", "header"),
    [
        (CLASSES[1:], 401, "Token"),
        (CLASSES[:0:-1], 401, 'Bearer realm="api"'),
        # As DRF: the first that is asked says how to authenticate, and a session does not.
        (CLASSES, 403, None),
    ],
)
async def test_over_http_wrong_credentials_are_told_as_drf_tells_them(
    classes: Any, status: int, header: str | None
) -> None:
    ours = {"AUTHENTICATION_CLASSES": classes}
    with override_settings(DCRF_GRAPH=ours):
        response = await over_http(WRONG)
    assert response.status_code == status
    assert response.headers.get("WWW-Authenticate") == header
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["message"] == "Invalid token."


async def test_what_simplejwt_says_is_told_as_a_sentence() -> None:
    response = await over_http({"authorization": "Bearer of.no.thing"})
    [error] = response.json()["errors"]
    assert error["message"] == "Given token not valid for any token type"
