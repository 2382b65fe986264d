"""The consumers that the limits are tried on: lists of every kind, a gate, subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
)

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import ListModelMixin, PaginatedModelListMixin, RetrieveModelMixin
from dcrf_graph.observer import model_observer
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.routers import Router
from tests.testapp.models import Label, Note
from tests.transports.desk import Gate


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "name"]


class NumberSerializer(LabelSerializer):
    pass


class SliceSerializer(LabelSerializer):
    pass


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["id", "text"]


class Numbered(PageNumberPagination):
    page_size = 1
    page_size_query_param = "size"


class Sliced(LimitOffsetPagination):
    default_limit = 1


class ByCursor(CursorPagination):
    page_size = 1
    page_size_query_param = "size"
    ordering = "id"


class LabelsConsumer(PaginatedModelListMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Label.objects.order_by("id")
    serializer_class: Any = LabelSerializer
    pagination_class: Any = WebsocketLimitOffsetPagination


class NumberedConsumer(LabelsConsumer):
    serializer_class: Any = NumberSerializer
    pagination_class = Numbered


class SlicedConsumer(LabelsConsumer):
    serializer_class: Any = SliceSerializer
    pagination_class = Sliced


class CursorsConsumer(LabelsConsumer):
    serializer_class: Any = NoteSerializer
    queryset: Any = Note.objects.order_by("id")
    pagination_class = ByCursor


class PlainConsumer(ListModelMixin, GenericAsyncAPIConsumer):
    queryset: Any = Label.objects.order_by("id")
    serializer_class: Any = LabelSerializer


class DeskConsumer(AsyncAPIConsumer):
    """Waits at a gate, says something back, subscribes."""

    gate: ClassVar[Gate]
    looking: ClassVar[asyncio.Queue[None]]
    subscribed: ClassVar[asyncio.Queue[Any]]

    @action(concurrent=True, kind="query")
    async def look(self, **kwargs: Any) -> str:
        self.looking.put_nowait(None)
        await self.gate.pass_through()
        return "looked"

    @action(kind="query", concurrent=True)
    async def echo(self, text: str = "", **kwargs: Any) -> str:
        return text

    @model_observer(Note, serializer_class=NoteSerializer)
    async def notes(self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action="update", request_id=request_id)

    @notes.groups_for_signal  # type: ignore[no-redef]
    def notes(self, instance: Note, **kwargs: Any) -> Iterator[str]:
        yield f"note-{instance.pk}"

    @notes.groups_for_consumer  # type: ignore[no-redef]
    def notes(self, **kwargs: Any) -> Iterator[str]:
        yield "note-1"
        yield "note-2"

    @action(subscribes="notes")
    async def subscribe_notes(self, request_id: Any, **kwargs: Any) -> None:
        await self.notes.subscribe(request_id=request_id)
        self.subscribed.put_nowait(request_id)


class OtherConsumer(AsyncAPIConsumer):
    @action(kind="query")
    async def echo(self, text: str = "", **kwargs: Any) -> str:
        return text


CONSUMERS: dict[str, Any] = {
    "labels": LabelsConsumer,
    "numbered": NumberedConsumer,
    "sliced": SlicedConsumer,
    "cursors": CursorsConsumer,
    "plain": PlainConsumer,
    "desk": DeskConsumer,
    "other": OtherConsumer,
}
NOUNS = {
    "labels": "label",
    "numbered": "number",
    "sliced": "slice",
    "cursors": "cursor",
    "plain": "plain_label",
}


def make_router() -> Router:
    """A router of all of them, which has read no document yet."""
    router = Router()
    for prefix, consumer in CONSUMERS.items():
        router.register(prefix, consumer, singular=NOUNS.get(prefix))
    return router
