"""The one URL: which protocol is spoken, who may connect, who is asking."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.test import override_settings
from rest_framework.exceptions import APIException, AuthenticationFailed, ValidationError

from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from tests.transports.desk import DeskConsumer, NoteConsumer, desk_router
from tests.transports.sockets import (
    GRAPHQL,
    Client,
    Closed,
    GraphQLClient,
    NativeClient,
    graphql,
    native,
)

pytestmark = pytest.mark.usefixtures("desk", "nothing_left")

ADD = "{ deskAdd(left: 1) }"
SOMEBODY = User(pk=1, username="somebody")


class WhoConsumer(DeskConsumer):
    @action(kind="query")
    async def name(self, **kwargs: Any) -> str:
        return str(self.scope["user"].username)


def who_router(authenticate: Any) -> Router:
    router = Router(authenticate=authenticate)
    router.register("who", WhoConsumer)
    return router


# -- the subprotocol --------------------------------------------------------------------------


async def test_without_a_subprotocol_frames_are_those_of_streams() -> None:
    async with native(desk_router()) as client:
        assert (await client.call("desk", "add", left=1))["data"] == 2


@pytest.mark.parametrize("offered", [[GRAPHQL], ["soap", GRAPHQL]])
async def test_graphql_is_chosen_wherever_it_is_offered(offered: list[str]) -> None:
    async with graphql(desk_router(), subprotocols=offered) as client:
        assert await client.data(ADD) == {"deskAdd": 2}


@pytest.mark.parametrize("offered", [["graphql"], ["soap", "wamp"]])
async def test_another_subprotocol_is_refused_with_what_is_offered(offered: list[str]) -> None:
    client = Client(desk_router().as_asgi(), subprotocols=offered)
    # Accepted first: a browser shows no reason of a handshake that failed.
    assert await client.connect() == {"type": "websocket.accept", "subprotocol": offered[0]}
    closed = await client.closing()
    assert closed.code == 4406
    assert "graphql-transport-ws, graphql-ws" in closed.reason
    assert "native" in closed.reason
    await client.disconnect()


# -- the Origin ---------------------------------------------------------------------------------


async def opened(*origins: bytes) -> bool:
    """Whether a router, and a consumer that is served alone, let a page connect."""
    headers = [(b"host", b"testserver"), *((b"origin", origin) for origin in origins)]
    answers: list[bool] = []
    for application in (desk_router().as_asgi(), NoteConsumer.as_asgi()):
        client = Client(application, headers=headers)
        try:
            answers.append((await client.connect())["type"] == "websocket.accept")
        finally:
            await client.disconnect()
    assert answers[0] == answers[1]
    return answers[0]


async def test_a_client_that_names_no_origin_is_no_browser_and_may_connect() -> None:
    assert await opened()


@pytest.mark.parametrize("origin", [b"http://testserver", b"https://testserver:8443"])
async def test_pages_of_an_allowed_host_may_connect(origin: bytes) -> None:
    assert await opened(origin)


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example",
        b"https://testserver.evil.example",
        b"null",
        b"",
        b"http://[",
        b"http://testserver\xff",
    ],
)
async def test_any_other_page_may_not(origin: bytes) -> None:
    assert not await opened(origin)


async def test_of_two_origins_both_must_be_allowed() -> None:
    assert not await opened(b"https://evil.example", b"http://testserver")


@override_settings(DCRF_GRAPH={"ALLOWED_ORIGINS": ["https://app.example:8443", ".friends.example"]})
async def test_allowed_origins_replace_allowed_hosts() -> None:
    assert await opened(b"https://app.example:8443")
    assert await opened(b"http://one.friends.example")
    assert not await opened(b"https://app.example:port")
    assert not await opened(b"http://app.example:8443")
    assert not await opened(b"http://testserver")


@override_settings(DCRF_GRAPH={"ALLOWED_ORIGINS": ["*"]})
async def test_a_star_lets_every_page_in() -> None:
    assert await opened(b"https://evil.example")


@override_settings(ALLOWED_HOSTS=["*"])
async def test_a_server_of_any_name_lets_in_the_pages_of_the_name_that_was_asked() -> None:
    assert await opened()
    assert await opened(b"https://testserver:8443")
    assert not await opened(b"https://evil.example")
    assert not await opened(b"https://testserver.evil.example")


@override_settings(DEBUG=True, ALLOWED_HOSTS=[])
async def test_while_debugging_pages_of_this_machine_may_connect() -> None:
    assert await opened(b"http://localhost:3000")
    assert await opened(b"http://board.localhost")
    assert not await opened(b"https://evil.example")


async def test_an_http_request_is_a_mistake_in_the_routing() -> None:
    with pytest.raises(ValueError, match="expected a WebSocket"):
        await desk_router().as_asgi()({"type": "http"}, None, None)


# -- who is asking --------------------------------------------------------------------------------


async def test_without_an_authenticator_the_user_is_the_scopes() -> None:
    async with native(who_router(None), user=SOMEBODY) as client:
        assert (await client.call("who", "name"))["data"] == "somebody"
    async with graphql(who_router(None), user=SOMEBODY) as other:
        assert await other.data("{ whoName }") == {"whoName": "somebody"}


async def test_nobody_is_an_anonymous_user() -> None:
    async def authenticate(scope: Mapping[str, Any], payload: Any) -> None:
        return None

    async with graphql(who_router(authenticate)) as client:
        assert await client.data("{ whoName }") == {"whoName": AnonymousUser.username}


async def test_the_payload_of_connection_init_reaches_the_authenticator() -> None:
    async def authenticate(scope: Mapping[str, Any], payload: Any) -> User:
        return User(username=payload["token"])

    client = GraphQLClient(who_router(authenticate).as_asgi())
    await client.connect()
    assert (await client.initialise({"token": "ada"}))["type"] == "connection_ack"
    assert await client.data("{ whoName }") == {"whoName": "ada"}
    await client.disconnect()


class Token:
    """An authenticator that is an object, as some are written."""

    async def __call__(self, scope: Mapping[str, Any], payload: Any) -> User:
        return SOMEBODY


def by_name(scope: Mapping[str, Any], payload: Any) -> User:
    return SOMEBODY


@pytest.mark.parametrize("authenticate", [Token(), Token().__call__, by_name])
async def test_an_authenticator_may_be_any_callable(authenticate: Any) -> None:
    async with graphql(who_router(authenticate)) as client:
        assert await client.data("{ whoName }") == {"whoName": "somebody"}


@override_settings(DCRF_GRAPH={"AUTHENTICATOR": f"{__name__}.by_name"})
async def test_the_setting_names_the_authenticator_of_every_router() -> None:
    async with native(who_router(None)) as client:
        assert (await client.call("who", "name"))["data"] == "somebody"


def failing(error: Exception) -> Any:
    async def authenticate(scope: Mapping[str, Any], payload: Any) -> None:
        raise error

    return authenticate


async def closings(error: Exception) -> tuple[Closed, Closed]:
    """How a native and a GraphQL client are sent away by an authenticator that raises."""
    application = who_router(failing(error)).as_asgi()
    plain = NativeClient(application)
    assert (await plain.connect())["type"] == "websocket.accept"
    first = await plain.closing()
    await plain.disconnect()
    client = GraphQLClient(application)
    await client.connect()
    await client.send({"type": "connection_init"})
    second = await client.closing()
    await client.disconnect()
    return first, second


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AuthenticationFailed("The token has expired."), "The token has expired."),
        (ValidationError({"token": ["Missing."]}), "token: Missing."),
        (DjangoPermissionDenied("Not you."), "Not you."),
        (AuthenticationFailed("Ö" * 100), "Ö" * 61),
    ],
)
async def test_a_refusal_of_the_authenticator_closes_with_4403(
    error: Exception, reason: str
) -> None:
    """A close reason holds 123 bytes, and half a character is none."""
    for closed in await closings(error):
        assert (closed.code, closed.reason) == (4403, reason)


@pytest.mark.parametrize("error", [ValueError("the secret"), APIException("the secret")])
async def test_an_authenticator_that_fails_closes_without_a_word(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    native_closed, graphql_closed = await closings(error)
    assert (native_closed.code, native_closed.reason) == (1011, "Internal server error")
    assert (graphql_closed.code, graphql_closed.reason) == (4500, "Internal server error")
    assert [record.exc_info is not None for record in caplog.records] == [True, True]


# -- the socket ----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed already")])
async def test_a_server_that_cannot_send_any_more_is_no_error(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with native(desk_router()) as plain, graphql(desk_router()) as client:
        plain.failure = client.failure = error
        await plain.ask("desk", "add", left=1)
        await client.start("one", ADD)
    assert not caplog.records


@pytest.mark.parametrize("client_class", [NativeClient, GraphQLClient])
async def test_a_client_that_goes_during_the_handshake_leaves_nothing(
    client_class: type[Client],
) -> None:
    client = client_class(desk_router().as_asgi())
    await client.disconnect()
    client = client_class(desk_router().as_asgi())
    client.failure = OSError("gone")
    opening = asyncio.ensure_future(client.connect())
    await client.disconnect()
    with pytest.raises(Closed):
        await opening


async def test_what_is_open_is_counted() -> None:
    router = desk_router()
    async with native(router), graphql(router):
        assert router.statistics().items() >= {"connections": 2, "tasks": 0}.items()
    assert set(router.statistics().values()) == {0}
