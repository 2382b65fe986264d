"""One list of authenticators: the same credentials are the same user on every transport."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ariadne import QueryType
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import path
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import AccessToken

from dcrf_graph.authentication import Identity
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from tests.transports.desk import Gate
from tests.transports.listeners import (
    GraphQL,
    Headers,
    Legacy,
    Native,
    Single,
    SocketListener,
    by_jwt,
    by_session,
    by_token,
    make_note,
    reader,
)
from tests.transports.listeners import router as notes
from tests.transports.sockets import soon, turns
from tests.transports.test_nothing_more import CLASSES


class WhoConsumer(AsyncAPIConsumer):
    """Says who asks, and by what."""

    gate: Gate

    @action(kind="query")
    async def am_i(self, **kwargs: Any) -> dict[str, Any]:
        return {"name": self.scope["user"].get_username(), "auth": str(self.scope.get("auth"))}

    @action()
    async def wait(self, **kwargs: Any) -> str:
        await self.gate.pass_through()
        return "waited"


query = QueryType()


@query.field("users")
def users(_: Any, info: Any) -> list[str]:
    """Whom a resolver finds."""
    return [user.get_username() for user in (info.context["user"], info.context["scope"]["user"])]


router = Router(type_defs="extend type Query { users: [String!]! }", bindables=[query])
router.register("who", WhoConsumer)
urlpatterns = [
    path("graphql/", router.graphql_view()),
    path("notes/", notes.graphql_view()),
]

AM_I = "{ whoAmI }"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("desk", "nothing_left", "project"),
]


@pytest.fixture
def project() -> Iterator[None]:
    ours = {"AUTHENTICATION_CLASSES": CLASSES, "KEEP_ALIVE": None}
    with override_settings(ROOT_URLCONF=__name__, DCRF_GRAPH=ours):
        yield


@pytest.fixture
async def ada() -> User:
    return await database_sync_to_async(reader)()


async def shown(how: Callable[[User], Headers], user: User) -> Headers:
    return await database_sync_to_async(how)(user)


# -- asking on each transport ------------------------------------------------------------------


class Asking(SocketListener):
    """Opens the socket of ``router`` and asks who it is."""

    def application(self) -> Any:
        return router.as_asgi()


class AskingNatively(Asking, Native):
    def wrapped(self, payload: Any) -> Any:
        return {"stream": "who", "payload": payload}

    async def name_of_user(self) -> str:
        await self.client.send(self.wrapped({"action": "am_i", "request_id": 1}))
        return str(self.payload(await self.client.frame())["data"]["name"])

    async def begin(self) -> None:
        await self.connect()


class AskingAlone(AskingNatively):
    def application(self) -> Any:
        return WhoConsumer.as_asgi()

    def wrapped(self, payload: Any) -> Any:
        return payload

    def payload(self, frame: Any) -> Any:
        return frame


class AskingInGraphQL(Asking, GraphQL):
    async def begin(self) -> None:
        await self.connect()
        assert (await self.introduce())["type"] == "connection_ack"

    async def name_of_user(self) -> str:
        return str((await self.data(AM_I))["whoAmI"]["name"])

    async def data(self, query: str) -> Any:
        await self.client.send({"type": self.start, "id": "1", "payload": {"query": query}})
        result, _ = await self.client.frames(2)
        return result["payload"]["data"]


class AskingInLegacy(AskingInGraphQL, Legacy):
    pass


ASKING: list[type[Any]] = [AskingNatively, AskingAlone, AskingInGraphQL, AskingInLegacy]


@asynccontextmanager
async def open_socket(kind: type[Any], headers: Headers) -> AsyncIterator[Any]:
    asker = kind(headers)
    try:
        await asker.begin()
        yield asker
    finally:
        await asker.leave()


@pytest.mark.parametrize("how", [by_session, by_token, by_jwt])
@pytest.mark.parametrize("kind", ASKING)
async def test_what_the_handshake_brings_is_who_asks(
    kind: type[Any], how: Callable[[User], Headers], ada: User
) -> None:
    async with open_socket(kind, await shown(how, ada)) as asker:
        assert await asker.name_of_user() == "ada"


@pytest.mark.parametrize("kind", ASKING)
async def test_who_brings_nothing_is_nobody(kind: type[Any]) -> None:
    async with open_socket(kind, {}) as asker:
        assert await asker.name_of_user() == ""


@pytest.mark.parametrize("kind", [AskingInGraphQL, AskingInLegacy])
@pytest.mark.parametrize("payload", ['{"Authorization": %s}', '{"headers": {"authorization": %s}}'])
async def test_an_introduction_may_bring_what_a_header_would(
    kind: type[Any], payload: str, ada: User
) -> None:
    token = (await shown(by_token, ada))["authorization"]
    asker = kind({"authorization": "Token of somebody else"})
    await asker.connect()
    ack = await asker.introduce(json.loads(payload % json.dumps(token)))
    assert ack["type"] == "connection_ack"
    assert await asker.name_of_user() == "ada"
    await asker.leave()


@pytest.mark.parametrize("kind", ASKING)
async def test_a_later_frame_may_bring_what_a_header_would(kind: type[Any], ada: User) -> None:
    async with open_socket(kind, {}) as asker:
        token = (await shown(by_jwt, ada))["authorization"]
        assert await asker.authenticate({"Authorization": token}) == []
        assert await asker.name_of_user() == "ada"


@pytest.mark.parametrize("kind", [AskingInGraphQL, AskingInLegacy])
async def test_a_resolver_finds_who_it_is_by_now(kind: type[Any], ada: User) -> None:
    async with open_socket(kind, {}) as asker:
        assert (await asker.data("{ users }"))["users"] == ["", ""]
        token = (await shown(by_token, ada))["authorization"]
        assert await asker.authenticate({"Authorization": token}) == []
        assert (await asker.data("{ users }"))["users"] == ["ada", "ada"]


# -- refusals ----------------------------------------------------------------------------------

WRONG = {"authorization": "Token of-nobody"}


@pytest.mark.parametrize("kind", [AskingNatively, AskingAlone])
async def test_wrong_credentials_of_a_handshake_close_with_4403(kind: type[Any]) -> None:
    asker = kind(WRONG)
    await asker.connect()
    closed = await asker.client.closing()
    assert (closed.code, closed.reason) == (4403, "Invalid token.")
    await asker.leave()


@pytest.mark.parametrize("kind", [AskingInGraphQL, AskingInLegacy])
@pytest.mark.parametrize("by_payload", [True, False])
async def test_wrong_credentials_of_an_introduction_close_with_4403(
    kind: type[Any], by_payload: bool
) -> None:
    asker = kind({} if by_payload else WRONG)
    await asker.connect()
    payload = {"Authorization": WRONG["authorization"]} if by_payload else None
    await asker.client.send({"type": "connection_init", "payload": payload})
    end = await asker.end()
    assert end.code == 4403
    await asker.leave()


@pytest.mark.parametrize("value", [7, ["Token"], {}])
async def test_an_authorization_that_is_no_text_is_refused(value: Any) -> None:
    asker = AskingInGraphQL({})
    await asker.connect()
    await asker.client.send({"type": "connection_init", "payload": {"Authorization": value}})
    assert (await asker.client.closing()).reason == "Authorization: expected a string."
    await asker.leave()


async def test_other_headers_of_a_payload_are_not_headers(ada: User) -> None:
    """A client must not be able to set what a proxy strips."""
    session = await shown(by_session, ada)
    asker = AskingInGraphQL({})
    await asker.connect()
    await asker.introduce({"cookie": session["cookie"], "headers": session})
    assert await asker.name_of_user() == ""
    await asker.leave()


# -- new credentials on a socket -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ASKING)
async def test_refused_credentials_change_nothing(kind: type[Any], ada: User) -> None:
    async with open_socket(kind, await shown(by_token, ada)) as asker:
        [error] = await asker.authenticate({"Authorization": "Token of-nobody"})
        assert "Invalid token." in str(error)
        assert await asker.name_of_user() == "ada"
        [error] = await asker.authenticate({"Authorization": "Nothing that anybody reads"})
        assert "not provided" in str(error)
        assert await asker.name_of_user() == "ada"


@pytest.mark.parametrize("kind", ASKING)
async def test_a_connection_of_one_user_does_not_become_anothers(
    kind: type[Any], ada: User
) -> None:
    bob = await database_sync_to_async(reader)("bob")
    async with open_socket(kind, await shown(by_token, ada)) as asker:
        [error] = await asker.authenticate(
            {"Authorization": (await shown(by_token, bob))["authorization"]}
        )
        assert "another user's" in str(error)
        assert await asker.name_of_user() == "ada"


@pytest.mark.parametrize("kind", [Native, Single, GraphQL, Legacy])
async def test_a_subscription_goes_on_with_new_credentials(kind: type[Any], ada: User) -> None:
    async with open_socket(kind, await shown(by_token, ada)) as listener:
        token = (await shown(by_jwt, ada))["authorization"]
        assert await listener.authenticate({"Authorization": token}) == []
        await make_note(text="still")
        assert await listener.text() == "still"


@pytest.mark.parametrize("kind", [Native, Single, GraphQL, Legacy])
async def test_what_the_user_may_not_hear_any_more_ends_with_new_credentials(
    kind: type[Any], ada: User
) -> None:
    async with open_socket(kind, await shown(by_token, ada)) as listener:
        await database_sync_to_async(ada.user_permissions.clear)()
        token = (await shown(by_token, ada))["authorization"]
        await listener.show({"Authorization": token})
        assert await listener.refusal() == 403


@pytest.mark.parametrize("kind", ASKING)
async def test_whoever_changes_credentials_learns_until_when_they_hold(
    kind: type[Any], ada: User
) -> None:
    async with open_socket(kind, {}) as asker:
        token = AccessToken.for_user(ada)
        until = datetime.fromtimestamp(token["exp"], UTC)
        answer = await asker.renewed({"Authorization": f"Bearer {token}"})
        assert answer == {"expires": until.isoformat()}


@pytest.mark.parametrize("kind", ASKING)
async def test_whoever_becomes_known_counts_among_its_own_connections(
    kind: type[Any], ada: User
) -> None:
    ours = {"AUTHENTICATION_CLASSES": CLASSES, "KEEP_ALIVE": None, "MAX_CONNECTIONS_PER_USER": 1}
    token = await shown(by_token, ada)
    with override_settings(DCRF_GRAPH=ours):
        async with open_socket(kind, token), open_socket(kind, {}) as second:
            await second.show({"Authorization": token["authorization"]})
            assert (await second.client.closing()).code == 1013
        async with open_socket(kind, {}) as third:
            assert await third.authenticate({"Authorization": token["authorization"]}) == []


# -- until when --------------------------------------------------------------------------------


class Brief(BaseAuthentication):
    """Lets everybody in, for a moment."""

    until: datetime

    def authenticate(self, request: Any) -> Any:
        return Identity(User(pk=7, username="ada"), expires=self.until)


class Told(BaseAuthentication):
    """Says by itself until when its tokens hold."""

    until: datetime

    def authenticate(self, request: Any) -> Any:
        return User(pk=7, username="ada"), "token"

    def expires_at(self, user: User, auth: str) -> Any:
        return self.until


@pytest.mark.parametrize("kind", ASKING)
@pytest.mark.parametrize("how", [Brief, Told])
async def test_a_quiet_connection_closes_when_its_credentials_expire(
    kind: type[Any], how: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked again at that time, the authenticator has to say a later one, or that is the end."""
    until = timezone.now() + timedelta(milliseconds=100)
    monkeypatch.setattr(how, "until", until, raising=False)
    ours = {"AUTHENTICATION_CLASSES": [how], "KEEP_ALIVE": None}
    with override_settings(DCRF_GRAPH=ours):
        async with open_socket(kind, {}) as asker:
            end = await asker.end()
    assert end.code == 4403


async def test_what_runs_is_answered_before_the_connection_closes(
    monkeypatch: pytest.MonkeyPatch, ada: User
) -> None:
    monkeypatch.setattr(WhoConsumer, "gate", Gate(), raising=False)
    async with open_socket(AskingNatively, await shown(by_jwt, ada)) as asker:
        await asker.client.send(asker.wrapped({"action": "wait", "request_id": 1}))
        await soon(WhoConsumer.gate.reached)
        now = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=1))
        await asker.client.send(asker.wrapped({"action": "am_i", "request_id": 2}))
        await turns()
        WhoConsumer.gate.open.set()
        waited, refused = [asker.payload(frame) for frame in await asker.client.frames(2)]
        assert (waited["request_id"], waited["data"]) == (1, "waited")
        assert (refused["request_id"], refused["response_status"]) == (2, 401)
        assert (await asker.client.closing()).code == 4403


async def test_a_hook_that_fails_while_asked_again_ends_the_connection(
    caplog: pytest.LogCaptureFixture, ada: User
) -> None:
    """Nobody knows who it is any more."""
    working = [True]

    def hook(scope: Any, payload: Any) -> User:
        if not working:
            raise RuntimeError("the directory is down")
        return ada

    ours = {"AUTHENTICATOR": hook, "KEEP_ALIVE": None}
    with override_settings(DCRF_GRAPH=ours):
        async with open_socket(AskingNatively, {}) as asker:
            assert await asker.name_of_user() == "ada"
            working.clear()
            await database_sync_to_async(ada.save)()
            closed = await asker.client.closing()
    assert (closed.code, closed.reason) == (4403, "Your credentials are no longer valid.")
    assert "the directory is down" in caplog.text


async def test_a_user_that_is_saved_is_known_as_it_is_now(ada: User) -> None:
    async with open_socket(AskingNatively, await shown(by_session, ada)) as asker:
        ada.username = "countess"
        await database_sync_to_async(ada.save)()
        assert await asker.name_of_user() == "countess"


@pytest.mark.parametrize("data", [[], "Bearer", 7])
async def test_credentials_that_are_no_object_are_refused(data: Any) -> None:
    async with open_socket(AskingNatively, {}) as asker:
        assert await asker.authenticate(data) == [{"data": ["Expected an object."]}]


async def test_a_request_id_that_is_none_is_refused() -> None:
    async with open_socket(AskingNatively, {}) as asker:
        await asker.client.send(asker.wrapped({"action": "authenticate", "request_id": {}}))
        reply = asker.payload(await asker.client.frame())
        assert (reply["response_status"], reply["request_id"]) == (400, None)


class OwnConsumer(AsyncAPIConsumer):
    @action()
    async def authenticate(self, data: Any, **kwargs: Any) -> Any:
        return ["mine", data]


async def test_an_action_of_this_name_is_the_consumers_own() -> None:
    own = Router()
    own.register("own", OwnConsumer)
    for asker in (AskingNatively({}), AskingAlone({})):
        alone = isinstance(asker, AskingAlone)
        asker.application = OwnConsumer.as_asgi if alone else own.as_asgi  # type: ignore[method-assign]
        await asker.connect()
        frame = {"action": "authenticate", "request_id": 1, "data": {"a": 1}}
        await asker.client.send(frame if alone else {"stream": "own", "payload": frame})
        assert asker.payload(await asker.client.frame())["data"] == ["mine", {"a": 1}]
        await asker.leave()


async def test_a_consumer_alone_may_have_authenticators_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody(scope: Any, payload: Any) -> Any:
        raise AuthenticationFailed("Not on this socket.")

    monkeypatch.setattr(WhoConsumer, "authentication_classes", [nobody])
    asker = AskingAlone({})
    await asker.connect()
    assert (await asker.client.closing()).reason == "Not on this socket."
    await asker.leave()
