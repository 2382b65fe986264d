"""
A consumer of a model: queryset, serializer, lookup, filters (upstream's module and names).

What upstream leaves open is done here: DRF's filter backends, which read the
frame's ``"query"``, DRF's paginators, and object permissions.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, DataError
from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission as DRFBasePermission

from dcrf_graph.arguments import REQUIRED
from dcrf_graph.calls import current_call
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.loading.representation import loading
from dcrf_graph.loading.together import found_together
from dcrf_graph.permissions import BasePermission, method_of_call
from dcrf_graph.scope_utils import CallView
from dcrf_graph.settings import api_settings

SILENT = (BasePermission.has_object_permission, DRFBasePermission.has_object_permission, None)
"""The object permissions of classes that have nothing to say about objects."""


OUT_OF_RANGE = "A value is out of range."


class GenericAsyncAPIConsumer(AsyncAPIConsumer):
    """
    Base of consumers that serve the rows of a model.

    Attributes:
        queryset: the rows; or override ``get_queryset``.
        serializer_class: how a row looks; or override ``get_serializer_class``.
        lookup_field: the model field that finds one row.
        lookup_url_kwarg: the argument that carries its value, if called otherwise.
        filter_backends: DRF's, which read ``"query": {...}`` of the frame.
        pagination_class: how ``list`` makes pages, where it does.
        load_relations: load what serializers read of rows in a constant number of
            queries. False leaves querysets and rows alone.

    Source: upstream's ``generics.GenericAsyncAPIConsumer``.
    """

    queryset: Any = None
    serializer_class: Any = None
    lookup_field: str = "pk"
    lookup_url_kwarg: str | None = None
    filter_backends: Any = api_settings.DEFAULT_FILTER_BACKENDS
    pagination_class: Any = api_settings.DEFAULT_PAGINATION_CLASS
    load_relations: bool = True

    def get_queryset(self, **kwargs: Any) -> Any:
        """The rows that this call may see, before filters."""
        if self.queryset is None:
            raise ConfigurationError(
                f"{type(self).__name__} needs a `queryset`, or its own get_queryset()."
            )
        return self.queryset.all() if isinstance(self.queryset, QuerySet) else self.queryset

    def get_object(self, **kwargs: Any) -> Any:
        """
        Find the one row that the arguments name, among those that the call may see.

        Raises:
            ValidationError: if the arguments do not name one.
            Http404: if there is none.
            PermissionDenied: if an object permission refuses.
        """
        lookup = self.lookup_url_kwarg or self.lookup_field
        if lookup not in kwargs:
            raise ValidationError({lookup: [REQUIRED]})
        arguments = {name: value for name, value in kwargs.items() if name != "queryset"}
        queryset = self.filter_queryset(queryset=self.get_queryset(**kwargs), **arguments)
        name, key = self.lookup_field, kwargs[lookup]
        with asked_by_query(self, queryset, kwargs):
            found = found_together(queryset, name, key) if self.load_relations else None
            row: Model = row_or_404(queryset, **{name: key}) if found is None else found
        if asks_about_objects(self):
            call = current_call.get()
            named = str((call.action if call else None) or kwargs.get("action") or "retrieve")
            own = ("action", "request_id", "obj")
            rest = {name: value for name, value in kwargs.items() if name not in own}
            async_to_sync(self.check_object_permissions)(named, row, **rest)
        return row

    def get_serializer(self, action_kwargs: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Make the serializer of a call; ``action_kwargs`` are the call's arguments."""
        action_kwargs = action_kwargs or {}
        serializer_class = self.get_serializer_class(**action_kwargs)
        kwargs["context"] = self.get_serializer_context(**action_kwargs)
        serializer = serializer_class(*args, **kwargs)
        return loading(serializer) if self.load_relations else serializer

    def get_serializer_class(self, **kwargs: Any) -> Any:
        """The serializer class; override to make it depend on the ``action``."""
        if self.serializer_class is None:
            raise ConfigurationError(
                f"{type(self).__name__} needs a `serializer_class`, or its own "
                "get_serializer_class()."
            )
        return self.serializer_class

    def get_serializer_context(self, **kwargs: Any) -> dict[str, Any]:
        """What serializers find in ``self.context``: scope, consumer, request and view."""
        view = self.view_of_call(**kwargs)
        return {
            "scope": self.scope,
            "consumer": self,
            "request": view.request,
            "view": view,
            "format": None,
        }

    def view_of_call(self, **kwargs: Any) -> CallView:
        """This consumer as DRF sees it in one call: ``action``, ``request``, ``kwargs``."""
        call = current_call.get()
        named = (call.action if call is not None else None) or kwargs.get("action") or "list"
        arguments = {**(call.arguments if call is not None else {}), **kwargs}
        return CallView(self, str(named), arguments, method_of_call(self, str(named)))

    def filter_queryset(self, queryset: Any, **kwargs: Any) -> Any:
        """
        Pass the rows through every filter backend.

        Raises:
            ValidationError: if the frame's ``"query"`` is no object, or has a value that a filter
                looks up and that the database cannot hold; nothing is filtered silently.
        """
        if self.filter_backends:
            if not isinstance(kwargs.get("query"), dict | None):
                raise ValidationError({"query": ["Expected an object."]})
            view = self.view_of_call(**kwargs)
            for backend in self.filter_backends:
                try:
                    queryset = backend().filter_queryset(view.request, queryset, view)
                except (OverflowError, DataError) as error:
                    # SQLite's word and PostgreSQL's, where Django does not see it before them.
                    raise ValidationError({"query": [OUT_OF_RANGE]}) from error
        return queryset


def row_or_404(queryset: Any, **lookup: Any) -> Any:
    """
    The one row of a queryset, as DRF's ``get_object_or_404`` finds it.

    That one stands beside DRF's views, whose schemas import Django's admin: much for whoever
    has only consumers.

    Raises:
        Http404: if there is none, or a value cannot be one of that field.
    """
    try:
        return get_object_or_404(queryset, **lookup)
    except (TypeError, ValueError, DjangoValidationError):
        raise Http404 from None


@contextmanager
def asked_by_query(
    consumer: GenericAsyncAPIConsumer, queryset: Any, arguments: Mapping[str, Any]
) -> Iterator[None]:
    """
    Read rows that the frame's ``"query"`` filters.

    Raises:
        ValidationError: if the database refuses a value of it, which some values
            meet only here (``level__in``). Whatever else fails is raised as it is.
    """
    try:
        yield
    except (OverflowError, DataError) as error:
        filtered = consumer.filter_backends and arguments.get("query")
        if filtered and not can_be_asked(queryset):
            raise ValidationError({"query": [OUT_OF_RANGE]}) from error
        raise


def can_be_asked(queryset: Any) -> bool:
    """Whether the database takes every value that a queryset is filtered by."""
    try:
        queryset.exists()
    except (OverflowError, DatabaseError):
        return False
    return True


def asks_about_objects(consumer: AsyncAPIConsumer) -> bool:
    """Whether any permission of a consumer might say something about an object.

    Combinations are assumed to; asking them costs one hop to the loop.
    """
    for permission_class in consumer.permission_classes:
        method = getattr(permission_class, "has_object_permission", None)
        if not inspect.isclass(permission_class) or method not in SILENT:
            return True
    return type(consumer).get_permissions is not AsyncAPIConsumer.get_permissions
