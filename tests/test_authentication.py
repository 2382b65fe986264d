"""The one hook that says who is asking."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import override_settings

from dcrf_graph.authentication import authenticate

ADA, BOB = User(username="ada"), User(username="bob")


async def ada(scope: Mapping[str, Any], payload: Any) -> User:
    return ADA


def bob(scope: Mapping[str, Any], payload: Any) -> User:
    return BOB


def passed_on(scope: Mapping[str, Any], payload: Any) -> Any:
    return ada(scope, payload)


class Tokens:
    async def __call__(self, scope: Mapping[str, Any], payload: Any) -> User:
        return ADA

    async def read(self, scope: Mapping[str, Any], payload: Any) -> User:
        return ADA


async def test_by_default_it_is_the_user_of_the_scope() -> None:
    assert (await authenticate(None, {"user": ADA}, {"token": "any"})).user is ADA
    assert isinstance((await authenticate(None, {}, None)).user, AnonymousUser)


@pytest.mark.parametrize(
    "hook", [ada, partial(ada), passed_on, Tokens(), Tokens().read, partial(Tokens())]
)
async def test_an_asynchronous_hook_is_awaited_whatever_it_is_made_of(hook: Any) -> None:
    assert (await authenticate(hook, {"user": BOB}, None)).user is ADA


async def test_a_hook_gets_a_user_for_nobody() -> None:
    identity = await authenticate(lambda scope, payload: None, {}, None)
    assert isinstance(identity.user, AnonymousUser)


@override_settings(DCRF_GRAPH={"AUTHENTICATOR": f"{__name__}.bob"})
async def test_a_routers_own_hook_wins_over_the_settings() -> None:
    assert (await authenticate(None, {"user": ADA}, None)).user is BOB
    assert (await authenticate(ada, {"user": BOB}, None)).user is ADA
