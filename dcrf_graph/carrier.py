"""
What carries the frames of a consumer, as the consumer sees it.

A socket that it has alone, or the stream of a router. One object, and not a method for each
thing that it does: a method that is kept weighs 64 bytes, on every connection.

Source: docs/decisions/0041-few-objects-for-an-idle-connection.md
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from dcrf_graph.changes.change import Event
from dcrf_graph.encoding import dumps
from dcrf_graph.observer.delivery import Delivery


class Written(Protocol):
    """A row that many are told alike.

    ``frame`` is the text that tells it, with a request_id of null, ``opening`` what of that comes
    before the null.
    """

    frame: str
    opening: str


class Carrier:
    """What serves a consumer; this one serves none yet."""

    __slots__ = ()

    async def send(self, message: Any) -> None:
        """Send an ASGI message."""
        raise RuntimeError("This consumer has no client yet.")

    def send_text(self, text: str) -> Awaitable[None]:
        """Send the text of a frame: the way of an event."""
        return self.send({"type": "websocket.send", "text": text})

    # What raises when awaited, in these two, `has_lost` is to be asked about.

    def tell(self, content: Any, delivery: Delivery) -> Awaitable[None]:
        """Send a frame of a delivery that is free."""
        return self.send_text(dumps(content))

    def tell_row(
        self, row: Written, event: Event, request_id: Any, tail: str
    ) -> Awaitable[None] | None:
        """Send the row of an event to a request; None where a delivery is needed for that."""
        return self.send_text(row.opening + tail)

    def has_lost(self, error: BaseException) -> bool:
        """Whether an error says that the client is gone; then nothing more is sent."""
        return False

    def channel_used(self) -> None:
        """Listen to the consumer's own channel, if not yet: somebody has asked for its name."""

    def subscription_ended(self, request_id: Any) -> None:
        """Hear that the subscription of a request is over, before its refusal is sent."""


async def nothing() -> None:
    """Sends nothing."""


NOBODY = Carrier()
