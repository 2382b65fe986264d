"""
From whose pages a WebSocket may come.

A browser sends the cookies of our users with a handshake that a page of anybody
makes, and asks nobody first; but it names the page's Origin, which no page can
change. Clients that name none are no browsers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlparse

from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings

from dcrf_graph.settings import api_settings


class Origins(OriginValidator):
    """Lets clients in that name no Origin, which browsers always do, or one of ours."""

    def __init__(self, application: Any) -> None:
        super().__init__(application, ())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the connection, or deny it."""
        if scope["type"] != "websocket":
            raise ValueError(f"expected a WebSocket, got a connection of type {scope['type']!r}")
        application: Any = self.application if self.let_in(scope) else WebsocketDenier()
        await application(scope, receive, send)

    def let_in(self, scope: Any) -> bool:
        """Whether every Origin that the handshake names, if any, is one of ours."""
        named = [value for name, value in scope.get("headers", ()) if name == b"origin"]
        return all(self.allows(value.decode("latin1")) for value in named)

    def allows(self, origin: str) -> bool:
        """Whether a page of this Origin may connect; never raises."""
        hosts = api_settings.ALLOWED_ORIGINS
        if hosts is None:
            hosts = settings.ALLOWED_HOSTS
            if settings.DEBUG and not hosts:
                hosts = [".localhost", "127.0.0.1", "[::1]"]
        self.allowed_origins = hosts
        try:
            return bool(self.validate_origin(urlparse(origin)))
        except ValueError:  # no URL, or a port that is no number
            return False
