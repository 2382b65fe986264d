"""
`/multiplexed/`: the board as channelsmultiplexer serves it; `/ws/`: as the router does.

`/readers/`: events for readers who do not read.
"""

from __future__ import annotations

from typing import Any, ClassVar

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channelsmultiplexer import AsyncJsonWebsocketDemultiplexer
from django.urls import path

from examples.board.api import router
from examples.board.asgi import django_application
from tests.e2e.extended.readers import router as readers


class Demultiplexer(AsyncJsonWebsocketDemultiplexer):  # type: ignore[misc]
    applications: ClassVar[dict[str, Any]] = {
        name: registered.consumer.as_asgi() for name, registered in router.registry.items()
    }

    async def websocket_accept(self, message: Any, stream_name: str) -> None:
        """Let the client in when every stream takes frames.

        channelsmultiplexer itself does so with the first, and fails on a frame for another one.
        """
        self.applications_accepting_frames.add(stream_name)
        if len(self.applications_accepting_frames) == len(self.applications):
            await self.accept()


websockets = URLRouter(
    [
        path("ws/", router.as_asgi()),
        path("multiplexed/", Demultiplexer.as_asgi()),
        path("readers/", readers.as_asgi()),
    ]
)
application = ProtocolTypeRouter(
    {"http": django_application, "websocket": AuthMiddlewareStack(websockets)}
)
