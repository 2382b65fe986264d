"""What the clients' tests are about: notes, which can be listed, written and followed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ariadne import SubscriptionType
from django.db import transaction
from rest_framework import serializers

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import CreateModelMixin, DeleteModelMixin, ListModelMixin, PatchModelMixin
from dcrf_graph.observer import model_observer
from dcrf_graph.permissions import BasePermission
from dcrf_graph.routers import Router
from tests.testapp.models import Note


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ("id", "text")


class NotTheBanned(BasePermission):
    """Nobody who is called so may connect."""

    def can_connect(self, scope: Any, consumer: Any, message: Any) -> bool:  # type: ignore[override]
        return getattr(scope.get("user"), "username", "") != "banned"

    def has_permission(self, scope: Any, consumer: Any, action: str, **kw: Any) -> bool:  # type: ignore[override]
        return True


class Notes(
    ListModelMixin, CreateModelMixin, PatchModelMixin, DeleteModelMixin, GenericAsyncAPIConsumer
):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer
    permission_classes = (NotTheBanned,)

    @model_observer(Note, serializer_class=NoteSerializer)
    async def activity(
        self, message: Any, subscribing_request_ids: Any = (), action: Any = None, **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(action=action, data=message, request_id=request_id)

    @action(subscribes="activity")
    async def subscribe_activity(self, request_id: Any, **kwargs: Any) -> None:
        await self.activity.subscribe(request_id=request_id)

    @action(output=str, kind="query")
    async def whoami(self, **kwargs: Any) -> tuple[str, int]:
        headers = {key.decode(): value.decode() for key, value in self.scope["headers"]}
        user = self.scope.get("user")
        return f"{getattr(user, 'username', '')} {headers.get('x-team', '')}".strip(), 200

    @action(output=str)
    def thrice(self, pk: int, fail: bool = False, **kwargs: Any) -> tuple[str, int]:
        """Save in a block, which fails or not, and then twice without one."""
        note = Note.objects.get(pk=pk)
        try:
            with transaction.atomic():
                note.text = "once"
                note.save()
                if fail:
                    raise LookupError
        except LookupError:
            pass
        for note.text in ("twice", "thrice"):
            note.save()
        return note.text, 200

    @action(output=str, kind="query")
    async def stall(self, **kwargs: Any) -> tuple[str, int]:
        await asyncio.Event().wait()
        return "", 200


subscription = SubscriptionType()


@subscription.source("count")
async def count_to(root: None, info: Any, to: int) -> Any:
    for number in range(1, to + 1):
        yield number


@subscription.field("count")
def number(event: int, info: Any, **arguments: Mapping[str, Any]) -> int:
    return event


router = Router("extend type Subscription { count(to: Int!): Int! }", [subscription])
router.register("notes", Notes)

ACTIVITY = "subscription { noteActivity { action data { text } } }"
