"""The items, listed, and what happens to those of a place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.serializers import ModelSerializer

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import ListModelMixin
from dcrf_graph.observer import model_observer
from dcrf_graph.routers import Router
from tests.e2e.processes.models import Item


class ItemSerializer(ModelSerializer[Item]):
    class Meta:
        model = Item
        fields = ["id", "place", "number"]


class ItemConsumer(ListModelMixin, GenericAsyncAPIConsumer):
    queryset = Item.objects.all()
    serializer_class = ItemSerializer

    @model_observer(Item, serializer_class=ItemSerializer)
    async def activity(
        self,
        message: Any,
        action: str | None = None,
        subscribing_request_ids: Iterable[Any] = (),
        **kwargs: Any,
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @activity.groups_for_signal  # type: ignore[no-redef]
    def activity(self, instance: Item, **kwargs: Any) -> Iterable[str]:
        yield f"place-{instance.place}"

    @activity.groups_for_consumer  # type: ignore[no-redef]
    def activity(self, place: int, **kwargs: Any) -> Iterable[str]:
        yield f"place-{place}"

    @action(subscribes="activity")
    async def subscribe_activity(self, place: int, request_id: Any, **kwargs: Any) -> None:
        await self.activity.subscribe(place=place, request_id=request_id)


router = Router()
router.register("items", ItemConsumer)
