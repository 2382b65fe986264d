"""Whoever stops reading is bounded and told what it missed, by each policy, on any transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import override_settings
from django.urls import path

from dcrf_graph import capture
from dcrf_graph.changes.hub import hub
from tests.testapp.models import Note
from tests.transports.listeners import (
    SOCKETS,
    STREAMS,
    Listener,
    Native,
    by_token,
    make_note,
    reader,
    router,
)
from tests.transports.sockets import PATIENCE, Closed

urlpatterns = [path("graphql/", router.graphql_view())]

pytestmark = [
    pytest.mark.long,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("desk", "nothing_left"),
]

PENDING, WAITING = 6, 3
"""Events that may wait for one subscription; results of it that may wait to be read."""
BEFORE = WAITING + 2
"""What a reader has heard at most before it misses something: besides, one is being sent and one
handed over."""
TEXTS = [*map(str, range(18)), "the last"]


@pytest.fixture(params=["end", "drop_oldest", "latest", "disconnect"])
def policy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(capture, "MAX_WAITING_FRAMES", WAITING)
    ours = {
        "AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
        "KEEP_ALIVE": None,
        "MAX_PENDING_EVENTS": PENDING,
        "SLOW_READERS": request.param,
    }
    with override_settings(ROOT_URLCONF=__name__, DCRF_GRAPH=ours):
        yield request.param


@pytest.fixture(params=[*SOCKETS, *STREAMS], ids=lambda each: each.name)
async def listeners(request: pytest.FixtureRequest, policy: str) -> AsyncIterator[list[Any]]:
    """One who will stop reading, and one who reads."""
    headers = await database_sync_to_async(lambda: by_token(reader()))()
    both: list[Listener] = [request.param(headers), Native(headers)]
    for each in both:
        await each.begin()
    yield both
    for each in both:
        await each.leave()


async def heard(listener: Any) -> list[Any]:
    """What comes until the last text, or until no more can come: texts, gaps and statuses."""
    if type(listener) in STREAMS:
        body = await listener.exchange.until(TEXTS[-1])
        return [item_of(result) for result in listener.results(body)]
    items: list[Any] = []
    while items[-1:] not in ([TEXTS[-1]], [429]):
        try:
            frame = await listener.client.frame()
        except Closed as closed:
            return [*items, f"closed with {closed.code}"]
        if frame.get("type") != "complete":
            items.append(item_of(frame.get("payload", frame)))
    return items


def item_of(told: Any) -> Any:
    """A text; how many were missed, of a gap; else the status of an error."""
    if "response_status" in told:
        status, data = told["response_status"], told["data"]
        return data["text"] if status < 400 else data["missed"] if status == 410 else status
    if errors := told.get("errors"):
        known = errors[0]["extensions"]
        return known["missed"] if known["code"] == "EVENTS_LOST" else known["status"]
    return told["data"]["noteActivity"]["data"]["text"]


def change(note: Note, text: str) -> None:
    note.text = text
    note.save()


async def test_a_reader_that_stops_is_told_what_it_missed_and_delays_nobody(
    listeners: list[Any], policy: str
) -> None:
    slow, quick = listeners
    note = await make_note(text="first")
    for each in listeners:
        assert await each.text() == "first"
    slow.stop()
    for text in TEXTS:
        await database_sync_to_async(change)(note, text)
        assert await quick.text() == text
        assert hub.statistics()["events"] <= PENDING
    slow.go_on()
    items = await asyncio.wait_for(heard(slow), PATIENCE)
    if policy == "latest":
        # One that waits makes room for the next, also before the reader has stopped for long.
        assert items == sorted(items, key=TEXTS.index)
        assert items[-1] == TEXTS[-1]
        assert len(items) <= BEFORE + 1
        return
    begun = next(at for at, each in enumerate(items) if each != TEXTS[at])
    assert begun <= BEFORE
    rest = items[begun:]
    if policy == "drop_oldest":
        assert rest == [rest[0], *TEXTS[begun + rest[0] :]]
        assert 1 < len(rest) <= PENDING
    else:
        assert rest == ["closed with 1013" if closes(slow, policy) else 429]


def closes(listener: Any, policy: str) -> bool:
    """Whether it has a socket that is closed; a stream says why it ends."""
    return policy == "disconnect" and type(listener) in SOCKETS
