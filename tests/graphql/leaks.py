"""A consumer whose handler tells each viewer something else, and what may go wrong with that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rest_framework import serializers

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import model_observer
from dcrf_graph.permissions import BasePermission
from tests.testapp.models import Parcel


class ParcelSerializer(serializers.ModelSerializer[Parcel]):
    class Meta:
        model = Parcel
        fields = ("id", "title", "weight")


class NotRevoked(BasePermission):
    revoked: ClassVar[set[Any]] = set()

    async def has_permission(self, scope: Any, consumer: Any, action: str, **kwargs: Any) -> bool:
        return scope["user"].username not in self.revoked


class Parcels(GenericAsyncAPIConsumer):
    """Who is in ``told`` hears the weight; everybody else hears that it is 0.

    What is ``odd`` has no title, which is nothing that a parcel may lack.
    """

    queryset = Parcel.objects.all()
    serializer_class = ParcelSerializer
    permission_classes = [NotRevoked]
    told: ClassVar[set[str]] = set()
    handled: ClassVar[list[str]] = []
    odd: ClassVar[bool] = False

    @model_observer(Parcel, serializer_class=ParcelSerializer)
    async def parcels(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        name = self.scope["user"].username
        self.handled.append(name)
        if name not in self.told:
            message["weight"] = 0
        if self.odd:
            message["title"] = None
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @parcels.groups_for_signal  # type: ignore[no-redef]
    def parcels(self, instance: Parcel, **kwargs: Any) -> Iterable[str]:
        yield "all"

    @parcels.groups_for_consumer  # type: ignore[no-redef]
    def parcels(self, **kwargs: Any) -> Iterable[str]:
        yield "all"

    @action(subscribes="parcels")
    async def watch(self, request_id: Any, **kwargs: Any) -> None:
        await self.parcels.subscribe(request_id=request_id)
