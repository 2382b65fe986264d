"""djangochannelsrestframework: `subscribe_instance` for who is logged in."""

from __future__ import annotations

from djangochannelsrestframework.generics import GenericAsyncAPIConsumer
from djangochannelsrestframework.observer.generics import ObserverModelInstanceMixin
from djangochannelsrestframework.permissions import IsAuthenticated

from benchmarks.apps.serializers import CardSerializer
from benchmarks.apps.viewers import Viewers
from benchmarks.world.changes import event
from benchmarks.world.models import Card


class RowConsumer(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    queryset = Card.objects.all()
    serializer_class = CardSerializer
    permission_classes = [IsAuthenticated]


application = Viewers(RowConsumer.as_asgi())
commands = {"event": event}
