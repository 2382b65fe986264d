"""Subscriptions of a real router over HTTP: what they hear, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from django.core.asgi import get_asgi_application
from django.test import override_settings
from django.urls import path

from dcrf_graph.changes.hub import hub
from tests.transports.desk import DeskConsumer, desk_router
from tests.transports.http_stream import PATIENCE, Exchange, events
from tests.transports.sockets import quiet

SSE = "text/event-stream"
MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json'
ACTIVITY = "subscription { noteActivity { action data { text } } }"

router = desk_router()
urlpatterns = [path("graphql/", router.graphql_view())]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("desk", "nothing_left", "urls"),
]


@pytest.fixture
def urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


async def write(text: str) -> None:
    """Create a note, by a request of its own."""
    query = f'mutation {{ noteCreate(data: {{text: "{text}"}}) {{ text }} }}'
    exchange = Exchange(query, "application/json")
    await exchange.start()
    assert json.loads(await exchange.rest()) == {"data": {"noteCreate": {"text": text}}}
    await asyncio.wait_for(exchange.served, PATIENCE)


async def subscribers(count: int) -> None:
    """Wait until there are so many."""
    async with asyncio.timeout(PATIENCE):
        while hub.count() != count:  # noqa: ASYNC110  (the hub tells nobody)
            await asyncio.sleep(0)


def event(text: str) -> dict[str, object]:
    return {"data": {"noteActivity": {"action": "CREATE", "data": {"text": text}}}}


@pytest.mark.parametrize(
    ("accept", "end", "read"),
    [
        (SSE, "}\n\n", lambda text: events(text)[0][1]),
        (MULTIPART, "}}}}\r\n", lambda text: json.loads(text.split("\r\n\r\n")[-1])["payload"]),
    ],
)
async def test_a_subscriber_hears_a_change_until_it_goes(
    accept: str, end: str, read: Callable[[str], object]
) -> None:
    exchange = Exchange(ACTIVITY, accept)
    await exchange.start()
    await subscribers(1)
    await write("a")
    assert read(await exchange.read(end)) == event("a")
    await write("b")
    assert "b" in await exchange.read(end)
    await exchange.leave()
    assert hub.count() == 0
    await quiet()
    assert set(router.statistics().values()) == {0}


async def test_of_two_subscribers_the_first_to_go_silences_nobody() -> None:
    first, second = Exchange(ACTIVITY, SSE), Exchange(ACTIVITY, SSE)
    await first.start()
    await second.start()
    await subscribers(2)
    await first.leave()
    assert hub.count() == 1
    await write("a")
    assert events(await second.read("}\n\n")) == [("next", event("a"))]
    await second.leave()
    assert hub.count() == 0


async def test_a_client_that_goes_while_its_consumer_connects_leaves_nothing(
    desk: type[DeskConsumer],
) -> None:
    desk.connecting.open.clear()
    exchange = Exchange("subscription { noteActivity { id } }", SSE)
    await exchange.start()
    await exchange.leave()
    assert hub.count() == 0
    assert router.statistics()["connections"] == 0


@pytest.mark.parametrize("accept", [SSE, MULTIPART])
async def test_a_client_that_goes_at_any_moment_leaves_nothing(accept: str) -> None:
    """After so many turns of the loop, from the first to past the first event."""
    for turns in range(60):
        exchange = Exchange(ACTIVITY, accept)
        for _ in range(turns):
            await asyncio.sleep(0)
        await exchange.leave()
        assert exchange.served.exception() is None
        await quiet()
        assert hub.count() == 0
    assert set(router.statistics().values()) == {0}


async def test_a_refused_subscription_says_why() -> None:
    exchange = Exchange("subscription { noteChanged(id: 123456) { id } }", SSE)
    await exchange.start()
    [(_, result), end] = events(await exchange.rest())
    assert result["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert end == ("complete", None)


# A server


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The address of a uvicorn in this loop."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(get_asgi_application(), ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql/"
        finally:
            server.should_exit = True
            await asyncio.wait_for(serving, PATIENCE)


async def test_under_uvicorn_a_client_that_goes_ends_its_subscription() -> None:
    async with served() as url, httpx.AsyncClient(headers={"Accept": SSE}) as client:
        async with client.stream("POST", url, json={"query": ACTIVITY}) as response:
            lines = response.aiter_lines()
            await subscribers(1)
            await write("a")
            heard = ""
            while not heard.startswith("data:"):
                heard = await asyncio.wait_for(anext(lines), PATIENCE)
            assert json.loads(heard.removeprefix("data:")) == event("a")
        await subscribers(0)
