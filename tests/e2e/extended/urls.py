"""`/files/` takes files and says how long they are; `/process/` says what the process holds."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

from channels.layers import get_channel_layer
from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework import serializers

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from examples.board.urls import urlpatterns as board


class FilesSerializer(serializers.Serializer[Any]):
    first = serializers.FileField()
    more = serializers.ListField(child=serializers.FileField(), required=False)


class FileConsumer(AsyncAPIConsumer):
    @action()
    def measure(self, files: FilesSerializer, **kwargs: Any) -> list[str]:
        given = files.validated_data
        found = [given["first"], *given.get("more", [])]
        return [f"{each.name}: {each.size}, {each.read().decode()}" for each in found]


router = Router()
router.register("files", FileConsumer, singular="file")


async def process(request: HttpRequest) -> JsonResponse:
    """Whatever could be left behind, beyond what the router counts."""
    gc.collect()
    layer: Any = get_channel_layer()
    counts = {
        "tasks of the loop": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "channels of the layer": len(layer.channels),
        "groups of the layer": len(layer.groups),
    }
    return JsonResponse({**counts, **router.statistics()})


urlpatterns = [*board, path("files/", router.graphql_view()), path("process/", process)]
