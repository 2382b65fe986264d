"""Django and DRF views as consumers; public as ``dcrf_graph.consumers``, upstream's module."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.template.response import SimpleTemplateResponse
from rest_framework.exceptions import MethodNotAllowed, ValidationError
from rest_framework.response import Response

from dcrf_graph.api_consumer import AsyncAPIConsumer
from dcrf_graph.arguments import refuse
from dcrf_graph.encoding import JSONEncoder
from dcrf_graph.scope_utils import request_from_scope
from dcrf_graph.threads import in_database_thread

MAPPED_ACTIONS: Mapping[str, str] = {
    "create": "PUT",
    "update": "PATCH",
    "list": "GET",
    "retrieve": "GET",
}
"""Upstream's mapping, for views that are given none."""


class DjangoViewAsConsumer(AsyncAPIConsumer):
    """
    A consumer whose actions call a view.

    Attributes:
        view: the view function.
        actions: the HTTP method of each action.

    A frame may carry ``query`` (the request's GET parameters), ``parameters``
    (what the URL would have captured) and ``data`` (the JSON body).

    Source: upstream's ``consumers.DjangoViewAsConsumer``.
    """

    view: Any = None
    actions: ClassVar[Mapping[str, str]] = {}

    def http_method_of(self, action: str) -> str:
        """The method that the action is mapped to."""
        return self.actions.get(action) or super().http_method_of(action)

    def may_overlap(self, action: Any) -> bool:
        """Views keep nothing on the consumer; those that only read may overlap."""
        return isinstance(action, str) and self.actions.get(action) in ("GET", "HEAD", "OPTIONS")

    async def run_action(self, action: str, request_id: Any, kwargs: dict[str, Any]) -> Any:
        """Check that the client may, and call the view."""
        await self.check_permissions(action, **kwargs)
        if action not in self.actions:
            raise MethodNotAllowed(method=action)
        await self.check_throttles(action, **kwargs)
        for name in ("query", "parameters"):
            if not isinstance(kwargs.get(name, {}), dict):
                raise ValidationError({name: ["Expected an object."]})
        refuse(kwargs.get("parameters", {}), "self", "request")
        return await in_database_thread(self.call_view)(action=action, **kwargs)

    def call_view(self, action: str, **kwargs: Any) -> tuple[Any, int]:
        """Call the view with a request of its own; returns what it answered and its status."""
        data = kwargs.get("data", {})
        # The frame's query alone, as upstream's views see it: not that of the socket's address.
        request = request_from_scope(
            {**self.scope, "query_string": b""},
            self.actions[action],
            query=kwargs.get("query"),
            data=data,
        )
        # Upstream's plain views find the data here, as text.
        request.POST = json.dumps(data)  # type: ignore[assignment]
        args, view_kwargs = self.get_view_args(action=action, **kwargs)
        check_parameters(type(self).view, self.actions[action], args, view_kwargs)
        response = type(self).view(request, *args, **view_kwargs)
        if isinstance(response, Response):
            try:
                return json.loads(json.dumps(response.data, cls=JSONEncoder)), response.status_code
            except (TypeError, ValueError):
                pass  # not JSON: what the view's own renderer makes of it
        if isinstance(response, SimpleTemplateResponse):
            response.render()
        content = response.content
        if isinstance(content, bytes):
            try:
                content = content.decode()
            except UnicodeDecodeError:
                content = content.hex()
        return content, response.status_code

    def get_view_args(self, action: str, **kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
        """What the URL would have captured: positional and named."""
        return [], kwargs.get("parameters", {})


def check_parameters(view: Any, method: str, args: list[Any], named: Mapping[str, Any]) -> None:
    """
    Refuse parameters that no URL of this view could have captured: its method does not take them.

    Raises:
        ValidationError: says which is one too many, or missing.
    """
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    name = method.lower()
    name = (getattr(view, "actions", None) or {}).get(name, name)
    handler = view if view_class is None else getattr(view_class, name, None)
    if handler is None:
        return  # what the view answers to a method that it does not have
    before = (None,) if view_class is None else (None, None)  # self, request
    try:
        inspect.signature(handler).bind(*before, *args, **named)
    except TypeError as error:
        raise ValidationError({"parameters": [f"The view {error}."]}) from None


def view_as_consumer(
    wrapped_view: Callable[..., Any], mapped_actions: Mapping[str, str] | None = None
) -> Any:
    """
    Serve a Django or DRF view over a socket.

        path("ws/users/", view_as_consumer(UserViewSet.as_view({"get": "list"})))
        router.register("users", view_as_consumer(UserViewSet.as_view({"get": "list"})))

    Args:
        wrapped_view: the view function.
        mapped_actions: the HTTP method of each action; by default ``create`` is
            PUT, ``update`` PATCH, ``list`` and ``retrieve`` GET.

    Returns:
        An ASGI application. Unlike upstream's, it makes a consumer for each connection.

    Source: upstream's ``consumers.view_as_consumer``.
    """

    class DjangoViewWrapper(DjangoViewAsConsumer):
        view = staticmethod(wrapped_view)
        actions = dict(MAPPED_ACTIONS if mapped_actions is None else mapped_actions)

    return DjangoViewWrapper.as_asgi()
