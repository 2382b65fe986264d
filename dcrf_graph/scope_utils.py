"""
From an ASGI scope to what DRF expects: a user, a request, a view.

DRF's permissions, throttles, filters and serializers were written for views.
Here a call gets a request of its own (right method, ``HTTP_`` headers, query)
and a view that is the consumer as this one call sees it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from rest_framework.request import Request

from dcrf_graph.threads import in_database_thread

if TYPE_CHECKING:
    from dcrf_graph.access import Access


def ensure_async(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return an awaitable form of a method; synchronous code goes to the database thread.

    A plain ``def`` may pass on a coroutine, as one that calls ``super()`` does:
    it is awaited, so that nobody takes it for a yes.
    """
    if asyncio.iscoroutinefunction(method):
        return method
    in_thread = in_database_thread(method)

    async def call(*args: Any, **kwargs: Any) -> Any:
        result = await in_thread(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    return call


def user_of(scope: Mapping[str, Any]) -> Any:
    """The user of a scope; an ``AnonymousUser`` instance where no middleware set one."""
    user = scope.get("user")
    return AnonymousUser() if user is None else user


def forget_permissions(user: Any) -> None:
    """Have Django's backends look up a user's permissions anew, which they keep on the user.

    Source: https://docs.djangoproject.com/en/stable/topics/auth/default/#permission-caching
    """
    kept = getattr(getattr(user, "_wrapped", user), "__dict__", {})
    for name in ("_perm_cache", "_user_perm_cache", "_group_perm_cache"):
        kept.pop(name, None)


def query_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """A frame's ``"query"`` object as a query string would carry it: texts, and no nulls."""
    return {
        key: [text_of(item) for item in value] if isinstance(value, list) else text_of(value)
        for key, value in values.items()
        if value is not None
    }


def text_of(value: Any) -> str:
    """How a JSON value is written in a query string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


class ScopeRequest(ASGIRequest):
    """A request that knows no host where the scope names none."""

    def build_absolute_uri(self, location: str | None = None) -> str:
        """The URL with scheme and host; the path alone where nobody knows the host."""
        try:
            return super().build_absolute_uri(location)
        except DisallowedHost:
            if "HTTP_HOST" in self.META or self.META["SERVER_NAME"] != "unknown":
                raise
            return self.get_full_path() if location is None else location


def request_from_scope(
    scope: Mapping[str, Any],
    method: str = "GET",
    *,
    query: Mapping[str, Any] | None = None,
    data: Any = None,
) -> HttpRequest:
    """Build the Django request that this scope would have been over HTTP.

    Args:
        method: the HTTP method, e.g. ``"PATCH"``.
        query: becomes ``request.GET``, on top of the connection's own query
            string; lists become repeated keys.
        data: becomes the JSON body where it is not None.

    The session, the cookies and the user are those of the connection.
    """
    body = b"" if data is None else json.dumps(data).encode()
    headers = [
        (name, value)
        for name, value in scope.get("headers", ())
        if name.lower() not in (b"content-type", b"content-length", b"accept")
    ]
    headers += [(b"accept", b"application/json"), (b"content-type", b"application/json")]
    headers += [(b"content-length", str(len(body)).encode())]
    scheme = scope.get("scheme", "http")
    request = ScopeRequest(
        {
            "type": "http",
            "method": method,
            "path": scope.get("path", "/"),
            "root_path": scope.get("root_path", ""),
            "query_string": scope.get("query_string", b""),
            "scheme": {"ws": "http", "wss": "https"}.get(scheme, scheme),
            "client": scope.get("client"),
            "server": scope.get("server"),
            "headers": headers,
        },
        BytesIO(body),
    )
    request.META["HTTP_CONTENT_TYPE"] = "application/json"
    if query:
        merged = request.GET.copy()
        for key, value in query.items():
            merged.setlist(key, value if isinstance(value, list) else [value])
        request.GET = merged  # type: ignore[assignment]
    if "cookies" in scope:
        request.COOKIES = dict(scope["cookies"])
    request.session = scope.get("session")  # type: ignore[assignment]
    request.user = user_of(scope)
    # The handshake checked the Origin; there is no form that could carry a token.
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    return request


class CallRequest(Request):
    """A DRF request whose data are the call's ``data`` and whose user is the connection's."""

    def __init__(self, request: HttpRequest, data: Any, auth: Any = None) -> None:
        super().__init__(request)
        self.call_data = {} if data is None else data
        self.user = request.user
        self.auth = auth

    @property
    def data(self) -> Any:
        """What the frame carried as ``"data"``; an empty object where it had none."""
        return self.call_data


class CallView:
    """The consumer as one call sees it, in the shape of a DRF view.

    ``action``, ``request`` and ``kwargs`` are the call's; everything else is
    the consumer's. Nothing is stored on the consumer, which other calls share.
    """

    def __init__(
        self, consumer: Access, action: str, kwargs: Mapping[str, Any], method: str
    ) -> None:
        self.consumer = consumer
        self.action = action
        self.kwargs = dict(kwargs)
        data = self.kwargs.get("data")
        query = self.kwargs.get("query")
        self.request = CallRequest(
            request_from_scope(
                consumer.scope,
                method,
                query=query_of(query) if isinstance(query, Mapping) else None,
            ),
            data,
            consumer.scope.get("auth"),
        )
        self.args: tuple[Any, ...] = ()
        self.format_kwarg = None

    def get_queryset(self) -> Any:
        """The consumer's queryset for this call."""
        get_queryset = self.consumer.get_queryset  # type: ignore[attr-defined]
        return get_queryset(**{"action": self.action, **self.kwargs})

    def __getattr__(self, name: str) -> Any:
        return getattr(self.consumer, name)
