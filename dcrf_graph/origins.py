"""
From whose pages a WebSocket may come.

A browser sends the cookies of our users with a handshake that a page of anybody
makes, and asks nobody first; but it names the page's Origin, which no page can
change. Clients that name none are no browsers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlparse

from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings

from dcrf_graph.settings import api_settings


class Origins(OriginValidator):
    """Lets clients in that name no Origin, which browsers always do, or one of ours."""

    def __init__(self) -> None:
        nothing: Any = None
        super().__init__(nothing, ())

    async def admits(self, scope: Any, receive: Any, send: Any) -> bool:
        """Whether every Origin that the handshake names is one of ours; else denies it."""
        headers = scope.get("headers", ())
        named = [value for name, value in headers if name == b"origin"]
        hosts = [value.decode("latin1") for name, value in headers if name == b"host"]
        if all(self.allows(value.decode("latin1"), hosts) for value in named):
            return True
        denier: Any = WebsocketDenier()
        await denier(scope, receive, send)
        return False

    def allows(self, origin: str, asked: Sequence[str] = ()) -> bool:
        """Whether a page of this Origin may connect; never raises.

        Args:
            asked: what the client calls this server, by its ``Host``.
        """
        hosts = api_settings.ALLOWED_ORIGINS
        if hosts is None:
            hosts = settings.ALLOWED_HOSTS
            if settings.DEBUG and not hosts:
                hosts = [".localhost", "127.0.0.1", "[::1]"]
            if "*" in hosts:
                # Any name of this server, which is not any page: the host that was asked.
                hosts = [hostname_of(each) for each in asked]
        self.allowed_origins = hosts
        try:
            return bool(self.validate_origin(urlparse(origin)))
        except ValueError:  # no URL, or a port that is no number
            return False


def hostname_of(host: str) -> str:
    """The name in a ``Host`` header, without the port."""
    return host.rpartition(":")[0] if re.search(r":\d+$", host) else host
