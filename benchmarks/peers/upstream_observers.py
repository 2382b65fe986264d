"""What `benchmarks.apps.observers` does, with upstream's imports."""

# mypy: disable-error-code="no-redef"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from djangochannelsrestframework.generics import GenericAsyncAPIConsumer
from djangochannelsrestframework.observer import model_observer

from benchmarks.apps.serializers import CardSerializer
from benchmarks.world.models import Card

consumers: list[Any] = []


def observe(count: int) -> None:
    """Declare so many consumers, each with an observer of the cards of a board."""
    for number in range(count):

        class CardConsumer(GenericAsyncAPIConsumer):
            queryset = Card.objects.all()
            serializer_class = CardSerializer

            @model_observer(Card, serializer_class=CardSerializer)
            async def card_activity(self, message: Any, **kwargs: Any) -> None:
                await self.send_json(message)

            @card_activity.groups_for_signal
            def card_activity(
                self, instance: Card, number: int = number, **kwargs: Any
            ) -> Iterator[str]:
                yield f"board-{number}-{instance.board}"

            @card_activity.groups_for_consumer
            def card_activity(
                self, board: int, number: int = number, **kwargs: Any
            ) -> Iterator[str]:
                yield f"board-{number}-{board}"

        consumers.append(CardConsumer)
