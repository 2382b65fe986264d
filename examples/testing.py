"""
Tests of the consumer that the README shows, natively and in GraphQL.

    python -m pytest examples/testing.py

`docs/testing.md` shows this file piece by piece.
"""

from __future__ import annotations

# [native]
from django.test import TestCase

from dcrf_graph.testing import GraphQLClient, NativeClient
from examples.board.models import Label
from examples.tour import LabelConsumer, router


class LabelTests(TestCase):
    async def test_who_follows_a_label_hears_of_its_new_name(self) -> None:
        label = await Label.objects.acreate(name="Soon", colour="rose")
        async with NativeClient(LabelConsumer) as client:
            await client.call("subscribe_instance", pk=label.pk)
            reply = await client.call("rename", pk=label.pk, name="Urgent")
            assert reply["response_status"] == 200
            event = await client.receive()
            assert event["action"] == "update"
            assert event["data"]["name"] == "Urgent"
            await client.nothing()

    # [end]

    # [graphql]
    async def test_who_subscribes_hears_what_anybody_saves(self) -> None:
        label = await Label.objects.acreate(name="Soon", colour="rose")
        query = "subscription($id: ID!) { labelChanged(id: $id) { action data { name } } }"
        async with (
            GraphQLClient(router) as client,
            client.subscribe(query, {"id": label.pk}) as events,
        ):
            label.name = "Urgent"
            await label.asave()
            result = await events.receive()
            expected = {"action": "UPDATE", "data": {"name": "Urgent"}}
            assert result["data"]["labelChanged"] == expected

    # [end]


# [pytest]
import pytest  # noqa: E402


@pytest.fixture
def label(db: None) -> Label:
    return Label.objects.create(name="Soon", colour="rose")


async def test_labels_are_listed(label: Label) -> None:
    async with GraphQLClient(router) as client:
        result = await client.execute("{ labels { name } }")
    assert result == {"data": {"labels": [{"name": "Soon"}]}}


# [end]
