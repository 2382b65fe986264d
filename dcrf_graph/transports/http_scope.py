"""
The ASGI scope that a consumer sees when its call came over HTTP.

Consumers read ``self.scope`` as on a WebSocket, also under WSGI, where no ASGI scope exists. It is
therefore made from Django's request, after the middleware of the project has had its say about
session and user. It must not know GraphQL.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.utils.functional import LazyObject


async def scope_of(request: HttpRequest) -> dict[str, Any]:
    """
    Build the scope of a request, with its user loaded.

    ``session`` and ``user`` are there where a middleware has set them; ``url_route`` is what
    Channels' router would have left. Header names are lower case, their values bytes.
    """
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": request.META.get("SERVER_PROTOCOL", "HTTP/1.1").partition("/")[2],
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "root_path": request.META.get("SCRIPT_NAME", ""),
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1", "replace"),
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in request.headers.items()
            if value
        ],
        "client": [request.META.get("REMOTE_ADDR"), _port(request, "REMOTE_PORT")],
        "server": [request.META.get("SERVER_NAME"), _port(request, "SERVER_PORT")],
        "cookies": dict(request.COOKIES),
        "subprotocols": [],
    }
    if match := request.resolver_match:
        scope["url_route"] = {"args": match.args, "kwargs": match.kwargs}
    if hasattr(request, "session"):
        scope["session"] = request.session
    if hasattr(request, "user"):
        # Loaded here, in a thread: from asynchronous code the first access may not query.
        if isinstance(request.user, LazyObject):
            await sync_to_async(_load)(request.user)
        scope["user"] = request.user
    return scope


def _port(request: HttpRequest, name: str) -> int:
    # "unknown", "0" and "" are what servers give where there is no port.
    port = str(request.META.get(name, ""))
    return int(port) if port.isdecimal() else 0


def _load(user: Any) -> None:
    """Have Django find the user behind its lazy object."""
    getattr(user, "is_authenticated", None)
