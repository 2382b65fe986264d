"""Observers with a serializer and groups, as an app declares them; to which nobody listens."""

# mypy: disable-error-code="no-redef"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.apps.serializers import CardSerializer
from benchmarks.world.models import Card
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import model_observer

consumers: list[Any] = []


def observe(count: int) -> None:
    """Declare so many consumers, each with an observer of the cards of a board."""
    for _ in range(count):

        class CardConsumer(GenericAsyncAPIConsumer):
            queryset = Card.objects.all()
            serializer_class = CardSerializer

            @model_observer(Card, serializer_class=CardSerializer)
            async def card_activity(self, message: Any, **kwargs: Any) -> None:
                await self.send_json(message)

            @card_activity.groups_for_signal
            def card_activity(self, instance: Card, **kwargs: Any) -> Iterator[str]:
                yield f"board-{instance.board}"

            @card_activity.groups_for_consumer
            def card_activity(self, board: int, **kwargs: Any) -> Iterator[str]:
                yield f"board-{board}"

        consumers.append(CardConsumer)
