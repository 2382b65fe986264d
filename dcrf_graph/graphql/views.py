"""
The operations of wrapped views: typed by the serializer of a generic view, else JSON.

What a view does with a method is read from its class: the action of a viewset,
the mixins of a generic view. Where a generic view handles a method itself, by its
``get_serializer()``, the mapped action's name says it (``{"list": "GET"}``). Its own
answers to the standard actions are taken for what the serializer says, as
everywhere in DRF; anything else is JSON.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from rest_framework import mixins
from rest_framework.generics import GenericAPIView
from rest_framework.viewsets import ViewSetMixin

from dcrf_graph.graphql import naming
from dcrf_graph.graphql.annotations import is_serializer
from dcrf_graph.graphql.fields import Site, column_type
from dcrf_graph.graphql.lists import backend_arguments, page_type, pages_of
from dcrf_graph.graphql.operations import Operation, OperationArgument, Shape
from dcrf_graph.graphql.registered import (
    READING_METHODS,
    RegisteredConsumer,
    in_order,
    root_name,
)
from dcrf_graph.graphql.sources import Source, model_of, step
from dcrf_graph.graphql.types import Direction
from dcrf_graph.mixins import StreamedPaginatedListMixin
from dcrf_graph.observer.links import attribute_paths

WRITING: dict[str, Direction] = {"create": "input", "update": "input", "partial_update": "patch"}
NAMED = {
    "list": "list",
    "retrieve": "retrieve",
    "create": "create",
    "update": "update",
    "patch": "partial_update",
}
"""What a mapped action's name says of a view that handles the method itself."""

DETAIL = ("retrieve", "update", "partial_update", "destroy")
DOES = {
    "list": "Every {singular} that the caller may see.",
    "retrieve": "One {singular} by its key.",
    "create": "Create one {singular}.",
    "update": "Replace one {singular}: everything that is required must be given.",
    "partial_update": "Change what is given of one {singular}; what is left out stays.",
    "destroy": "Delete one {singular}; gives its key back.",
}
REST = {
    "query": "What else the address would have after the question mark.",
    "parameters": "What else the path of the address would name.",
    "data": "The body of the request.",
}


class WrappedView:
    """What one method of a wrapped view does.

    ``does`` is DRF's name of a standard action, else None; ``standard``: DRF's
    own mixin does it, so that it takes what that takes. ``serializer`` is the class
    of that action, else None.
    """

    def __init__(self, registered: RegisteredConsumer, action: str) -> None:
        self.registered = registered
        self.action = action
        self.method = str(registered.consumer.actions[action]).upper()
        self.reads = self.method in READING_METHODS
        view = registered.consumer.view
        self.cls: Any = getattr(view, "cls", None)
        self.does = standard_action(self.cls, getattr(view, "actions", None), self.method)
        self.standard = self.does is not None
        if self.does is None and handles_itself(self.cls, self.method):
            self.does = NAMED.get(action)
        self.serializer = None if self.does is None else self.ask(getattr(view, "initkwargs", {}))

    def ask(self, initkwargs: Any) -> Any:
        """The serializer class of the view in this action; the declared one if it asks a client."""
        declared = initkwargs.get("serializer_class") or self.cls.serializer_class
        try:
            view = self.cls(**initkwargs)
            view.action, view.request, view.kwargs, view.format_kwarg = self.does, None, {}, None
            found = view.get_serializer_class()
        except Exception:
            # An application's own method; it may want a request, of which there is none.
            found = declared
        return found if is_serializer(found) else None

    @property
    def model(self) -> Any:
        queryset = getattr(self.cls, "queryset", None)
        return getattr(queryset, "model", None) or model_of(self.serializer)


def standard_action(cls: Any, actions: Any, method: str) -> str | None:
    """Which of DRF's standard actions a view takes a method for; None for any other view."""
    if not isinstance(cls, type) or not issubclass(cls, GenericAPIView):
        return None
    if actions:
        named = actions.get(method.lower())
        return named if named in DOES else None
    found = {
        "GET": (("list", mixins.ListModelMixin), ("retrieve", mixins.RetrieveModelMixin)),
        "POST": (("create", mixins.CreateModelMixin),),
        "PUT": (("update", mixins.UpdateModelMixin),),
        "PATCH": (("partial_update", mixins.UpdateModelMixin),),
        "DELETE": (("destroy", mixins.DestroyModelMixin),),
    }.get(method, ())
    does = [name for name, mixin in found if mixin in cls.__mro__]
    return does[0] if len(does) == 1 and hasattr(cls, method.lower()) else None


def handles_itself(cls: Any, method: str) -> bool:
    """Whether a generic view, no viewset, has a handler of its own that asks for its serializer."""
    if not isinstance(cls, type) or not issubclass(cls, GenericAPIView):
        return False
    handler = getattr(cls, method.lower(), None)
    code = getattr(inspect.unwrap(handler), "__code__", None) if callable(handler) else None
    if code is None or issubclass(cls, ViewSetMixin):
        return False
    return any(path[0] == "get_serializer" for path in attribute_paths(code))


def view_operations(registered: RegisteredConsumer) -> Iterator[Operation]:
    """The mapped actions of a wrapped view."""
    for action in sorted(registered.consumer.actions, key=in_order):
        view = WrappedView(registered, action)
        if view.serializer is None and view.does != "destroy":
            registered.types.problems.report(
                "I001",
                registered.breadcrumb(action),
                "the view has no serializer for this action.",
                "What it reads and writes is JSON.",
                "Wrap a generic view or viewset with a serializer_class.",
            )
        result, shape, data = answer_of(view)
        arguments = tuple(arguments_of(view))
        name = naming.checked(
            root_name(action, registered), registered.breadcrumb(action), "Register another prefix."
        )
        plain = f"{view.method} of the view {registered.plural}."
        described = DOES.get(view.does or "", plain)
        yield Operation(
            stream=registered.plural,
            action=action,
            kind="query" if view.reads else "mutation",
            name=name,
            arguments=arguments,
            result=result,
            shape=shape,
            data=data,
            description=described.format(singular=registered.singular.replace("_", " ")),
            lookup=next((a.name for a in arguments if a.inside is not None), None),
            consumer=registered.consumer,
        )


def answer_of(view: WrappedView) -> tuple[str, Shape, str]:
    """The type of what a view answers, its shape, and the type inside."""
    if view.does == "destroy" and view.standard:
        return "ID", "key", "ID"
    if view.serializer is None:
        return "JSON", "json", "JSON"
    types = view.registered.types
    item = types.named(view.serializer, "output", view.registered.breadcrumb(view.action))
    if view.does != "list":
        return item, "json" if item == "JSON" else "object", item
    pages = pages_of(paged(view.cls)) if view.standard else None
    if pages is not None:
        page = page_type(types, pages, item)
        return page, "json" if page == "JSON" else "page", item
    return f"[{item}]" if item == "JSON" else f"[{item}!]", "list", item


def paged(cls: Any) -> Any:
    """A class that is paged as a view is; its pages come as the paginator makes them."""
    attributes = {"pagination_class": getattr(cls, "pagination_class", None)}
    return type(cls.__name__, (StreamedPaginatedListMixin,), attributes)


def arguments_of(view: WrappedView) -> Iterator[OperationArgument]:
    """The key of a detail, the input of a serializer, how to ask a list; then anything else."""
    registered = view.registered
    if view.standard and view.does in DETAIL:
        yield lookup(view)
    if view.standard and view.does == "list" and view.serializer is not None:
        yield from list_arguments(view)
    if view.does in WRITING and view.serializer is not None:
        place = registered.breadcrumb(view.action)
        name = registered.types.named(view.serializer, WRITING[view.does], place)
        yield OperationArgument("data", f"{name}!", "data")
    elif not view.reads and view.does != "destroy":
        yield OperationArgument("data", "JSON", "data", REST["data"], skip_null=True)
    for key in ("query", "parameters"):
        yield OperationArgument(key, "JSON", key, REST[key], skip_null=True)


def lookup(view: WrappedView) -> OperationArgument:
    """``id: ID!``, or a lookup field of its own name and type, as the path would name it."""
    field = str(view.cls.lookup_field)
    key = str(view.cls.lookup_url_kwarg or field)
    model = view.model
    if field == "pk" or (model is not None and field == model._meta.pk.name):
        return OperationArgument("id", "ID!", "parameters", inside=key)
    column = None if model is None else step(model, field).column
    text = "String"
    if column is not None:
        place = view.registered.breadcrumb(view.action, field)
        site = Site(view.registered.types, "", field, "input", place, Source(column=column))
        text = column_type(column, site)
    return OperationArgument(naming.camel(key), f"{text}!", "parameters", inside=key)


def list_arguments(view: WrappedView) -> Iterator[OperationArgument]:
    """How to ask for a page, and what the filter backends read: all in the query."""
    registered = view.registered
    pages = pages_of(paged(view.cls))
    found = list(pages.arguments) if pages is not None else []
    found += backend_arguments(
        registered.types,
        view.cls,
        view.serializer,
        registered.singular,
        registered.breadcrumb(view.action),
    )
    for a in found:
        yield OperationArgument(a.name, a.type, None, a.description, query=a)
