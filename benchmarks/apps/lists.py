"""This library's lists: natively and in GraphQL on a socket, and in GraphQL over HTTP."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.urls import path

from benchmarks.apps.serializers import ListedCardSerializer
from benchmarks.apps.viewers import Viewers
from benchmarks.world import urls
from benchmarks.world.models import Card
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import ListModelMixin
from dcrf_graph.routers import Router


class CardConsumer(ListModelMixin, GenericAsyncAPIConsumer):
    queryset = Card.objects.order_by("pk")
    serializer_class = ListedCardSerializer


router = Router()
router.register("cards", CardConsumer)
urls.urlpatterns.append(path("graphql/", router.graphql_view()))
sockets = URLRouter(
    [
        path("", CardConsumer.as_asgi()),  # type: ignore[list-item,arg-type]
        path("router", router.as_asgi()),
    ]
)
application = ProtocolTypeRouter({"http": ASGIHandler(), "websocket": Viewers(sockets)})
commands: dict[str, Any] = {}
