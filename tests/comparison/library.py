"""
The compared library's public names, imported from whichever library this process records.

A scenario imports its consumers, decorators and permissions from here and nowhere else, so that one
class body runs on both. `COMPARED_LIBRARY` names the library; the type checker always reads ours,
which is how it sees that a consumer written for upstream fits.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

LIBRARY = os.environ.get("COMPARED_LIBRARY", "dcrf_graph")
"""The package under comparison: `djangochannelsrestframework` or `dcrf_graph`."""

if TYPE_CHECKING:
    import dcrf_graph.observer
    from dcrf_graph import permissions
    from dcrf_graph.consumers import AsyncAPIConsumer, DjangoViewAsConsumer, view_as_consumer
    from dcrf_graph.decorators import action, detached
    from dcrf_graph.generics import GenericAsyncAPIConsumer
    from dcrf_graph.mixins import (
        CreateModelMixin,
        DeleteModelMixin,
        ListModelMixin,
        PaginatedModelListMixin,
        PatchModelMixin,
        RetrieveModelMixin,
        StreamedPaginatedListMixin,
        UpdateModelMixin,
    )
    from dcrf_graph.observer import ModelObserver, Observer
    from dcrf_graph.observer.generics import ObserverModelInstanceMixin
    from dcrf_graph.pagination import WebsocketLimitOffsetPagination
    from dcrf_graph.permissions import AllowAny, BasePermission, IsAuthenticated
    from dcrf_graph.settings import api_settings

    # Assigned: mypy's cache takes a name imported twice over for the submodule of that name.
    model_observer = dcrf_graph.observer.model_observer
    observer = dcrf_graph.observer.observer
else:
    _HOME = {
        "consumers": ("AsyncAPIConsumer", "DjangoViewAsConsumer", "view_as_consumer"),
        "decorators": ("action", "detached"),
        "generics": ("GenericAsyncAPIConsumer",),
        "mixins": (
            "CreateModelMixin",
            "DeleteModelMixin",
            "ListModelMixin",
            "PaginatedModelListMixin",
            "PatchModelMixin",
            "RetrieveModelMixin",
            "StreamedPaginatedListMixin",
            "UpdateModelMixin",
        ),
        "observer": ("ModelObserver", "Observer", "model_observer", "observer"),
        "observer.generics": ("ObserverModelInstanceMixin",),
        "pagination": ("WebsocketLimitOffsetPagination",),
        "permissions": ("AllowAny", "BasePermission", "IsAuthenticated"),
        "settings": ("api_settings",),
    }
    permissions = import_module(f"{LIBRARY}.permissions")
    for _module, _names in _HOME.items():
        for _name in _names:
            globals()[_name] = getattr(import_module(f"{LIBRARY}.{_module}"), _name)

__all__ = [
    "LIBRARY",
    "AllowAny",
    "AsyncAPIConsumer",
    "BasePermission",
    "CreateModelMixin",
    "DeleteModelMixin",
    "DjangoViewAsConsumer",
    "GenericAsyncAPIConsumer",
    "IsAuthenticated",
    "ListModelMixin",
    "ModelObserver",
    "Observer",
    "ObserverModelInstanceMixin",
    "PaginatedModelListMixin",
    "PatchModelMixin",
    "RetrieveModelMixin",
    "StreamedPaginatedListMixin",
    "UpdateModelMixin",
    "WebsocketLimitOffsetPagination",
    "action",
    "api_settings",
    "detached",
    "model_observer",
    "observer",
    "permissions",
    "view_as_consumer",
]
