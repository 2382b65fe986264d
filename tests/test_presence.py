"""Who is on a connection, where what says so fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.exceptions import PermissionDenied

from dcrf_graph.authentication import Identity
from dcrf_graph.connection import Connection
from dcrf_graph.presence import Farewell, Presence
from dcrf_graph.revocation import rolls


class Somebody:
    """A user that no database knows."""

    pk = 7
    is_authenticated = True


class Nobody:
    """Whoever has not shown anything."""

    pk = None
    is_authenticated = False


class Session(dict[str, Any]):
    """A session that names nobody, in a store that may be away."""

    away = False
    session_key = None

    def __contains__(self, key: object) -> bool:
        if self.away:
            raise OSError("the store of the sessions is away")
        return super().__contains__(key)


class Desk:
    """Serves a connection, and remembers what it was told."""

    def __init__(self, user: Any) -> None:
        self.connection = Connection()
        self.session = Session()
        scope = {"session": self.session}
        self.user = user
        self.farewells: list[Farewell] = []
        self.adopted: list[Any] = []
        self.asked = asyncio.Event()
        self.presence = Presence(self.connection, self, scope)

    async def identify(self, scope: Mapping[str, Any], payload: Any) -> Identity:
        self.asked.set()
        return Identity(self.user, auth=payload, by_scope=True)

    def leave(self, farewell: Farewell) -> None:
        self.farewells.append(farewell)

    async def adopt(self) -> None:
        self.adopted.append(self.presence.identity)


async def settled(work: Awaitable[Any]) -> Any:
    """What becomes of something, an exception too."""
    try:
        return await work
    except Exception as error:
        return error


async def asked(desk: Desk) -> None:
    """Wait until nobody is asked any more."""
    while tasks := desk.connection.tasks:
        await asyncio.wait(tasks)


async def test_a_connection_ends_whose_session_cannot_be_asked_any_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else nobody would know until when it holds."""
    desk = Desk(Somebody())
    await desk.presence.enter()
    assert desk.connection.sure
    desk.session.away = True
    with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
        desk.presence.doubt()
        await asked(desk)
    assert [farewell.at_once for farewell in desk.farewells] == [True]
    assert not desk.connection.sure
    assert not rolls
    await desk.connection.close()


async def test_a_renewal_that_fails_half_way_changes_nothing() -> None:
    desk = Desk(Nobody())
    await desk.presence.enter({"shown": "nothing"})
    desk.user, desk.session.away = Somebody(), True
    assert isinstance(await settled(desk.presence.renew({"shown": "a token"})), OSError)
    assert desk.presence.key is None
    assert desk.presence.scope["user"].pk is None
    assert desk.presence.scope["auth"] == {"shown": "nothing"}
    assert not rolls
    assert not desk.adopted
    desk.session.away = False
    renewed = await desk.presence.renew({"shown": "a token"})
    assert renewed.key == "7"
    assert desk.adopted == [renewed]
    assert desk.connection.sure
    await desk.connection.close()
    assert not rolls


async def test_a_user_that_is_saved_later_has_its_key_then_and_keeps_it() -> None:
    new = User(username="new")
    desk = Desk(new)
    await desk.presence.enter()
    assert desk.presence.key is None
    new.pk = 7
    assert desk.presence.key == "7"
    desk.user = User(pk=8)
    assert isinstance(await settled(desk.presence.renew({})), PermissionDenied)
    await desk.connection.close()
    assert not rolls


async def test_whoever_waits_for_a_renewal_no_more_does_not_leave_it_half_done() -> None:
    desk = Desk(Somebody())
    await desk.presence.enter()
    desk.asked.clear()
    waiting = asyncio.ensure_future(desk.presence.renew({"shown": "a token"}))
    await desk.asked.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    await asked(desk)
    assert [identity.auth for identity in desk.adopted] == [{"shown": "a token"}]
    await desk.connection.close()
