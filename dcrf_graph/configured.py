"""
What a consumer class is configured with, as the schema reads it: without a client.

An attribute may be a property, and then is something else for each client. What it
says of a consumer that nobody has connected to is what the schema has. Knows no GraphQL.
"""

from __future__ import annotations

from functools import cache, cached_property
from inspect import getattr_static
from types import FunctionType
from typing import Any

CONFIGURED = (
    "queryset",
    "serializer_class",
    "filter_backends",
    "filterset_class",
    "filterset_fields",
    "ordering_fields",
    "pagination_class",
    "lookup_field",
    "lookup_url_kwarg",
)
DEFAULTS = {"lookup_field": "pk"}


def configured(consumer: Any, name: str) -> Any:
    """An attribute of a consumer class; None where there is none, or it wants a client."""
    if is_configured_anew(consumer, name):
        return said_without_a_client(consumer, name)[0]
    return getattr(consumer, name, None)


def is_configured_anew(consumer: Any, name: str) -> bool:
    """Whether an attribute is a property."""
    return isinstance(getattr_static(consumer, name, None), property | cached_property)


def is_computed(consumer_class: Any, name: str) -> bool:
    """Whether an attribute of a class may be something else on each of its instances."""
    attribute = getattr_static(consumer_class, name, None)
    return hasattr(attribute, "__get__") and not isinstance(attribute, FunctionType)


@cache
def said_without_a_client(consumer: Any, name: str) -> tuple[Any, Exception | None]:
    """What a property says where nobody is connected, and what it raises there."""
    try:
        return getattr(consumer(), name), None
    except Exception as error:  # code of the application, which may ask for its client
        return DEFAULTS.get(name), error


class Configured:
    """A consumer class for code that reads the attributes of a view."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    def __getattr__(self, name: str) -> Any:
        if is_configured_anew(self._consumer, name):
            return configured(self._consumer, name)
        return getattr(self._consumer, name)
