"""
What carries the frames of a consumer, as the consumer sees it.

A socket that it has alone, or the stream of a router. One object, and not a method for each
thing that it does: a method that is kept weighs 64 bytes, on every connection.

Source: docs/decisions/0041-few-objects-for-an-idle-connection.md
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any


class Carrier:
    """What serves a consumer; this one serves none yet."""

    __slots__ = ()

    async def send(self, message: Any) -> None:
        """Send an ASGI message."""
        raise RuntimeError("This consumer has no client yet.")

    def send_text(self, text: str) -> Awaitable[None]:
        """Send the text of a frame: the way of an event."""
        return self.send({"type": "websocket.send", "text": text})

    def channel_used(self) -> None:
        """Listen to the consumer's own channel, if not yet: somebody has asked for its name."""

    def subscription_ended(self, request_id: Any) -> None:
        """Hear that the subscription of a request is over, before its refusal is sent."""


NOBODY = Carrier()
