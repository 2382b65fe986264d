"""Who has missed events is told so, and hears the next ones, in every protocol."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from dcrf_graph.changes.change import Gap
from dcrf_graph.changes.hub import hub
from examples.board.api import router
from tests.parity.clients import Client, clients_of
from tests.parity.translation import Refusal
from tests.parity.watchers import Topic, is_fence, topics_of
from tests.parity.world import Rows, fence, visitor

TOPICS = [topic for topic in topics_of(router) if topic.title != "private"]


@pytest.mark.parametrize("client", clients_of("subscription"), ids=lambda client: client.name)
@pytest.mark.parametrize("topic", TOPICS, ids=str)
async def test_a_gap_is_told_before_what_is_heard_after_it(
    topic: Topic, client: Client, before: Rows
) -> None:
    async with client.connect(router, visitor("author")) as session:
        watch = await session.watch(topic.operation, topic.arguments)
        hub.tell(Gap())
        await sync_to_async(fence)()
        told = [answer for _ in range(2) if (answer := await watch.next()) is not None]
    assert [is_fence(answer) for answer in told] == [False, True]
    assert told[0].refusal == Refusal(410, "EVENTS_LOST")
