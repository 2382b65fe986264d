"""Doubles that record: streams that answer what a test tells them, and short ways to ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from dcrf_graph.exceptions import CallFailed
from dcrf_graph.graphql.execution import Answered, Executor, Rejected, Subscribed
from dcrf_graph.graphql.schema import Derived, derive
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.replies import Event, Reply
from tests.graphql.board import Registered

KINDS = frozenset({"query", "mutation", "subscription"})
NOBODY = AnonymousUser()
SOMEBODY = User(pk=1, username="somebody")


def reply(data: Any = None, status: int = 200, errors: Any = ()) -> Reply:
    return Reply(data, status, list(errors), None, {})


def change(action: str, pk: Any, data: Any) -> Event:
    return Event(action, pk, data, {})


class Source:
    """Events as they come: those of the list, then ``end`` is raised, once."""

    def __init__(self, items: list[Any], end: Exception | None = None) -> None:
        self.items = list(items)
        self.end = end
        self.ended = False
        self.closed = asyncio.Event()

    def __aiter__(self) -> Source:
        return self

    async def __anext__(self) -> Any:
        if self.items:
            return self.items.pop(0)
        if self.end is not None:
            end, self.end = self.end, None
            self.ended = True
            raise end
        if self.ended:
            raise StopAsyncIteration
        await self.closed.wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed.set()


class RecordingStreams:
    """Streams that record what they are asked and answer by action."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.calls: list[tuple[str, str, Mapping[str, Any]]] = []
        self.selections: list[Any] = []
        self.together = 0
        self.most_together = 0

    async def call(
        self, stream: str, action: str, arguments: Mapping[str, Any], selection: Any = None
    ) -> Reply:
        self.selections.append(selection)
        self.calls.append((stream, action, arguments))
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        await asyncio.sleep(0)
        self.together -= 1
        answer = self.answers.get(action, reply())
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Reply)
        return answer

    async def events(self, stream: str, action: str, arguments: Mapping[str, Any]) -> Any:
        self.calls.append((stream, action, arguments))
        answer = self.answers[action]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pages(
        self, stream: str, action: str, arguments: Mapping[str, Any], selection: Any = None
    ) -> AsyncGenerator[Reply, None]:
        self.calls.append((stream, action, arguments))
        for page in self.answers[action]:
            if page.status >= 400:
                raise CallFailed(page.status, page.errors)
            yield page


def schema_of(consumer: Any, prefix: str = "things", singular: str = "thing") -> Derived:
    """The schema of one consumer."""
    return derive([Registered(prefix, consumer, singular)])


def definition_of(derived: Derived, name: str) -> str:
    """The SDL of one type."""
    blocks = [block for block in derived.sdl.split("\n\n") if f" {name} {{" in block]
    assert len(blocks) == 1, derived.sdl
    return blocks[0].strip()


class Client:
    """Sends operations to an executor, as a transport would."""

    def __init__(self, derived: Derived, answers: Mapping[str, Any] | None = None) -> None:
        self.executor = Executor(derived)
        self.streams = RecordingStreams(answers)
        self.user: Any = NOBODY

    @property
    def context(self) -> dict[str, Any]:
        return {"request": None, "scope": {}, "user": self.user, "streams": self.streams}

    async def send(
        self, query: str, variables: dict[str, Any] | None = None, name: str | None = None
    ) -> Any:
        request = OperationRequest(query, name, variables)
        return await self.executor.execute(request, self.context, KINDS)

    async def result(self, query: str, **variables: Any) -> dict[str, Any]:
        outcome = await self.send(query, variables or None)
        assert isinstance(outcome, Answered), outcome
        return outcome.result

    async def rejection(self, query: str, **variables: Any) -> Rejected:
        outcome = await self.send(query, variables or None)
        assert isinstance(outcome, Rejected), outcome
        return outcome

    async def subscription(self, query: str, **variables: Any) -> Any:
        outcome = await self.send(query, variables or None)
        assert isinstance(outcome, Subscribed), outcome
        return outcome.results
