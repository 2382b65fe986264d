"""The ASGI application: HTTP by Django, WebSockets by the router."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.board.settings")
django_application = get_asgi_application()

# Models can be imported only now.
from dcrf_graph.draining import draining  # noqa: E402
from examples.board.api import router  # noqa: E402
from examples.board.consumers import CardConsumer  # noqa: E402

websockets = URLRouter(
    [
        path("ws/", router.as_asgi()),
        path("ws/cards/", CardConsumer.as_asgi()),  # type: ignore[list-item,arg-type]
    ]
)
# Told to end, the process first answers what was asked (docs/deployment.md).
application = draining(
    ProtocolTypeRouter({"http": django_application, "websocket": AuthMiddlewareStack(websockets)})
)
