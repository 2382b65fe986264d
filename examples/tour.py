"""
The consumer that the README shows, and both ways to ask it.

    python -m pytest tests/examples/test_tour.py
"""

from __future__ import annotations

from typing import Any

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import CreateModelMixin, ListModelMixin
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.routers import Router
from examples.board.models import Label
from examples.board.serializers import LabelSerializer


class LabelConsumer(
    ListModelMixin, CreateModelMixin, ObserverModelInstanceMixin, GenericAsyncAPIConsumer
):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer

    @action(output=LabelSerializer)
    def rename(self, pk: int, name: str, **kwargs: Any) -> tuple[Any, int]:
        """Give a label another name."""
        label = self.get_object(pk=pk, **kwargs)
        label.name = name
        label.save()
        return self.get_serializer(instance=label, action_kwargs=kwargs).data, 200


router = Router()
router.register("labels", LabelConsumer)
