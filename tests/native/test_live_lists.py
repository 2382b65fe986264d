"""A list that is followed: first its rows, then each change of it, through both protocols."""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar

import pytest
from channels.db import database_sync_to_async as in_thread
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.test import override_settings
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework import serializers
from rest_framework.filters import BaseFilterBackend, OrderingFilter, SearchFilter

from dcrf_graph.changes.change import Action, Event, Gap
from dcrf_graph.changes.envelope import body_of, message_of, read
from dcrf_graph.changes.hub import hub
from dcrf_graph.connection import Connection
from dcrf_graph.decorators import action
from dcrf_graph.encoding import dumps
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.live_lists import LiveListMixin
from dcrf_graph.permissions import BasePermission
from dcrf_graph.routers import Router
from tests.graphql.sessions import Session
from tests.native.client import connected
from tests.queries import counted
from tests.testapp.models import Article, Booking

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 10.0
Heard = tuple[Any, ...]


class ArticleSerializer(serializers.ModelSerializer[Article]):
    class Meta:
        model = Article
        fields = ("id", "title", "status")


class ArticleConsumer(LiveListMixin, GenericAsyncAPIConsumer):
    queryset = Article.objects.order_by("pk")
    serializer_class = ArticleSerializer
    filter_backends = [DjangoFilterBackend, SearchFilter, OrderingFilter]
    filterset_fields = ("status",)
    search_fields = ("title",)
    ordering_fields = ("title",)


class OwnArticles(ArticleConsumer):
    """Only what has the name of its reader in its body."""

    def get_queryset(self, **kwargs: Any) -> Any:
        return super().get_queryset(**kwargs).filter(body=self.scope["user"].username)


def router_of(consumer: Any) -> Router:
    router = Router()
    router.register("articles", consumer)
    return router


class NativeFollower:
    """Follows lists by native frames."""

    def __init__(self, router: Router, user: Any, query: bytes = b"") -> None:
        self.connection = Connection()
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "websocket", "user": user, "query_string": query}
        self.streams = router.streams(scope, self.connection, self.sent)

    async def sent(self, stream: str, text: str) -> None:
        self.frames.put_nowait(json.loads(text))

    async def follow(self, **query: Any) -> None:
        payload = {"action": "subscribe_list", "request_id": 1, "query": query}
        await self.streams.receive("articles", payload)

    async def follow_all(self) -> None:
        """Follow without a query."""
        await self.streams.receive("articles", {"action": "subscribe_list", "request_id": 1})

    async def next(self) -> Heard:
        async with asyncio.timeout(PATIENCE):
            frame = await self.frames.get()
        data = frame["data"]
        match frame["action"]:
            case "subscribe_list" if frame["response_status"] >= 400:
                return "refused", frame["response_status"]
            case "subscribe_list" | "snapshot":
                return "snapshot", [row["title"] for row in data]
            case "delete":
                return "delete", str(data["pk"])
            case told:
                return told, data["title"]

    async def unfollow(self) -> None:
        await self.streams.receive("articles", {"action": "unsubscribe_list", "request_id": 1})
        async with asyncio.timeout(PATIENCE):
            assert (await self.frames.get())["action"] == "unsubscribe_list"

    async def close(self) -> None:
        await self.streams.close()


QUERY = """
subscription($filter: ArticleFilter, $search: String, $ordering: [ArticleOrdering!]) {
  articlesLive(filter: $filter, search: $search, ordering: $ordering) {
    action id rows { title } data { title }
  }
}
"""


class GraphQLFollower:
    """Follows lists by a subscription."""

    def __init__(self, router: Router, user: Any) -> None:
        self.session = Session(router, user)
        self.stack = AsyncExitStack()
        self.outcome: Any = None

    async def follow(self, **query: Any) -> None:
        variables: dict[str, Any] = {}
        if "status" in query:
            variables["filter"] = {"status": query["status"].upper()}
        if "search" in query:
            variables["search"] = query["search"]
        if "ordering" in query:
            variables["ordering"] = ["TITLE_DESC"]
        self.outcome = await self.session.send(QUERY, **variables)

    async def next(self) -> Heard:
        if not hasattr(self.outcome, "results"):
            return "refused", self.outcome.errors[0]["extensions"]["status"]
        async with asyncio.timeout(PATIENCE):
            result = await anext(self.outcome.results)
        told = result["data"]["articlesLive"]
        match told["action"]:
            case "SNAPSHOT":
                assert told["id"] is told["data"] is None
                return "snapshot", [row["title"] for row in told["rows"]]
            case "DELETE":
                assert told["data"] is told["rows"] is None
                return "delete", told["id"]
            case action:
                return action.lower(), told["data"]["title"]

    async def unfollow(self) -> None:
        await self.outcome.results.aclose()

    async def close(self) -> None:
        await self.session.streams.close()


Follower = NativeFollower | GraphQLFollower
FOLLOWERS = {"native": NativeFollower, "graphql": GraphQLFollower}


@pytest.fixture(params=FOLLOWERS)
def protocol(request: pytest.FixtureRequest) -> Any:
    return FOLLOWERS[request.param]


@asynccontextmanager
async def following(
    protocol: Any, consumer: Any = ArticleConsumer, user: Any = None, **query: Any
) -> AsyncIterator[Follower]:
    follower: Follower = protocol(router_of(consumer), user or AnonymousUser())
    try:
        await follower.follow(**query)
        yield follower
    finally:
        await follower.close()


async def refusal(follower: Follower) -> dict[str, Any]:
    """The next thing that a follower is told, which is an error: its status."""
    async with asyncio.timeout(PATIENCE):
        if isinstance(follower, NativeFollower):
            frame = await follower.frames.get()
            return {"status": frame["response_status"], "errors": frame["errors"]}
        result = await anext(follower.outcome.results)
    [error] = result["errors"]
    return {"status": error["extensions"]["status"], "errors": [error["message"]]}


create = in_thread(Article.objects.create)


def change(article: Article, **values: Any) -> Any:
    for name, value in values.items():
        setattr(article, name, value)
    return in_thread(article.save)()


async def test_the_list_comes_first_and_then_each_change(protocol: Any) -> None:
    old = await create(title="old")
    async with following(protocol) as follower:
        assert await follower.next() == ("snapshot", ["old"])
        new = await create(title="new")
        assert await follower.next() == ("create", "new")
        await change(new, title="newer")
        assert await follower.next() == ("update", "newer")
        key = str(old.pk)
        await in_thread(old.delete)()
        assert await follower.next() == ("delete", key)


class Newest(ArticleConsumer):
    def get_queryset(self, **kwargs: Any) -> Any:
        return super().get_queryset(**kwargs)[:10]


async def test_a_list_that_is_cut_cannot_be_followed(protocol: Any, caplog: Any) -> None:
    """Of no row can be asked whether it is in it."""
    async with following(protocol, Newest) as follower:
        assert await follower.next() == ("refused", 500)
    assert "The queryset of Newest is sliced" in caplog.text


class Combined(ArticleConsumer):
    def get_queryset(self, **kwargs: Any) -> Any:
        rows = Article.objects.all()
        return rows.filter(title="a").union(rows.filter(title="b"))


@pytest.mark.parametrize("query", [{}, {"status": "draft"}])
async def test_a_list_of_combined_querysets_cannot_be_followed(
    protocol: Any, query: Any, caplog: Any
) -> None:
    """The reason, and what to do, are in the log."""
    await create(title="a")
    async with following(protocol, Combined, **query) as follower:
        assert await follower.next() == ("refused", 500)
    assert "The queryset of Combined is a union of querysets" in caplog.text
    assert "filter(Q(...) | Q(...))" in caplog.text


class BookingSerializer(serializers.ModelSerializer[Booking]):
    class Meta:
        model = Booking
        fields = ("room", "floor")


class BookingConsumer(LiveListMixin, GenericAsyncAPIConsumer):
    queryset = Booking.objects.order_by("pk")
    serializer_class = BookingSerializer


def heard_of(booking: Booking, action: str) -> None:
    """Hear what another process publishes of a booking."""
    observer: Any = BookingConsumer.handle_list_change
    [group] = observer.group_names_for_signal()
    message = dumps({**observer.serialize_key(None, Action(action)), "group": group})
    event = Event(observer.stable_id, group, message, action, booking.pk, "default")
    body = body_of([event], packed=False)
    hub.hear(read(message_of("another", 1, 0, body)))


async def test_another_process_writes_a_row_of_several_keys() -> None:
    """A key of parts comes as a list of texts."""
    booking = await in_thread(Booking.objects.create)(day=datetime.date(2026, 11, 22))
    async with connected(BookingConsumer) as client:
        assert len((await client.call("subscribe_list"))["data"]) == 1
        heard_of(booking, "update")
        frame = await client.frame()
        assert (frame["action"], frame["response_status"]) == ("update", 200)
        await in_thread(Booking.objects.all()._raw_delete)("default")
        heard_of(booking, "delete")
        frame = await client.frame()
        assert (frame["action"], frame["response_status"]) == ("delete", 204)


async def test_a_row_that_comes_into_the_filter_is_created_and_one_that_leaves_deleted(
    protocol: Any,
) -> None:
    article = await create(title="a", status="draft")
    async with following(protocol, status="published") as follower:
        assert await follower.next() == ("snapshot", [])
        await change(article, status="published")
        assert await follower.next() == ("create", "a")
        await change(article, status="draft")
        assert await follower.next() == ("delete", str(article.pk))
        await change(article, status="published")
        assert await follower.next() == ("create", "a")


async def test_search_and_ordering_are_those_of_the_list(protocol: Any) -> None:
    for title in ("ship one", "sea", "ship two"):
        await create(title=title)
    async with following(protocol, search="ship", ordering="-title") as follower:
        assert await follower.next() == ("snapshot", ["ship two", "ship one"])
        await create(title="shore")
        await create(title="ship three")
        assert await follower.next() == ("create", "ship three")


async def test_only_rows_of_the_readers_own_queryset_are_told(protocol: Any) -> None:
    ada, eve = User(pk=1, username="ada"), User(pk=2, username="eve")
    async with (
        following(protocol, OwnArticles, ada) as hers,
        following(protocol, OwnArticles, eve) as theirs,
    ):
        assert await hers.next() == await theirs.next() == ("snapshot", [])
        article = await create(title="of ada", body="ada")
        assert await hers.next() == ("create", "of ada")
        await change(article, body="eve", title="of eve")
        assert await hers.next() == ("delete", str(article.pk))
        assert await theirs.next() == ("create", "of eve")


class Hushed(ArticleSerializer):
    title = serializers.SerializerMethodField()

    def get_title(self, article: Article) -> str:
        return "hidden"


class Choosing(ArticleConsumer):
    """Decides what it lists, and how, when its client connects."""

    own: ClassVar[dict[str, Any]] = {}

    async def connect(self) -> None:
        for name, value in self.own.get(self.scope["user"].username, {}).items():
            setattr(self, name, value)
        await self.accept()


class Asking(ArticleConsumer):
    """What is searched is not the same for all."""

    @property
    def search_fields(self) -> Any:  # type: ignore[override]
        return ("body",) if self.scope["user"].username == "eve" else ("title",)


OWN: dict[str, tuple[Any, str]] = {
    "queryset": (Article.objects.exclude(body="told as a secret"), "told too"),
    "get_queryset": (lambda **kwargs: Article.objects.filter(body=""), "told too"),
    "serializer_class": (Hushed, "hidden"),
    "filter_backends": ([], "other"),
    "search_fields": (("body",), "other"),
    "a property": (None, "other"),
}


@pytest.mark.parametrize("name", OWN)
async def test_a_consumer_that_lists_in_its_own_way_hears_nothing_of_anothers_list(
    protocol: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was told the row of who asked first, once: that is read once for equal lists."""
    value, first = OWN[name]
    consumer = Asking if name == "a property" else Choosing
    monkeypatch.setitem(Choosing.own, "eve", {name: value})
    ada, eve = User(pk=1, username="ada"), User(pk=2, username="eve")
    async with (
        following(protocol, consumer, ada, search="told") as hers,
        following(protocol, consumer, eve, search="told") as theirs,
    ):
        assert await hers.next() == await theirs.next() == ("snapshot", [])
        await create(title="other", body="told as a secret")
        await create(title="told", body="told as a secret" if first == "told too" else "secret")
        await create(title="told too")
        assert await hers.next() == ("create", "told")
        assert await theirs.next() == ("create", first)


class OfReader(FilterSet):  # type: ignore[misc]
    class Meta:
        model = Article
        fields = ("status",)

    @property
    def qs(self) -> Any:
        return super().qs.filter(body=self.request.user.username)


class OwnFilter(ArticleConsumer):
    filterset_class = OfReader


class Owned(BaseFilterBackend):
    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        return queryset.filter(body=request.user.username)


class OwnBackend(ArticleConsumer):
    filter_backends = [Owned, *ArticleConsumer.filter_backends]


class ForReader(ArticleSerializer):
    title = serializers.SerializerMethodField()

    def get_title(self, article: Article) -> str:
        name = self.context["request"].user.username
        return article.title if article.body == name else "hidden"


class OwnSerializer(ArticleConsumer):
    serializer_class = ForReader


@pytest.mark.parametrize("consumer", [OwnFilter, OwnBackend, OwnSerializer])
async def test_whatever_looks_at_who_reads_is_asked_for_each_reader(
    protocol: Any, consumer: Any
) -> None:
    ada, eve = User(pk=1, username="ada"), User(pk=2, username="eve")
    async with (
        following(protocol, consumer, ada) as hers,
        following(protocol, consumer, eve) as theirs,
    ):
        assert await hers.next() == await theirs.next() == ("snapshot", [])
        await create(title="of ada", body="ada")
        assert await hers.next() == ("create", "of ada")
        if consumer is OwnSerializer:
            assert await theirs.next() == ("create", "hidden")
        await create(title="of eve", body="eve")
        assert await theirs.next() == ("create", "of eve")


async def test_lists_of_sockets_that_were_opened_with_other_queries_are_other_lists() -> None:
    """A frame without a query of its own is filtered by the query of its socket."""
    async with AsyncExitStack() as stack:
        followers = []
        for query in (b"search=a", b"search=b"):
            follower = NativeFollower(router_of(ArticleConsumer), AnonymousUser(), query)
            stack.push_async_callback(follower.close)
            await follower.follow_all()
            assert await follower.next() == ("snapshot", [])
            followers.append(follower)
        for title in "ab":
            await create(title=title)
        assert [await each.next() for each in followers] == [("create", "a"), ("create", "b")]


class Slow(ArticleConsumer):
    """Lets a test change rows while the list is being read."""

    while_reading: ClassVar[Any] = None

    def live_rows(self, live: Any) -> Any:
        rows = super().live_rows(live)
        if Slow.while_reading is not None:
            work, Slow.while_reading = Slow.while_reading, None
            work()
        return rows


async def test_what_changes_while_the_list_is_read_is_told_after_it(protocol: Any) -> None:
    Slow.while_reading = lambda: Article.objects.create(title="meanwhile")
    async with following(protocol, Slow) as follower:
        assert await follower.next() == ("snapshot", [])
        assert await follower.next() == ("create", "meanwhile")
        await create(title="after")
        assert await follower.next() == ("create", "after")


class Dawdling(Slow):
    """Has something else to do before it answers."""

    answers: ClassVar[asyncio.Event]
    read: ClassVar[asyncio.Event]

    @action(subscribes="handle_list_change")
    async def subscribe_list(self, **kwargs: Any) -> Any:
        reply = await super().subscribe_list(**kwargs)
        Dawdling.read.set()
        await Dawdling.answers.wait()
        return reply


async def test_what_changes_while_the_list_is_read_waits_for_the_answer(
    protocol: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dawdling, "answers", asyncio.Event(), raising=False)
    monkeypatch.setattr(Dawdling, "read", asyncio.Event(), raising=False)
    monkeypatch.setattr(Slow, "while_reading", lambda: Article.objects.create(title="meanwhile"))
    follower: Follower = protocol(router_of(Dawdling), AnonymousUser())
    begun = asyncio.ensure_future(follower.follow())
    await asyncio.wait_for(Dawdling.read.wait(), PATIENCE)
    await create(title="after it was read")
    for _ in range(10):
        await in_thread(Article.objects.count)()  # an event could have been read and told by now
    Dawdling.answers.set()
    await begun
    heard = [await follower.next() for _ in range(3)]
    assert heard == [("snapshot", []), ("create", "meanwhile"), ("create", "after it was read")]
    await follower.close()


async def test_a_rollback_is_not_told(protocol: Any) -> None:
    def roll_back() -> None:
        with transaction.atomic():
            Article.objects.create(title="never")
            transaction.set_rollback(True)

    async with following(protocol) as follower:
        assert await follower.next() == ("snapshot", [])
        await in_thread(roll_back)()
        await create(title="ever")
        assert await follower.next() == ("create", "ever")


async def test_a_list_that_is_too_long_is_refused_and_nothing_subscribed(protocol: Any) -> None:
    for number in range(3):
        await create(title=str(number))
    with override_settings(DCRF_GRAPH={"MAX_LIVE_ROWS": 2}):
        async with following(protocol) as follower:
            assert await follower.next() == ("refused", 400)
            assert hub.count() == 0
    with override_settings(DCRF_GRAPH={"MAX_LIVE_ROWS": 3}):
        async with following(protocol) as follower:
            assert await follower.next() == ("snapshot", ["0", "1", "2"])


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What has joined a group."""
    members: list[Any] = []
    join = hub.join

    async def note(group: str, member: Any) -> None:
        members.append(member)
        await join(group, member)

    monkeypatch.setattr(hub, "join", note)
    return members


async def test_events_that_were_lost_bring_the_whole_list_again(
    protocol: Any, joined: list[Any]
) -> None:
    await create(title="one")
    async with following(protocol) as follower:
        assert await follower.next() == ("snapshot", ["one"])
        joined[0].gap(Gap())
        assert await follower.next() == ("snapshot", ["one"])


class Taken(BasePermission):
    """May be taken away."""

    allowed: ClassVar[bool] = True

    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return Taken.allowed


class Takeable(ArticleConsumer):
    permission_classes = [Taken]


async def test_a_list_that_may_be_read_no_more_is_not_brought_again(
    protocol: Any, joined: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is one that has become too long: the subscription says so, and ends."""
    await create(title="one")
    async with following(protocol, Takeable) as follower:
        assert await follower.next() == ("snapshot", ["one"])
        monkeypatch.setattr(Taken, "allowed", False)
        joined[0].gap(Gap())
        assert (await refusal(follower))["status"] == 403
        assert hub.count() == 0


async def test_a_list_that_has_become_too_long_to_be_brought_again_ends(
    protocol: Any, joined: list[Any]
) -> None:
    async with following(protocol) as follower:
        assert await follower.next() == ("snapshot", [])
        await create(title="one")
        await follower.next()
        with override_settings(DCRF_GRAPH={"MAX_LIVE_ROWS": 0}):
            joined[0].gap(Gap())
            assert (await refusal(follower))["status"] == 400
        assert hub.count() == 0


class Failing(Slow):
    fails: ClassVar[bool] = False

    def live_row(self, arguments: Mapping[str, Any], pk: Any) -> Any:
        if Failing.fails:
            Failing.fails = False
            raise RuntimeError("a secret")
        return super().live_row(arguments, pk)


async def test_a_change_that_cannot_be_told_after_the_list_stops_no_other(
    protocol: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def meanwhile() -> None:
        Failing.fails = True
        Article.objects.create(title="not told")
        Article.objects.create(title="told")

    monkeypatch.setattr(Slow, "while_reading", meanwhile)
    with caplog.at_level(logging.CRITICAL, "dcrf_graph"):
        async with following(protocol, Failing) as follower:
            assert await follower.next() == ("snapshot", [])
            assert (await refusal(follower))["status"] == 500
            assert await follower.next() == ("create", "told")
            await create(title="after")
            assert await follower.next() == ("create", "after")


class Held(ArticleConsumer):
    """Reads a row when it may."""

    reading: ClassVar[threading.Event]
    may_read: ClassVar[threading.Event]

    def live_row(self, arguments: Mapping[str, Any], pk: Any) -> Any:
        Held.reading.set()
        assert Held.may_read.wait(PATIENCE)
        return super().live_row(arguments, pk)


async def test_a_list_that_is_subscribed_anew_hears_nothing_of_the_one_before() -> None:
    Held.reading, Held.may_read = threading.Event(), threading.Event()
    async with following(NativeFollower, Held, status="draft") as follower:
        assert await follower.next() == ("snapshot", [])
        await create(title="a draft")
        assert await asyncio.to_thread(Held.reading.wait, PATIENCE)
        await follower.follow(status="published")
        assert await follower.next() == ("snapshot", [])
        Held.may_read.set()
        await create(title="published", status="published")
        assert await follower.next() == ("create", "published")


async def test_a_list_that_is_subscribed_anew_is_not_brought_again(joined: list[Any]) -> None:
    """What was missed was of the list before."""
    reading, may_read = threading.Event(), threading.Event()

    def hold() -> None:
        reading.set()
        assert may_read.wait(PATIENCE)

    await create(title="a draft", status="draft")
    async with following(NativeFollower, Slow, status="draft") as follower:
        assert await follower.next() == ("snapshot", ["a draft"])
        Slow.while_reading = hold
        joined[0].gap(Gap())
        assert await asyncio.to_thread(reading.wait, PATIENCE)
        await follower.follow(status="published")
        assert await follower.next() == ("snapshot", [])
        may_read.set()
        await create(title="published", status="published")
        assert await follower.next() == ("create", "published")


async def test_who_leaves_while_a_row_is_read_takes_it_from_nobody(protocol: Any) -> None:
    """Two who follow one list wait for one reading."""
    Held.reading, Held.may_read = threading.Event(), threading.Event()
    async with following(protocol, Held) as leaving, following(protocol, Held) as staying:
        assert await leaving.next() == await staying.next() == ("snapshot", [])
        await create(title="read once")
        assert await asyncio.to_thread(Held.reading.wait, PATIENCE)
        await leaving.close()
        Held.may_read.set()
        assert await staying.next() == ("create", "read once")


class Remembered(ArticleConsumer):
    made: ClassVar[list[Any]] = []

    async def connect(self) -> None:
        self.made.append(self)
        await self.accept()


async def test_lists_that_are_followed_no_more_are_forgotten(
    protocol: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Remembered, "made", [])
    await create(title="a")
    async with following(protocol, Remembered) as follower:
        for _ in range(3):
            assert await follower.next() == ("snapshot", ["a"])
            await follower.unfollow()
            await follower.follow()
        assert await follower.next() == ("snapshot", ["a"])
        [consumer] = Remembered.made
        assert len(consumer.live_lists) == 1
        await follower.unfollow()
        with override_settings(DCRF_GRAPH={"MAX_LIVE_ROWS": 0}):
            await follower.follow()
            assert await follower.next() == ("refused", 400)
        assert consumer.live_lists == {}


async def test_whoever_unsubscribes_hears_no_more(protocol: Any) -> None:
    async with following(protocol) as follower:
        await follower.next()
        assert hub.count() == 1
        await follower.unfollow()
        assert hub.count() == 0


class MayListOnly(BasePermission):
    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return True

    async def has_object_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False


class Guarded(ArticleConsumer):
    permission_classes = [MayListOnly]


async def test_an_object_permission_is_asked_no_more_than_a_list_asks_it(protocol: Any) -> None:
    async with following(protocol, Guarded) as follower:
        assert await follower.next() == ("snapshot", [])
        await create(title="listed")
        assert await follower.next() == ("create", "listed")


async def test_a_permission_that_is_taken_away_ends_it(
    protocol: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(protocol, Takeable) as follower:
        await follower.next()
        monkeypatch.setattr(Taken, "allowed", False)
        await create(title="secret")
        with pytest.raises((KeyError, TypeError)):
            await follower.next()
        assert hub.count() == 0


@pytest.mark.parametrize(
    ("queries", "expected"),
    [([{}] * 5, 1), ([{"search": "a"}] * 2 + [{"search": "b"}] * 3, 2)],
    ids=["one list", "two lists"],
)
async def test_a_change_is_asked_of_the_database_once_for_each_distinct_list(
    protocol: Any, queries: list[Mapping[str, Any]], expected: int
) -> None:
    async with AsyncExitStack() as stack:
        followers = [
            await stack.enter_async_context(following(protocol, **query)) for query in queries
        ]
        for follower in followers:
            await follower.next()
        with counted() as statements:
            await create(title="ab")
            for follower in followers:
                assert await follower.next() == ("create", "ab")
        read = [each for each in statements.statements if each.startswith("SELECT")]
        assert len(read) == expected, statements


def test_the_schema_says_what_comes() -> None:
    sdl = router_of(ArticleConsumer).sdl
    assert "): ArticleListUpdate!" in sdl
    assert "enum ListAction {" in sdl
    assert "subscribeList" not in sdl


async def test_a_list_is_followed_in_several_loops(protocol: Any) -> None:
    async def follow(joined: Any) -> tuple[Heard, Heard]:
        async with following(protocol) as follower:
            rows = await follower.next()
            joined()
            return rows, await follower.next()

    both = threading.Barrier(3)
    loops = [asyncio.to_thread(asyncio.run, follow(lambda: both.wait(PATIENCE))) for _ in range(2)]
    told = asyncio.gather(*loops)
    await asyncio.to_thread(both.wait, PATIENCE)
    await create(title="new")
    assert await told == [(("snapshot", []), ("create", "new"))] * 2
