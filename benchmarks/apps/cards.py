"""
This library: a handler as in upstream's README, in native frames and as upstream serves it.

Like the limit and the peers it is served alone: a route and a middleware around a socket are the
application's, and cost memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks.apps.serializers import CardSerializer
from benchmarks.world.changes import event
from benchmarks.world.models import Card
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import model_observer
from dcrf_graph.routers import Router


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

    @action(subscribes="card_activity")
    async def subscribe_to_card_activity(self, request_id: Any, **kwargs: Any) -> None:
        await self.card_activity.subscribe(request_id=request_id)


router = Router()
router.register("cards", CardConsumer)

application: Any = CardConsumer.as_asgi()
commands = {"event": event}
