"""
One case, driven by each client that can ask for it, always from the same rows.

A drive is what a client was answered and what is in the database afterwards.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async

from dcrf_graph.routers import Router
from tests.parity.cases import Case
from tests.parity.clients import Client, clients_of
from tests.parity.translation import Answer, Refusal
from tests.parity.world import Rows, dump, restore, visitor


@dataclass(frozen=True)
class Drive:
    """What came of a case with one client."""

    answer: Answer
    rows: Rows


async def drive(router: Router, client: Client, case: Case, who: str) -> Drive:
    """Ask once, as this visitor, from the rows that there are; those after a query are not read."""
    async with client.connect(router, visitor(who)) as session:
        answer = await session.call(case.operation, case.arguments)
    if case.operation.kind == "query":
        return Drive(answer, {})
    return Drive(answer, await sync_to_async(dump)())


async def compare(
    router: Router,
    case: Case,
    who: str,
    before: Rows,
    driving: Callable[[Router, Client, Case, str], Awaitable[Drive]] = drive,
) -> Drive:
    """Drive a case with every client, and see that all drives are alike; returns the native one.

    The rows are ``before`` at the start of each drive, and again at the end.
    """
    native: Drive | None = None
    for client in clients_of(case.operation.kind):
        drove = await driving(router, client, case, who)
        if drove.rows != before:
            await sync_to_async(restore)()
        native = native or drove
        place = f"{case}, as {who}: {client.name}"
        assert_alike(native.answer, drove.answer, place)
        assert drove.rows == native.rows, f"{place} left other rows"
        if drove.answer.refusal is not None:
            assert drove.rows == before, f"{place} was refused and changed something"
    assert native is not None
    return native


def assert_alike(native: Answer, other: Answer, place: str) -> None:
    """The same data, or the same refusal; GraphQL's types may refuse first what native refuses."""
    refusal = other.refusal
    if refusal is None or native.refusal is None or not refusal.by_types:
        assert other == native, place
    if refusal is not None and native.refusal is not None:
        assert says_the_same(native.refusal, refusal), f"{place}: {refusal.texts}"


def says_the_same(native: Refusal, other: Refusal) -> bool:
    """Whether every native text is in GraphQL's; types have words of their own."""
    said = " ".join(other.texts)
    return other.by_types or (other == native and all(text in said for text in native.texts))


def values(answer: Answer) -> Any:
    """The data of an answer that must not be a refusal."""
    assert answer.refusal is None, answer.refusal
    return answer.data
