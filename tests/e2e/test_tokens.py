"""graphql-ws from npm with tokens of simplejwt and of DRF, against the board that takes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import serving
from tests.e2e.demo import QUIET, Demo, start

pytestmark = pytest.mark.e2e
PROGRAM = "tokens.mjs"


@pytest.fixture(scope="module")
def running_tokens(node: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    yield from serving(start(tmp_path_factory.mktemp("tokens"), "tests.e2e.tokens"))


@pytest.fixture
def tokens(running_tokens: Demo) -> Iterator[Demo]:
    yield running_tokens
    assert running_tokens.settled() == QUIET
    assert running_tokens.troubles() == []


def test_when_a_token_expires_the_client_comes_back_with_the_next(tokens: Demo) -> None:
    """4403 is what the client takes as a reason to try again."""
    seen = tokens.play(PROGRAM, "expiry")
    assert seen["end"] == {"code": 4403, "reason": "Your credentials have expired."}
    assert seen["asked"] == 2
    assert seen["until"] == ["string", "string"]
    assert {"username": "ada"} in seen["users"]["data"]["users"]


def test_a_socket_outlives_its_token_with_a_new_one(tokens: Demo) -> None:
    seen = tokens.play(PROGRAM, "renewal")
    assert seen["refused"] == ["UNAUTHENTICATED"]
    assert seen["later"] is True
    assert {"username": "ada"} in seen["users"]["data"]["users"]
    assert seen["ended"] == 0


def test_a_refused_token_closes_with_its_reason(tokens: Demo) -> None:
    assert tokens.play(PROGRAM, "refused") == {"code": 4403, "reason": "Invalid token."}


def test_a_revoked_user_is_sent_away(tokens: Demo) -> None:
    end = tokens.play(PROGRAM, "revoked")
    assert end == {"code": 4403, "reason": "Your access was revoked."}
