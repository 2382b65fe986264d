"""
What third clients hear of a change: a native subscriber and a GraphQL one, of the same topics.

A topic is a subscription with its arguments. Silence is not waited for: when every delivery that
has begun is done, there is nothing left that could be heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from dcrf_graph.connection import open_connections
from dcrf_graph.graphql.operations import Operation
from dcrf_graph.observer.deliverer import delivering
from dcrf_graph.routers import Router
from tests.parity.cases import Arguments, cases_of
from tests.parity.clients import Session, Watch, clients_of
from tests.parity.sockets import PATIENCE
from tests.parity.translation import Answer
from tests.parity.world import FENCE, KEYS, visitor

Heard: TypeAlias = dict[str, list[Answer]]


@dataclass(frozen=True)
class Topic:
    """Something to subscribe to."""

    operation: Operation
    title: str
    arguments: Arguments

    def __str__(self) -> str:
        return f"{self.operation.name}, {self.title}"


def topics_of(router: Router) -> list[Topic]:
    """Every subscription of a router but streams of pages, on both boards."""
    return [
        Topic(operation, case.title, case.arguments)
        for operation in router.operations
        if operation.kind == "subscription" and operation.shape != "pages"
        for case in cases_of(operation)
        if case.title in KEYS["boards"]
    ]


class Watcher:
    """One client that watches topics."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.watches: dict[str, Watch] = {}
        self.ended = False

    async def subscribe(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            self.watches[str(topic)] = await self.session.watch(topic.operation, topic.arguments)

    async def heard(self) -> Heard:
        """By topic, what has come and has not been read."""
        # What GraphQL makes of the events that are there is sent before this is answered.
        await self.session.turn("labels")
        heard: Heard = {}
        for topic, watch in self.watches.items():
            events = heard[topic] = []
            while watch.waits():
                event = await watch.next()
                if event is not None:
                    events.append(event)
                self.ended = self.ended or event is None or event.refusal is not None
        return heard


@asynccontextmanager
async def watchers(
    router: Router, who: str, topics: Iterable[Topic]
) -> AsyncIterator[dict[str, Watcher]]:
    """A client of each protocol, subscribed to the topics as this visitor; by protocol."""
    watching: dict[str, Watcher] = {}
    async with AsyncExitStack() as stack:
        for client in clients_of("subscription"):
            session = await stack.enter_async_context(client.connect(router, visitor(who)))
            watching[client.name] = Watcher(session)
            await watching[client.name].subscribe(topics)
        yield watching


def is_fence(event: Answer) -> bool:
    """Whether an event is about the fence: its row has that name."""
    data = event.data
    row = data.get("data", data) if isinstance(data, dict) else None
    return isinstance(row, dict) and FENCE in (row.get("name"), row.get("title"), row.get("text"))


def running() -> set[asyncio.Task[Any]]:
    """The tasks of all connections, now."""
    of_connections = {task for each in list(open_connections) for task in each.tasks}
    return of_connections | delivering()


async def settled(lasting: set[asyncio.Task[Any]]) -> None:
    """Wait until every delivery that has begun is done.

    Args:
        lasting: the tasks that were there before, which go on.
    """
    async with asyncio.timeout(PATIENCE):
        while busy := running() - lasting:
            await asyncio.wait(busy)
