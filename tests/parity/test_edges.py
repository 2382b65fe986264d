"""What goes wrong, and what the demo never does, is alike in every protocol."""

from __future__ import annotations

import logging

import pytest
from django.core.cache import cache

from dcrf_graph.graphql.operations import Operation
from tests.parity.cases import Case
from tests.parity.clients import CLIENTS, Client
from tests.parity.drives import assert_alike, compare
from tests.parity.edges import CASES, edges
from tests.parity.translation import Refusal
from tests.parity.world import Rows, visitor


@pytest.fixture(autouse=True)
def forgotten_calls() -> None:
    """No throttle remembers another test."""
    cache.clear()


def operation_of(stream: str, action: str) -> Operation:
    return next(o for o in edges.operations if (o.stream, o.action) == (stream, action))


@pytest.mark.parametrize("place", CASES, ids=".".join)
async def test_every_client_is_answered_alike(
    place: tuple[str, str], before: Rows, subtests: pytest.Subtests
) -> None:
    for title, arguments in CASES[place].items():
        for who in ("anonymous", "stranger"):
            with subtests.test(f"{title}, as {who}"):
                cache.clear()
                case = Case(operation_of(*place), title, arguments)
                rows = {} if case.operation.kind == "query" else before
                await compare(edges, case, who, rows)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
async def test_the_fourth_call_of_an_hour_is_refused(client: Client) -> None:
    """A call counts once, whichever way it came."""
    tick = operation_of("clocks", "tick")
    async with client.connect(edges, visitor("stranger")) as session:
        *answers, last = [await session.call(tick, {}) for _ in range(4)]
    assert [answer.data for answer in answers] == ["tock"] * 3
    assert last.refusal == Refusal(429, "RATE_LIMITED")


async def test_clients_of_one_user_share_a_throttle() -> None:
    tick = operation_of("clocks", "tick")
    answers = []
    for client in (*CLIENTS, *CLIENTS):
        async with client.connect(edges, visitor("stranger")) as session:
            answers.append(await session.call(tick, {}))
    assert [answer.data for answer in answers] == ["tock"] * 3 + [None] * 3


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
async def test_what_nobody_expected_is_in_the_log_and_not_in_the_answer(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    fail = operation_of("edges", "fail")
    with caplog.at_level(logging.ERROR):
        async with client.connect(edges, visitor("stranger")) as session:
            answer = await session.call(fail, {"how": "unexpected"})
    assert answer.refusal == Refusal(500, "INTERNAL_SERVER_ERROR")
    assert answer.refusal.texts == ("Internal server error",)
    assert "a secret" in caplog.text


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("stream", ["refusing", "closing", "broken", "busy", "sunday"])
async def test_a_stream_that_refuses_leaves_its_neighbours_alone(
    client: Client, stream: str
) -> None:
    async with client.connect(edges, visitor("stranger")) as session:
        refused = await session.call(operation_of(stream, "open"), {})
        answer = await session.call(operation_of("edges", "double"), {"number": 4})
    assert refused.refusal is not None
    assert answer.data == 8


async def test_a_refusal_to_connect_is_one_refusal() -> None:
    """Who may not connect at all reads the same code as who may not run an action."""
    answers = []
    for client in CLIENTS:
        async with client.connect(edges, visitor("stranger")) as session:
            answers.append(await session.call(operation_of("refusing", "open"), {}))
    assert answers[0].refusal == Refusal(403, "FORBIDDEN")
    for answer in answers[1:]:
        assert_alike(answers[0], answer, "refusing.open")
