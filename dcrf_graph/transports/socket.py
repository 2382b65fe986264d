"""
One WebSocket: what may be sent on it, in which order, and when it is over.

Knows no protocol and no session.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from dcrf_graph.closing import GONE, send_close
from dcrf_graph.protocols.effects import Close

logger = logging.getLogger(__name__)


class Socket:
    """One WebSocket: what may be sent on it, in which order, and when it is over."""

    __slots__ = ("_line", "_send", "_sending", "closed")

    def __init__(self, send: Any) -> None:
        self._send = send
        # Many tasks send. Whoever comes first is sent first, also where the server makes them wait.
        self._line: deque[asyncio.Future[None]] | None = None
        self._sending = False
        self.closed = False

    async def accept(self, subprotocol: str | None) -> None:
        """Complete the handshake."""
        await self._pass_on({"type": "websocket.accept", "subprotocol": subprotocol})

    async def send(self, text: str) -> None:
        """Send a frame; nothing happens once the socket is closed."""
        if self._sending:
            await self._turn()
        else:
            self._sending = True
        try:
            if not self.closed:
                await self._send({"type": "websocket.send", "text": text})
        except GONE as error:
            self._gone("websocket.send", error)
        finally:
            if self._line:
                self._next()
            else:
                self._sending = False

    async def close(self, close: Close) -> None:
        """Close, once, after what is being sent."""
        if self._sending:
            await self._turn()
        else:
            self._sending = True
        try:
            if not self.closed:
                self.closed = True
                await send_close(self._pass_on, close)
        finally:
            self._next()

    async def _turn(self) -> None:
        """Wait until those who came before have been sent."""
        if self._line is None:
            self._line = deque()
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._next()  # it was given to us, and is not for us any more
            raise

    def _next(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._sending = False

    async def _pass_on(self, message: Mapping[str, Any]) -> None:
        try:
            await self._send(message)
        except GONE as error:
            self._gone(message["type"], error)

    def _gone(self, sent: str, error: Exception) -> None:
        # The server found the client gone before it told us.
        self.closed = True
        logger.debug("The socket was gone before %s: %s", sent, error)

    def gone(self, message: Mapping[str, Any]) -> bool:
        """Whether what was received says that the client has gone."""
        if message["type"] == "websocket.disconnect":
            self.closed = True
            return True
        return False
