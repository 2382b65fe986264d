"""The consumers that the tests of the socket register: one of a model, one of none."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, Throttled, ValidationError

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import (
    CreateModelMixin,
    DeleteModelMixin,
    ListModelMixin,
    PatchModelMixin,
)
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.permissions import BasePermission
from dcrf_graph.routers import Router
from tests.testapp.models import Note

REFUSALS: dict[str, Exception] = {
    "invalid": ValidationError({"first_name": ["Too short."]}),
    "not authenticated": NotAuthenticated(),
    "forbidden": PermissionDenied("Not you."),
    "forbidden by Django": DjangoPermissionDenied("Not you."),
    "not found": Http404(),
    "throttled": Throttled(),
    "failed": ValueError("the secret of the desk"),
}


class Gate:
    """A door that a test holds shut: it learns when somebody stands before it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def pass_through(self) -> None:
        """Wait until the gate is open."""
        self.reached.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["id", "text"]


class NoteConsumer(
    ListModelMixin,
    CreateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    ObserverModelInstanceMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Note.objects.order_by("id")
    serializer_class = NoteSerializer

    @model_observer(Note, serializer_class=NoteSerializer)
    async def note_activity(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @action(subscribes="note_activity")
    async def subscribe_note_activity(self, request_id: Any, **kwargs: Any) -> None:
        await self.note_activity.subscribe(request_id=request_id)


class DeskPermission(BasePermission):
    """Lets in whom the desk lets in, as it is at the moment."""

    async def can_connect(self, scope: Any, consumer: Any, message: Any = None) -> bool:
        consumer.asked.append("connect")
        return bool(consumer.open_to_public)

    async def has_permission(self, scope: Any, consumer: Any, action: str, **kwargs: Any) -> bool:
        return True


class DeskConsumer(AsyncAPIConsumer):
    """Adds numbers; waits at a gate; refuses in every way; closes; joins rooms."""

    permission_classes = (DeskPermission,)
    open_to_public: ClassVar[bool] = True
    asked: ClassVar[list[str]] = []
    gate: ClassVar[Gate]
    connecting: ClassVar[Gate]
    closed_with: ClassVar[list[int]] = []
    welcome = ""

    async def connect(self) -> None:
        await self.connecting.pass_through()
        await self.accept()
        if self.welcome:
            await self.send_json({"data": self.welcome})

    async def disconnect(self, code: int) -> None:
        self.closed_with.append(code)

    @action(kind="query")
    async def add(self, left: int, right: int = 1, **kwargs: Any) -> int:
        return left + right

    @action()
    async def refuse(self, how: str, **kwargs: Any) -> None:
        self.asked.append(how)
        raise REFUSALS[how]

    @action()
    async def wait(self, **kwargs: Any) -> str:
        await self.gate.pass_through()
        return "waited"

    @action(concurrent=True, kind="query")
    async def look(self, **kwargs: Any) -> str:
        await self.gate.pass_through()
        return "looked"

    @action()
    async def note(self, text: str, **kwargs: Any) -> str:
        self.asked.append(text)
        return text

    @action()
    async def leave(self, **kwargs: Any) -> str:
        await self.close(4001)
        return "never read"

    @action()
    async def enter(self, room: str, **kwargs: Any) -> str:
        await self.add_group(room)
        return room

    async def desk_message(self, message: Any) -> None:
        await self.send_json({"data": message["text"]})


class SlowNoteConsumer(NoteConsumer):
    """Writes a note from a thread that a test holds up, with a database connection open."""

    reached: ClassVar[asyncio.Event]
    release: ClassVar[threading.Event]

    @action()
    def write(self, text: str, **kwargs: Any) -> int:
        note = Note.objects.create(text=text)
        loop: Any = self.scope["loop"]
        loop.call_soon_threadsafe(self.reached.set)
        assert self.release.wait(10)
        return int(note.pk)


def desk_router(**options: Any) -> Router:
    """A router of both."""
    router = Router(**options)
    router.register("notes", NoteConsumer)
    router.register("desk", DeskConsumer)
    return router
