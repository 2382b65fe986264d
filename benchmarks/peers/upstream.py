"""
djangochannelsrestframework: what `benchmarks.apps.ours` and `lists` do, with upstream's imports.

    /       a handler as in its README
    /rows   `subscribe_instance` for who is logged in
    /list   the list
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from channels.routing import URLRouter
from django.urls import path
from djangochannelsrestframework.decorators import action
from djangochannelsrestframework.generics import GenericAsyncAPIConsumer
from djangochannelsrestframework.mixins import ListModelMixin
from djangochannelsrestframework.observer import model_observer
from djangochannelsrestframework.observer.generics import ObserverModelInstanceMixin
from djangochannelsrestframework.permissions import IsAuthenticated

from benchmarks.apps.serializers import CardSerializer, ListedCardSerializer
from benchmarks.apps.viewers import Viewers
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


class RowConsumer(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    queryset = Card.objects.all()
    serializer_class = CardSerializer
    permission_classes = [IsAuthenticated]


class ListConsumer(ListModelMixin, GenericAsyncAPIConsumer):
    queryset = Card.objects.select_related("owner").order_by("pk")
    serializer_class = ListedCardSerializer


application = Viewers(
    URLRouter(
        [
            path("", CardConsumer.as_asgi()),
            path("rows", RowConsumer.as_asgi()),
            path("list", ListConsumer.as_asgi()),
        ]
    )
)
commands = {"event": event}
