"""The consumer of these tests: parcels, observed by place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, ClassVar

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import model_observer
from dcrf_graph.permissions import BasePermission
from tests.testapp.models import Parcel

whereabouts: ContextVar[str] = ContextVar("whereabouts", default="nowhere")
"""Something that only the publisher of a change knows."""


class Doorkeeper(BasePermission):
    """Denies the names in ``denied``; raises what is in ``raised`` instead of an answer.

    About a name in ``pondered`` it thinks until the event there is set.
    """

    denied: ClassVar[set[Any]] = set()
    raised: ClassVar[list[Exception]] = []
    pondered: ClassVar[dict[Any, asyncio.Event]] = {}

    async def has_permission(self, scope: Any, consumer: Any, action: str, **kwargs: Any) -> bool:
        if kwargs.get("name") in self.pondered:
            await self.pondered[kwargs.get("name")].wait()
        if self.raised:
            raise self.raised[0]
        return kwargs.get("name") not in self.denied


class ParcelConsumer(GenericAsyncAPIConsumer):
    """Tells of the parcels of a place; ``held`` places wait until they are let go."""

    queryset = Parcel.objects.all()
    permission_classes = [Doorkeeper]
    held: ClassVar[dict[str, asyncio.Event]] = {}
    failing: ClassVar[set[str]] = set()

    @model_observer(Parcel)
    async def parcels(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        title = message["title"]
        if title in self.held:
            await self.held[title].wait()
        if title in self.failing:
            raise RuntimeError("the handler is broken")
        told = [title, whereabouts.get(), *message["readers"]]
        message["readers"].append("somebody")
        for request_id in subscribing_request_ids:
            await self.reply(data=told, action=action, request_id=request_id)

    @parcels.serializer  # type: ignore[no-redef]
    def parcels(self, instance: Parcel, action: Any, **kwargs: Any) -> Any:
        return {"title": instance.title, "readers": []}

    @parcels.groups_for_signal  # type: ignore[no-redef]
    def parcels(self, instance: Parcel, **kwargs: Any) -> Iterable[str]:
        yield f"place-{instance.place}"

    @parcels.groups_for_consumer  # type: ignore[no-redef]
    def parcels(self, places: Iterable[int] = (), **kwargs: Any) -> Iterable[str]:
        yield from (f"place-{place}" for place in places)

    @action()
    async def watch(self, places: list[int], request_id: Any, **kwargs: Any) -> None:
        await self.parcels.subscribe(places=places, request_id=request_id)

    @action()
    async def unwatch(self, places: list[int], watching: Any = None, **kwargs: Any) -> None:
        await self.parcels.unsubscribe(places=places, request_id=watching)
