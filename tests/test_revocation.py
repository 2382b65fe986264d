"""Who is told that a user's access has ended, and when."""

from __future__ import annotations

from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.db import transaction

from dcrf_graph.changes.change import Gap
from dcrf_graph.changes.hub import hub
from dcrf_graph.revocation import Roll, listen, revoke, roll

pytestmark = pytest.mark.django_db(transaction=True)


class Somebody:
    """A connection that writes down what it is told."""

    def __init__(
        self, key: str | None = "7", session_key: str | None = None, askable: bool = True
    ) -> None:
        self.key = key
        self.session_key = session_key
        self.askable = askable
        self.told: list[Any] = []

    def leave(self, reason: str, *, at_once: bool) -> None:
        self.told.append((reason, at_once))

    def doubt(self) -> None:
        self.told.append("doubt")


class Entered:
    """Those who are on the roll while the block lasts."""

    def __init__(self, *somebodies: Somebody) -> None:
        listen()
        self.somebodies = somebodies
        self.roll: Roll = roll()

    async def __aenter__(self) -> Roll:
        for each in self.somebodies:
            await self.roll.enter(each)
        return self.roll

    async def __aexit__(self, *error: object) -> None:
        for each in self.somebodies:
            assert each.key is not None
            self.roll.leave(each, each.key)


REVOKED = ("Your access was revoked.", True)
LOGGED_OUT = ("You have logged out.", False)


def in_a_transaction(told: list[Any]) -> list[Any]:
    with transaction.atomic():
        revoke(7)
        before = list(told)
    return before


def behind_a_failure() -> None:
    """Revoke in a transaction whose first callback raises."""
    with transaction.atomic():
        transaction.on_commit(lambda: 1 // 0)
        revoke(7)


def in_a_manual_transaction(user: User) -> None:
    """Save a user, and revoke it, where nobody says when that is committed."""
    transaction.set_autocommit(False)
    try:
        user.save()
        revoke(user)
        transaction.commit()
    finally:
        transaction.set_autocommit(True)


async def heard() -> None:
    """Wait until what was published has been delivered on this loop."""
    await database_sync_to_async(hub.drain)(10)


async def test_a_user_is_revoked_by_its_key_or_by_itself() -> None:
    ada, bob = Somebody("7"), Somebody("8")
    async with Entered(ada, bob):
        revoke(7)
        revoke(User(pk=7))
        revoke("7")
        await heard()
    assert (ada.told, bob.told) == ([REVOKED] * 3, [])


async def test_a_revocation_waits_for_the_commit() -> None:
    ada = Somebody("7")
    async with Entered(ada):
        assert await database_sync_to_async(in_a_transaction)(ada.told) == []
        await heard()
    assert ada.told == [REVOKED]


async def test_a_revocation_is_told_though_a_callback_of_the_application_fails() -> None:
    ada = Somebody("7")
    async with Entered(ada):
        with pytest.raises(ZeroDivisionError):
            await database_sync_to_async(behind_a_failure)()
        await heard()
    assert ada.told == [REVOKED]


async def test_a_session_is_revoked_and_the_users_others_are_not() -> None:
    here, there = Somebody("7", "a"), Somebody("7", "b")
    async with Entered(here, there):
        revoke(session="a")
        await heard()
    assert (here.told, there.told) == ([REVOKED], [])


@pytest.mark.parametrize("wrong", [{}, {"user": 7, "session": "a"}])
def test_a_revocation_is_of_a_user_or_of_a_session(wrong: Any) -> None:
    with pytest.raises(TypeError, match="a user or a session"):
        revoke(**wrong)


async def test_a_logout_ends_its_session_and_has_the_others_asked() -> None:
    """And whoever cannot be asked, as nobody knows by what it came."""
    here, there = Somebody("7", "a"), Somebody("7", "b")
    token, foreign = Somebody("7"), Somebody("7", askable=False)
    request = type("Request", (), {"session": type("Session", (), {"session_key": "a"})})
    async with Entered(here, there, token, foreign):
        user_logged_out.send(User, request=request, user=User(pk=7))
        await heard()
    assert (here.told, foreign.told) == ([LOGGED_OUT], [LOGGED_OUT])
    assert (there.told, token.told) == (["doubt"], ["doubt"])


async def test_where_something_was_lost_everybody_is_asked() -> None:
    ada = Somebody("7")
    async with Entered(ada) as entered:
        entered.gap(Gap())
    assert ada.told == ["doubt"]


@pytest.mark.parametrize("fields", [None, ["is_active"], ["last_login"]])
async def test_a_saved_user_is_asked_but_for_its_login(fields: list[str] | None) -> None:
    user = await database_sync_to_async(User.objects.create_user)("ada")
    ada = Somebody(str(user.pk))
    async with Entered(ada):
        await database_sync_to_async(user.save)(update_fields=fields)
        await heard()
    assert ada.told == ([] if fields == ["last_login"] else ["doubt"])


async def test_a_manual_transaction_is_told_at_once() -> None:
    user = await database_sync_to_async(User.objects.create_user)("ada")
    ada = Somebody(str(user.pk))
    async with Entered(ada):
        await database_sync_to_async(in_a_manual_transaction)(user)
        await heard()
    assert ada.told == ["doubt", REVOKED]


async def test_nothing_of_the_roll_counts_as_a_subscription() -> None:
    before = hub.count()
    async with Entered(Somebody()):
        assert hub.count() == before
        assert hub.statistics()["groups"] == 0
