"""Who may hear no more hears no more, on any transport, from the next event on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory, override_settings
from django.urls import path
from django.utils import timezone
from rest_framework.authtoken.models import Token

from dcrf_graph.revocation import revoke
from tests.transports.listeners import (
    SOCKETS,
    STREAMS,
    End,
    Headers,
    Listener,
    by_jwt,
    by_session,
    by_token,
    make_note,
    reader,
    router,
)
from tests.transports.sockets import quiet

urlpatterns = [path("graphql/", router.graphql_view())]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("desk", "nothing_left", "settings_of_the_project"),
]

CLASSES = (
    "rest_framework.authentication.SessionAuthentication",
    "rest_framework.authentication.TokenAuthentication",
    "rest_framework_simplejwt.authentication.JWTAuthentication",
)


@pytest.fixture
def settings_of_the_project() -> Iterator[None]:
    ours = {"AUTHENTICATION_CLASSES": CLASSES, "KEEP_ALIVE": None}
    with override_settings(ROOT_URLCONF=__name__, DCRF_GRAPH=ours):
        yield


class World:
    """One user, the credentials that it shows, and what takes them away."""

    def __init__(self, clock: Callable[[timedelta], None]) -> None:
        self.user = User()
        self.clock = clock
        self.headers: Headers = {}

    def permission_revoked(self) -> None:
        self.user.user_permissions.clear()

    def token_expired(self) -> None:
        self.clock(timedelta(minutes=6))

    def session_expired(self) -> None:
        self.clock(timedelta(days=30))

    def logged_out(self) -> None:
        request: Any = RequestFactory().get("/")
        request.session = SessionStore(self.headers["cookie"].partition("=")[2])
        user_logged_out.send(User, request=request, user=self.user)
        request.session.flush()

    def token_deleted(self) -> None:
        Token.objects.filter(user=self.user).delete()

    def revoked(self) -> None:
        revoke(self.user)

    def deactivated(self) -> None:
        self.user.is_active = False
        self.user.save()

    def deleted(self) -> None:
        self.user.delete()

    def password_changed(self) -> None:
        self.user.set_password("engine")
        self.user.save()


CASES = [
    ("token_expired", by_jwt),
    ("session_expired", by_session),
    ("logged_out", by_session),
    ("token_deleted", by_token),
    ("revoked", by_jwt),
    ("revoked", by_session),
    ("deactivated", by_token),
    ("deactivated", by_jwt),
    ("deactivated", by_session),
    ("deleted", by_jwt),
    ("password_changed", by_session),
]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    def move(later: timedelta) -> None:
        now = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: now() + later)

    world = World(move)
    world.user = await database_sync_to_async(reader)()
    return world


@pytest.fixture(params=[*SOCKETS, *STREAMS], ids=lambda each: each.name)
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[list[Any]]:
    """The class of a listener, and those of it that were made."""
    made: list[Any] = [request.param]
    yield made
    for listener in made[1:]:
        await listener.leave()


async def listening(transport: list[Any], headers: Headers) -> Listener:
    """Somebody who has heard of a note."""
    listener: Listener = transport[0](headers)
    transport.append(listener)
    await listener.begin()
    await make_note(text="before")
    assert await listener.text() == "before"
    return listener


@pytest.mark.parametrize(
    ("what", "credentials"), CASES, ids=[f"{what}-{how.__name__}" for what, how in CASES]
)
async def test_whose_credentials_are_over_hears_nothing_more(
    what: str, credentials: Callable[[User], Headers], world: World, transport: list[Any]
) -> None:
    world.headers = await database_sync_to_async(credentials)(world.user)
    listener = await listening(transport, world.headers)
    await database_sync_to_async(getattr(world, what))()
    await make_note(text="after")
    end = await listener.end()
    if transport[0] in STREAMS:
        assert end == End([401])
    else:
        assert end.code == 4403
        assert end.errors in ([], [401])


async def test_whose_permission_is_gone_gets_one_error_and_nothing_more(
    world: World, transport: list[Any]
) -> None:
    """The socket lives: other things may still be allowed."""
    headers = await database_sync_to_async(by_token)(world.user)
    listener: Any = await listening(transport, headers)
    await database_sync_to_async(world.permission_revoked)()
    await make_note(text="after")
    if transport[0] in STREAMS:
        assert await listener.end() == End([403])
        return
    assert await listener.refusal() == 403
    await make_note(text="after that")
    await quiet()
    assert [frame for frame in await rest(listener) if listener.read(frame)[1] is not None] == []


async def rest(listener: Any) -> list[Any]:
    return [await listener.client.frame() for _ in range(listener.client.unread())]
