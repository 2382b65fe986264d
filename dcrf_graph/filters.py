"""
DRF's filter backends, on a consumer.

Nothing of them is rewritten: ``GenericAsyncAPIConsumer.filter_queryset`` gives
each backend a request whose query is the frame's ``"query"`` object, and a view
that is the consumer.

    class CardConsumer(ListModelMixin, GenericAsyncAPIConsumer):
        filter_backends = [DjangoFilterBackend, SearchFilter, OrderingFilter]
        filterset_fields = ["status"]
        search_fields = ["title"]

    {"action": "list", "request_id": 1, "query": {"status": "todo", "ordering": "-due"}}
"""

from __future__ import annotations

from rest_framework.filters import BaseFilterBackend, OrderingFilter, SearchFilter

__all__ = ["BaseFilterBackend", "OrderingFilter", "SearchFilter"]
