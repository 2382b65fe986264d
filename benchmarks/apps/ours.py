"""
This library: a handler as in upstream's README, and the observer of single rows.

    /         the consumer alone, native frames, as upstream serves it
    /router   native streams and GraphQL
    /rows     `subscribe_instance` for who is logged in; /rows/router the same through the router
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from channels.routing import URLRouter
from django.urls import path

from benchmarks.apps.serializers import CardSerializer
from benchmarks.apps.viewers import Viewers
from benchmarks.world.changes import event
from benchmarks.world.models import Card
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.permissions import IsAuthenticated
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


class RowConsumer(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    queryset = Card.objects.all()
    serializer_class = CardSerializer
    permission_classes = [IsAuthenticated]


router = Router()
router.register("cards", CardConsumer)
rows_router = Router()
rows_router.register("cards", RowConsumer)

application = Viewers(
    URLRouter(
        [
            path("", CardConsumer.as_asgi()),  # type: ignore[list-item,arg-type]
            path("router", router.as_asgi()),
            path("rows", RowConsumer.as_asgi()),  # type: ignore[list-item,arg-type]
            path("rows/router", rows_router.as_asgi()),
        ]
    )
)
commands = {"event": event}
