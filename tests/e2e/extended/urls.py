"""`/files/`: a consumer that takes files, and says how long they are."""

from __future__ import annotations

from typing import Any

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
urlpatterns = [*board, path("files/", router.graphql_view())]
