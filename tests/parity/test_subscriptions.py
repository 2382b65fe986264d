"""Subscriptions: who may have them, what they hear, and how they end, in every protocol."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from asgiref.sync import sync_to_async

from dcrf_graph.graphql.operations import Operation
from dcrf_graph.routers import Router
from examples.board.api import router
from tests.parity.cases import WRITERS, Case, cases_of
from tests.parity.clients import Client, clients_of
from tests.parity.drives import Drive, assert_alike, compare
from tests.parity.translation import Answer, Refusal
from tests.parity.watchers import (
    Heard,
    Topic,
    Watcher,
    is_fence,
    running,
    settled,
    topics_of,
    watchers,
)
from tests.parity.world import VISITORS, Rows, dump, fence, restore, visitor

pytestmark = pytest.mark.long

SUBSCRIPTIONS = [o for o in router.operations if o.kind == "subscription" and o.shape != "pages"]
PAGES = [o for o in router.operations if o.shape == "pages"]
CHANGES = [o for o in router.operations if o.kind == "mutation"]
TOPICS = topics_of(router)

each_client = pytest.mark.parametrize(
    "client", clients_of("subscription"), ids=lambda client: client.name
)


# -- beginning ---------------------------------------------------------------------------------


async def first_answer(served: Router, client: Client, case: Case, who: str) -> Drive:
    """Subscribe; the answer is the refusal, or a plain yes."""
    async with client.connect(served, visitor(who)) as session:
        watch = await session.watch(case.operation, case.arguments)
        answer = await watch.next() if watch.waits() else Answer("subscribed")
    assert answer is not None
    return Drive(answer, {})


@pytest.mark.parametrize("operation", SUBSCRIPTIONS, ids=lambda each: each.name)
async def test_who_may_subscribe_is_alike(
    operation: Operation, before: Rows, subtests: pytest.Subtests
) -> None:
    for case in cases_of(operation):
        for who in case.visitors:
            with subtests.test(f"{case.title}, as {who}"):
                await compare(router, case, who, {}, first_answer)


@pytest.mark.parametrize("operation", PAGES, ids=lambda each: each.name)
async def test_a_streamed_list_has_the_same_pages(
    operation: Operation, before: Rows, subtests: pytest.Subtests
) -> None:
    for case in cases_of(operation):
        for who in case.visitors:
            with subtests.test(f"{case.title}, as {who}"):
                pages = []
                for client in clients_of("subscription"):
                    async with client.connect(router, visitor(who)) as session:
                        pages.append(await session.pages(operation, case.arguments))
                native, other = pages
                assert len(native) == len(other) > 0
                for first, second in zip(native, other, strict=True):
                    assert_alike(first, second, str(case))


# -- hearing -----------------------------------------------------------------------------------


class Audience:
    """Drives a case while others watch, and keeps what they heard."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.watching: dict[str, Watcher] = {}
        self.heard: dict[str, Heard] = {}

    async def drive(self, served: Router, client: Client, case: Case, who: str) -> Drive:
        """Let somebody change something; whoever watches is the author."""
        if not self.watching or any(watcher.ended for watcher in self.watching.values()):
            await self.stack.aclose()
            watching = watchers(served, "author", TOPICS)
            self.watching = await self.stack.enter_async_context(watching)
        for watcher in self.watching.values():
            await watcher.heard()
        async with client.connect(served, visitor(who)) as session:
            lasting = running()
            answer = await session.call(case.operation, case.arguments)
            await settled(lasting)
        for name, watcher in self.watching.items():
            self.heard[f"{name}, of {client.name}"] = await watcher.heard()
        return Drive(answer, await sync_to_async(dump)())


@pytest.mark.parametrize("operation", CHANGES, ids=lambda each: each.name)
async def test_whoever_watches_hears_the_same(
    operation: Operation, before: Rows, subtests: pytest.Subtests
) -> None:
    """Whichever protocol made a change, the subscribers of both hear of it alike."""
    told = False
    async with AsyncExitStack() as stack:
        audience = Audience(stack)
        for case in telling(operation):
            with subtests.test(case.title):
                await compare(router, case, "author", before, audience.drive)
                first, *others = audience.heard.items()
                for name, topics in others:
                    assert topics == first[1], f"{case}: {name}, unlike {first[0]}"
                told = told or any(first[1].values())
    assert told == (operation.name not in UNHEARD)


UNHEARD = {"boardCreate", "columnCreate", "labelCreate", "labelUpdate", "labelPatch"}
"""Nobody can have subscribed to a row that is not there yet; labels have no subscription, but a
deleted one changes the cards that had it."""


def telling(operation: Operation) -> list[Case]:
    """The cases of rows that are there, and of data that are fine."""
    return [
        case for case in cases_of(operation) if case.visitors != WRITERS and len(case.visitors) > 1
    ]


@pytest.mark.parametrize("who", VISITORS)
async def test_whoever_may_subscribe_hears(who: str, before: Rows) -> None:
    """Everybody hears of what they see: each topic is heard in every protocol, or refused."""
    heard = []
    async with watchers(router, who, TOPICS) as watching:
        refused = [await watcher.heard() for watcher in watching.values()]
        await sync_to_async(fence)()
        for watcher, refusals in zip(watching.values(), refused, strict=True):
            topics = [topic for topic in map(str, TOPICS) if not refusals[topic]]
            heard.append([await watcher.watches[topic].next() for topic in topics])
    assert refused[0] == refused[1]
    assert heard[0] == heard[1]
    assert len(heard[0]) == len(TOPICS) / (1 if who in ("author", "member") else 2)
    assert all(event is not None and is_fence(event) for event in heard[0])


# -- ending ------------------------------------------------------------------------------------


@each_client
@pytest.mark.parametrize("topic", TOPICS, ids=str)
async def test_who_has_unsubscribed_hears_nothing(
    topic: Topic, client: Client, before: Rows
) -> None:
    """One of two subscriptions to the same ends; the other one hears what happens after that."""
    async with client.connect(router, visitor("author")) as session:
        ending, staying = [await session.watch(topic.operation, topic.arguments) for _ in range(2)]
        lasting = running()
        await ending.end()
        await sync_to_async(fence)()
        event = await staying.next()
        await settled(lasting)
    assert event is not None
    assert is_fence(event)
    assert not ending.waits()


async def lose(client: Client, topic: Topic) -> list[Answer]:
    """What a member hears who is thrown out of the private board before something happens."""
    await sync_to_async(restore)()
    events = []
    async with client.connect(router, visitor("member")) as session:
        watch = await session.watch(topic.operation, topic.arguments)
        lasting = running()
        await sync_to_async(fence)(expelled=True)
        await settled(lasting)
        await session.turn("labels")
        while watch.waits():
            if (event := await watch.next()) is not None:
                events.append(event)
    return events


PERSONAL = [t for t in TOPICS if t.title == "private"]
"""What a member hears of a private board."""


@pytest.mark.parametrize("topic", PERSONAL, ids=str)
async def test_who_is_no_member_any_more_is_refused_the_next_event(
    topic: Topic, before: Rows
) -> None:
    """No data leaves: the subscription ends with one refusal, in every protocol."""
    native, other = [await lose(client, topic) for client in clients_of("subscription")]
    assert native == other
    [event] = native
    assert event.refusal is not None
    assert event.refusal == Refusal(event.refusal.status, event.refusal.code)
