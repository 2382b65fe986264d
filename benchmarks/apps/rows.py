"""
This library: the observer of single rows, for who is logged in.

    /         the consumer alone, native frames
    /router   native streams and GraphQL
"""

from __future__ import annotations

from channels.routing import URLRouter
from django.urls import path

from benchmarks.apps.serializers import CardSerializer
from benchmarks.apps.viewers import Viewers
from benchmarks.world.changes import event
from benchmarks.world.models import Card
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.permissions import IsAuthenticated
from dcrf_graph.routers import Router


class RowConsumer(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    queryset = Card.objects.all()
    serializer_class = CardSerializer
    permission_classes = [IsAuthenticated]


router = Router()
router.register("cards", RowConsumer)

application = Viewers(
    URLRouter(
        [
            path("", RowConsumer.as_asgi()),  # type: ignore[list-item,arg-type]
            path("router", router.as_asgi()),
        ]
    )
)
commands = {"event": event}
