"""Many-to-many relations, observed or not."""

# mypy: disable-error-code="no-redef"
# An observer and its hooks share one name: upstream's way to write them.
from __future__ import annotations

from typing import Any

from tests.comparison.library import (
    AsyncAPIConsumer,
    GenericAsyncAPIConsumer,
    ObserverModelInstanceMixin,
    action,
    model_observer,
)
from tests.comparison.models import Card, Label
from tests.comparison.scenario import scenario
from tests.comparison.scenarios.instances import Cards, follower, rename
from tests.comparison.scenarios.mixins import three_cards
from tests.comparison.scenarios.model_observers import CardEvents, listening
from tests.comparison.serializers import (
    LabelledCardSerializer,
)
from tests.comparison.stage import Stage


class LabelledCards(AsyncAPIConsumer):
    """Cards with their labels."""

    @model_observer(Card, serializer_class=LabelledCardSerializer, many_to_many=True)
    async def labelled_card_event(
        self, message: Any, action: str, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @action()
    async def listen(self, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
        await self.labelled_card_event.subscribe(request_id=request_id)
        return None, 201


async def a_labelled_card() -> Card:
    """A card, and labels 1 and 2."""
    await Label.objects.acreate(name="l1")
    await Label.objects.acreate(name="l2")
    return await Card.objects.acreate(title="one")


@scenario("many_to_many: adding, removing and clearing are updates")
async def many_to_many(stage: Stage) -> None:
    card = await a_labelled_card()
    client = await listening(stage, LabelledCards)
    await card.labels.aadd(1, 2)
    await client.until(action="update")
    await card.labels.aremove(1)
    await client.until(action="update")
    await card.labels.aclear()
    await client.until(action="update")


@scenario("many_to_many: changes from the other side are updates")
async def many_to_many_reverse(stage: Stage) -> None:
    card = await a_labelled_card()
    label = await Label.objects.aget(pk=1)
    client = await listening(stage, LabelledCards)
    await label.cards.aadd(card)
    await client.until(action="update")
    await label.cards.aremove(card)
    await client.until(action="update")


@scenario("without many_to_many a changed relation is silent")
async def not_many_to_many(stage: Stage) -> None:
    card = await a_labelled_card()
    client = await listening(stage, CardEvents)
    await card.labels.aadd(1)
    await Card.objects.acreate(title="two")
    await client.until(action="create")


@scenario("followed relations: adding, removing, clearing and setting are updates")
async def followed_relations(stage: Stage) -> None:
    class Labelled(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
        queryset = Card.objects.all()
        serializer_class = LabelledCardSerializer
        observer_many_to_many_relationships = True

    await three_cards()
    for name in ("l1", "l2"):
        await Label.objects.acreate(name=name)
    card = await Card.objects.aget(pk=1)
    client = await follower(stage, Labelled, 1)
    await card.labels.aadd(1)
    await client.until(action="update")
    await card.labels.aset([1, 2])
    await client.until(action="update")
    await (await Label.objects.aget(pk=2)).cards.aremove(card)
    await client.until(action="update")
    await card.labels.aclear()
    await client.until(action="update")


@scenario("relations that are not followed are silent")
async def unfollowed_relations(stage: Stage) -> None:
    await three_cards()
    await Label.objects.acreate(name="l1")
    card = await Card.objects.aget(pk=1)
    client = await follower(stage, Cards, 1)
    await card.labels.aadd(1)
    await rename(1, "uno")
    await client.until(action="update")
