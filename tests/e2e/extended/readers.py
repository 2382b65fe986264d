"""
Consumers for readers who stop reading: one for each policy, and one that makes the events.

Each event is a row that was written: its text is the event's number, when it was written (by the
clock that all processes of a machine share), and so much more that sockets' buffers are full soon.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from rest_framework.serializers import ModelSerializer

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.backlog import POLICIES, Policy
from dcrf_graph.routers import Router
from examples.board.models import Board, Message

MORE = "x" * 1000


class LineSerializer(ModelSerializer[Message]):
    class Meta:
        model = Message
        fields = ["id", "text"]


def reading(chosen: Policy) -> type[GenericAsyncAPIConsumer]:
    """A consumer whose readers are treated so when they are slow."""

    class LineConsumer(GenericAsyncAPIConsumer):
        queryset = Message.objects.all()
        serializer_class = LineSerializer

        @model_observer(Message, serializer_class=LineSerializer, policy=chosen)
        async def lines(
            self,
            message: Any,
            action: str | None = None,
            subscribing_request_ids: Iterable[Any] = (),
            **kwargs: Any,
        ) -> None:
            for request_id in subscribing_request_ids:
                await self.reply(data=message, action=action, request_id=request_id)

        @action(subscribes="lines")
        async def subscribe_lines(self, request_id: Any, **kwargs: Any) -> None:
            await self.lines.subscribe(request_id=request_id)

    return LineConsumer


class WriterConsumer(AsyncAPIConsumer):
    @action()
    def prepare(self, rows: int, **kwargs: Any) -> None:
        """Make the rows that the events will be about, one after the other."""
        board = Board.objects.earliest("pk")
        Message.objects.all().delete()
        Message.objects.bulk_create(Message(board=board, text="") for _ in range(rows))

    @action()
    def write(self, first: int, count: int, **kwargs: Any) -> None:
        """Write rows in one transaction: so many events, the first with this number."""
        rows = list(Message.objects.order_by("pk"))
        with transaction.atomic():
            for number in range(first, first + count):
                row = rows[number % len(rows)]
                row.text = f"{number} {time.monotonic()} {MORE}"
                row.save()


router = Router()
for policy in POLICIES:
    router.register(policy, reading(policy), singular=policy)
router.register("writer", WriterConsumer, singular="writer")
