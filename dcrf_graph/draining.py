"""
How a process ends without losing a reply: what is asked is answered, then sockets close with 1012.

    application = draining(ProtocolTypeRouter({...}))

Servers close their sockets as soon as they are told to stop (SIGTERM), whatever is still being
answered. The wrapper hears the signal first: new sockets are turned away, frames are not read any
more, calls and operations that run are answered, and each socket closes when it has nothing more to
say, at the latest after ``DRAIN_TIMEOUT``. Then the server is told. Subscriptions end with their
socket, streams of results over HTTP with an error; clients connect again, to another process.

It must not know what a transport does to be drained.

Source: docs/deployment.md, section "Stopping a process"
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from dcrf_graph.closing import send_close
from dcrf_graph.connection import open_connections
from dcrf_graph.protocols.effects import Close, CloseCode
from dcrf_graph.settings import api_settings

logger = logging.getLogger(__name__)

RESTARTING = "The server restarts."
Application = Callable[[Any, Any, Any], Awaitable[None]]


async def drain(timeout: float | None = None) -> None:
    """
    Answer what was asked on every open connection, and end it.

    Args:
        timeout: seconds, by default ``DRAIN_TIMEOUT``; what then still runs is left to the server.

    Cancelling this wait lets the connections end all the same.
    """
    seconds = api_settings.DRAIN_TIMEOUT if timeout is None else timeout
    connections = list(open_connections)
    for connection in connections:
        if connection.presence is not None:
            connection.presence.drain(RESTARTING, seconds)
    over = [asyncio.ensure_future(connection.over.wait()) for connection in connections]
    if over:
        _, late = await asyncio.wait(over, timeout=seconds)
        for waiting in late:
            waiting.cancel()
        if late:
            logger.warning("%d connections were still busy after %s seconds", len(late), seconds)


def draining(application: Application) -> Application:
    """Wrap an ASGI application so that SIGTERM drains it; see the module."""
    return Draining(application)


class Draining:
    """The wrapper; it answers the server's lifespan itself, where there is one."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._stopping: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._listening = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a connection; a socket that comes while the process ends is closed with 1012."""
        self._listen()
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket" and self._stopping is not None:
            await receive()
            await send({"type": "websocket.accept"})
            await send_close(send, Close(CloseCode.SERVICE_RESTART, RESTARTING))
        else:
            await self.application(scope, receive, send)

    async def stop(self) -> None:
        """Drain, once; whoever calls later waits for the same."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(drain())
        await asyncio.shield(self._stopping)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def _listen(self) -> None:
        """Hear SIGTERM before the server does, from the first connection on."""
        if self._listening or threading.current_thread() is not threading.main_thread():
            return
        self._listening = True
        loop = asyncio.get_running_loop()
        server = signal.getsignal(signal.SIGTERM)
        if loop.remove_signal_handler(signal.SIGTERM):
            # What the server has given to the loop cannot be had back; SIGINT tells it the same.
            loop.add_signal_handler(
                signal.SIGTERM, self._told, partial(signal.raise_signal, signal.SIGINT)
            )
        elif callable(server):
            stop_server = partial(server, signal.SIGTERM, None)
            signal.signal(
                signal.SIGTERM,
                lambda number, frame: loop.call_soon_threadsafe(self._told, stop_server),
            )
            # The loop must not wait for the network until it hears of it.
            signal.siginterrupt(signal.SIGTERM, False)

    def _told(self, stop_server: Callable[[], Any]) -> None:
        """Drain and then have the server stop; told once more, have it stop at once."""
        if self._stopping is not None:
            stop_server()
            return
        self._draining = asyncio.ensure_future(self.stop())
        self._draining.add_done_callback(lambda _: stop_server())
