"""Django REST Framework: the list over HTTP."""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.urls import path
from rest_framework.generics import ListAPIView
from rest_framework.renderers import JSONRenderer

from benchmarks.apps.serializers import ListedCardSerializer
from benchmarks.world import models, urls


class Cards(ListAPIView[models.Card]):
    queryset = models.Card.objects.select_related("owner").order_by("pk")
    serializer_class = ListedCardSerializer
    renderer_classes = [JSONRenderer]


urls.urlpatterns.append(path("cards/", Cards.as_view()))
application = ASGIHandler()
commands: dict[str, Any] = {}
