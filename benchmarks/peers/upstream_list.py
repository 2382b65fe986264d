"""djangochannelsrestframework: the list that `benchmarks.apps.lists` serves."""

from __future__ import annotations

from typing import Any

from djangochannelsrestframework.generics import GenericAsyncAPIConsumer
from djangochannelsrestframework.mixins import ListModelMixin

from benchmarks.apps.serializers import ListedCardSerializer
from benchmarks.world.models import Card


class ListConsumer(ListModelMixin, GenericAsyncAPIConsumer):
    queryset = Card.objects.select_related("owner").order_by("pk")
    serializer_class = ListedCardSerializer


application: Any = ListConsumer.as_asgi()
commands: dict[str, Any] = {}
