"""The consumers to derive from (upstream's module and names)."""

from __future__ import annotations

from dcrf_graph.api_consumer import APIConsumerMetaclass, AsyncAPIConsumer
from dcrf_graph.views import DjangoViewAsConsumer, view_as_consumer

__all__ = [
    "APIConsumerMetaclass",
    "AsyncAPIConsumer",
    "DjangoViewAsConsumer",
    "view_as_consumer",
]
