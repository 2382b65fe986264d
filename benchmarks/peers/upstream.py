"""djangochannelsrestframework: a handler as in its README."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from djangochannelsrestframework.decorators import action
from djangochannelsrestframework.generics import GenericAsyncAPIConsumer
from djangochannelsrestframework.observer import model_observer

from benchmarks.apps.serializers import CardSerializer
from benchmarks.world.changes import event
from benchmarks.world.models import Card


class CardConsumer(GenericAsyncAPIConsumer):
    queryset = Card.objects.all()
    serializer_class = CardSerializer

    @model_observer(Card, serializer_class=CardSerializer)
    async def card_activity(
        self,
        message: Any,
        action: str | None = None,
        subscribing_request_ids: Iterable[Any] = (),
        **kwargs: Any,
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @action()
    async def subscribe_to_card_activity(self, request_id: Any, **kwargs: Any) -> None:
        await self.card_activity.subscribe(request_id=request_id)


application: Any = CardConsumer.as_asgi()
commands = {"event": event}
