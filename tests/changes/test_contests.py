"""Where two change a row at almost the same time, the last event is the row as it is."""

from __future__ import annotations

import asyncio
import json
import threading
from contextvars import ContextVar
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dcrf_graph.changes import settling
from dcrf_graph.changes.capture import event_now, watch
from dcrf_graph.changes.change import Event
from dcrf_graph.changes.contests import MAX_ROWS, WINDOW, Contests, row_of
from dcrf_graph.changes.envelope import Envelope, body_of, events_of
from dcrf_graph.changes.hub import Hub, hub
from tests.changes.doubles import Observer, Reader, join
from tests.native.client import in_thread
from tests.testapp.models import Booking, Parcel

whose: ContextVar[str] = ContextVar("whose", default="nobody's")


def event(pk: Any = 1, body: Any = 0, action: str = "update", group: str = "group") -> Event:
    return Event("observer", group, json.dumps({"body": body}), action, pk)


def test_what_one_says_alone_is_not_contested() -> None:
    contests = Contests()
    assert not any(contests.note([event()], "one", now) for now in (0, 0.1, 0.2))


def test_what_two_say_within_a_window_is_contested_and_later_it_is_not() -> None:
    contests = Contests()
    contests.note([event(1), event(2)], "one", now=0)
    assert contests.note([event(2), event(3)], "two", now=WINDOW / 2) == {row_of(event(2))}
    assert not contests.note([event(2)], "three", now=WINDOW * 2)


def test_rows_with_one_key_in_two_databases_are_two_rows() -> None:
    contests = Contests()
    contests.note([event()], "one", now=0)
    assert not contests.note([replace(event(), using="other")], "two", now=0)


def test_after_a_loss_everything_is_in_doubt_for_a_while() -> None:
    contests = Contests()
    contests.doubt(now=0)
    assert contests.note([event()], "one", now=WINDOW / 2)
    assert not contests.note([event()], "one", now=WINDOW * 2)


def test_an_event_about_no_row_is_never_contested() -> None:
    contests = Contests()
    contests.note([event(None)], "one", now=0)
    assert not contests.note([event(None)], "two", now=0)


def test_the_latest_rows_are_remembered() -> None:
    contests = Contests()
    contests.note([event(pk) for pk in range(MAX_ROWS + 1)], "one", now=0)
    assert not contests.note([event(0)], "two", now=0)
    assert contests.note([event(MAX_ROWS)], "two", now=0)


def test_what_was_read_already_is_no_news() -> None:
    contests = Contests()
    contests.note([event(body="old")], "one", now=0)
    assert contests.news([event(body="old")])
    contests.amend([event(body="new")])
    assert not contests.news([event(body="new")])
    assert contests.news([event(body="newer"), event(body="new", group="other")])


def test_what_was_read_already_is_no_news_for_naming_what_was_written() -> None:
    """A row that is read again does not know who wrote what."""

    def named(body: str) -> Event:
        message = {"body": body, "changed_fields": ["title"]}
        return replace(event(), message=json.dumps(message))

    contests = Contests()
    contests.note([named("old")], "one", now=0)
    contests.amend([event(body="new")])
    assert not contests.news([named("new")])
    assert contests.news([named("newer")])


# -- with rows -----------------------------------------------------------------------------------


@pytest.fixture
def parcel(transactional_db: None) -> Parcel:
    return Parcel.objects.create(place=1, title="as it is")


def told(parcel: Parcel, action: str = "update", group: str = "1", title: str = "old") -> Event:
    """What somebody says of a parcel."""
    body = {"type": "told", "body": title, "action": action, "group": group}
    label = Parcel._meta.label_lower
    return Event("contested", group, json.dumps(body), action, parcel.pk, model=label)


@pytest.fixture
def observer(parcel: Parcel) -> Observer:
    """An observer of parcels, by place: it tells their titles."""
    observer = Observer(
        group_by=lambda row: row.place, body=lambda row: row.title, stable_id="contested"
    )
    watch(Parcel, observer)
    return observer


def test_an_event_says_how_the_row_is_now(parcel: Parcel, observer: Observer) -> None:
    corrected = event_now(told(parcel))
    assert (corrected.action, json.loads(corrected.message)["body"]) == ("update", "as it is")
    assert corrected.instance == parcel
    right = told(parcel, title="as it is")
    assert event_now(right) is right


def test_an_event_that_names_what_was_written_is_no_other_for_it(
    parcel: Parcel, observer: Observer
) -> None:
    right = told(parcel, title="as it is")
    message = json.loads(right.message)
    group = message.pop("group")
    message |= {"changed_fields": ["title"], "group": group}
    named = replace(right, message=json.dumps(message))
    assert event_now(named) is named
    old = replace(named, message=named.message.replace("as it is", "old"))
    assert "changed_fields" not in event_now(old).message


def test_a_row_that_has_left_the_group_or_is_gone_is_a_delete(
    parcel: Parcel, observer: Observer
) -> None:
    elsewhere = event_now(told(parcel, group="2"))
    assert (elsewhere.action, elsewhere.model) == ("delete", None)
    pk, gone = parcel.pk, told(parcel)
    parcel.delete()
    assert json.loads(event_now(gone).message)["body"] == {"key": pk}
    deleted = Event(gone.observer, gone.group, gone.message, "delete", pk)
    assert event_now(deleted) is deleted


def test_a_row_that_is_back_is_a_create(parcel: Parcel, observer: Observer) -> None:
    assert event_now(told(parcel, "delete")).action == "create"


def test_a_row_is_found_by_a_key_that_another_process_has_said(transactional_db: None) -> None:
    """JSON knows neither UUIDs nor dates."""
    booking = Booking.objects.create(day=date(2026, 1, 2), floor=1)
    bookings = Observer(body=lambda row: row.floor, stable_id="bookings")
    watch(Booking, bookings)
    message = json.dumps({"body": 0, "action": "update", "group": "bookings"})
    sent = Event("bookings", "bookings", message, "update", booking.pk)
    [received] = events_of(body_of([sent], packed=False))
    now = event_now(received)
    assert (now.action, json.loads(now.message)["body"]) == ("update", 1)


def test_of_what_no_model_says_nothing_is_read() -> None:
    other = event()
    assert event_now(other) is other


def test_a_thread_that_publishes_late_says_what_is_there_by_then(
    parcel: Parcel, observer: Observer
) -> None:
    """Its commit came first, and the other one's is heard already."""
    reader = Reader("contested")
    join(reader, "1")
    parcel.title = "later"
    parcel.save()
    late = threading.Thread(target=hub.publish, args=([told(parcel, title="before")],))
    late.start()
    late.join()
    hub.leave("1", reader)
    assert [body for _, _, body in reader.read()] == ["later", "later"]


async def test_what_two_processes_say_ends_as_it_is(
    parcel: Parcel, observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "SETTLE", 0.01)
    here = Hub()
    here.read_again = event_now
    reader = Reader("contested", loop=asyncio.get_running_loop())
    await here.join("1", reader)
    here.hear(Envelope("one", 1, 0, (told(parcel, title="as it is"),)))
    here.hear(Envelope("two", 1, 0, (told(parcel, title="before"),)))
    titles = [json.loads((await reader.next()).message)["body"] for _ in range(3)]
    assert titles == ["as it is", "before", "as it is"]
    here.leave("1", reader)


async def test_a_row_is_read_again_in_the_context_of_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever's message came first may be a task with a user of its own."""
    monkeypatch.setattr(settling, "SETTLE", 0)
    asked_by: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read_again(told: Event) -> Event:
        loop.call_soon_threadsafe(asked_by.put_nowait, whose.get())
        return told

    here = Hub()
    here.read_again = read_again
    whose.set("somebody's")
    for publisher in ("one", "two"):
        here.hear(Envelope(publisher, 1, 0, (event(),)))
    assert await asyncio.wait_for(asked_by.get(), 10) == "nobody's"


async def test_what_is_right_already_is_not_said_again(
    parcel: Parcel, observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "SETTLE", 0.01)
    here, read = Hub(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def read_again(said: Event) -> Event:
        now = event_now(said)
        loop.call_soon_threadsafe(read.set)
        return now

    here.read_again = read_again
    reader = Reader("contested", loop=loop)
    await here.join("1", reader)
    for publisher in ("one", "two"):
        here.hear(Envelope(publisher, 1, 0, (told(parcel, title="as it is"),)))
    await asyncio.wait_for(read.wait(), 10)
    here.hear(Envelope("two", 2, 1, (Event("contested", "1", "last"),)))
    assert [(await reader.next()).message for _ in range(3)][-1] == "last"
    here.leave("1", reader)


async def test_a_change_that_was_read_ahead_is_told_once(
    parcel: Parcel, observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "SETTLE", 0.01)
    here = Hub()
    here.read_again = event_now
    reader = Reader("contested", loop=asyncio.get_running_loop())
    await here.join("1", reader)
    for publisher, title in (("one", "a"), ("two", "b")):
        here.hear(Envelope(publisher, 1, 0, (told(parcel, title=title),)))
    titles = [json.loads((await reader.next()).message)["body"] for _ in range(3)]
    named = json.loads(told(parcel, title="as it is").message) | {"changed_fields": ["title"]}
    late = replace(told(parcel), message=json.dumps(named))
    here.hear(Envelope("two", 2, 1, (late, Event("contested", "1", '{"body": "last"}'))))
    titles.append(json.loads((await reader.next()).message)["body"])
    assert titles == ["a", "b", "as it is", "last"]
    here.leave("1", reader)


async def test_of_more_rows_than_can_be_read_a_gap_is_told(
    parcel: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "MAX_SETTLING", 0)
    monkeypatch.setattr(settling, "WINDOW", 0)
    here, reader = Hub(), Reader(loop=asyncio.get_running_loop())
    await here.join("1", reader)
    for publisher in ("one", "two"):
        here.hear(Envelope(publisher, 1, 0, (told(parcel),)))
    for _ in range(2):
        await reader.next()
    await asyncio.wait_for(reader.gapped.wait(), 10)
    here.leave("1", reader)


async def test_a_row_that_cannot_be_read_is_logged_and_told_as_a_gap(
    parcel: Parcel, caplog: pytest.LogCaptureFixture
) -> None:
    """What was to be told may be older than what was told last."""
    here = Hub()

    def broken(said: Event) -> Event:
        raise RuntimeError("the database is gone")

    here.read_again = broken
    reader = Reader()
    join(reader, "1", to=here)
    here.publish([told(parcel)])
    await in_thread(lambda: here.publish([told(parcel)]))
    assert (len(reader.events), len(reader.gaps)) == (1, 1)
    assert "could not be read again" in caplog.text
