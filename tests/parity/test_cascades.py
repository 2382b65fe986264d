"""A board that is deleted takes along what says who sees it: its followers hear that all is gone.

Source: docs/decisions/0038-a-deletion-is-never-refused.md
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async

from dcrf_graph.changes.change import Gap
from dcrf_graph.changes.hub import hub
from examples.board.api import router
from examples.board.models import Board
from tests.parity.translation import Answer
from tests.parity.watchers import Topic, is_fence, running, settled, topics_of, watchers
from tests.parity.world import Rows, fence

TOPICS = [topic for topic in topics_of(router) if topic.title == "public"]
LIVE = [
    Topic(operation, "of the public board", {"query": {"board": "1"}})
    for operation in router.operations
    if operation.shape == "live"
]
GONE = {
    "boardChanged": {1},
    "columnChanged": {11},
    "cardActivity": {101, 102, 103},
    "cardChanged": {101},
    "commentActivity": {1001, 1002},
    "chatJoin": set(),
    "cardsLive": {101, 102, 103},
}
"""By subscription to something of the public board, the rows that go with it."""


def delete_the_public_board() -> None:
    Board.objects.get(pk=1).delete()


def key_of(event: Answer) -> int:
    """The key of a row that has gone, of which nothing else is told."""
    assert event.refusal is None
    assert (event.data["action"], event.data["data"]) == ("DELETE", None)
    return int(event.data["id"])


@pytest.mark.parametrize("who", ["anonymous", "stranger", "member"])
async def test_whoever_follows_a_board_that_is_deleted_hears_that_its_rows_are_gone(
    who: str, before: Rows
) -> None:
    """In both protocols; nobody is refused, and the subscription goes on."""
    async with watchers(router, who, TOPICS + LIVE) as watching:
        for watcher in watching.values():
            await watcher.heard()  # of a live list, what is there
        lasting = running()
        await sync_to_async(delete_the_public_board)()
        await settled(lasting)
        for watcher in watching.values():
            for topic, events in (await watcher.heard()).items():
                assert sorted(map(key_of, events)) == sorted(GONE[topic.split(",")[0]]), topic
            assert not watcher.ended
        await sync_to_async(fence)()
        for watcher in watching.values():
            for each in TOPICS:
                event = await watcher.watches[str(each)].next()
                assert event is not None
                assert is_fence(event)


async def test_a_live_list_of_a_board_that_is_deleted_is_empty_after_a_gap(before: Rows) -> None:
    """Its filter names what is not there any more; the list is not refused for that."""
    async with watchers(router, "stranger", LIVE) as watching:
        lasting = running()
        await sync_to_async(delete_the_public_board)()
        await sync_to_async(hub.tell)(Gap())
        await settled(lasting)
        for watcher in watching.values():
            [events] = (await watcher.heard()).values()
            assert events[-1].refusal is None
            assert (events[-1].data["action"], events[-1].data["rows"]) == ("SNAPSHOT", [])


async def test_a_live_list_of_a_board_that_is_not_there_is_refused(before: Rows) -> None:
    unknown = [replace(each, arguments={"query": {"board": "999"}}) for each in LIVE]
    async with watchers(router, "stranger", unknown) as watching:
        for watcher in watching.values():
            [[event]] = (await watcher.heard()).values()
            assert event.refusal is not None
            assert event.refusal.status == 400
