"""
How the frames of a consumer are encoded and sent: to a client, or to who captures them.

This is the path that an event takes once per subscriber; what is rare (a call, a delivery
that may keep what it sends, a way of sending of the application's own) leaves it early.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import cache
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from dcrf_graph.calls import current_call
from dcrf_graph.capture import Captor
from dcrf_graph.carrier import NOBODY, Carrier
from dcrf_graph.encoding import dumps
from dcrf_graph.observer.delivery import Delivery, current_delivery

# Methods of imported objects are bound anew for each call, but for those that are kept.
call_now = current_call.get
delivery_now = current_delivery.get


class Sending(AsyncJsonWebsocketConsumer):
    """What a consumer sends by."""

    _carrier: Carrier = NOBODY
    _captor: Captor | None = None

    async def send_json(self, content: Any, close: bool = False) -> None:
        """Encode a frame and send it; what an ended call still has to say is dropped.

        It looks whether it may where it is awaited, not where it is called.
        """
        delivery = delivery_now()
        consumer_class: Any = type(self)
        if (
            delivery is None
            or delivery.cause is not None
            or delivery.gone
            or delivery.line is None
            or delivery.line.held
            or close
            or call_now() is not None
            or not sends_plainly(consumer_class)
        ):
            await self._send_carefully(content, close)
        # What an event says to a subscriber comes here, once for each of them.
        elif self._captor is not None and isinstance(content, dict):
            await self._captor.capture_event(content, delivery)
        else:
            await self._carrier.send_text(dumps(content))

    def tell_text(self, text: str, request_id: Any, delivery: Delivery) -> Awaitable[None] | None:
        """
        What sends one request a frame that is the same for all but for the request_id.

        To be called where none of our ways of sending frames has been replaced.

        Args:
            text: the frame as JSON, in which ``"request_id":null`` comes last.
            delivery: the one that runs now, in whose context no call does.

        Returns:
            None where it has to go by ``reply``, which may keep it for later.
        """
        if delivery.cause is not None or delivery.line is None or delivery.line.held:
            return None
        if self._captor is not None:
            return self._captor.capture_text(text, request_id, delivery)
        named = str(request_id) if type(request_id) is int else dumps(request_id)
        return self._carrier.send_text(f"{text[:-5]}{named}}}")

    async def _send_carefully(self, content: Any, close: bool) -> None:
        consumer_class: Any = type(self)
        call = current_call.get()
        if call is not None and call.ended:
            return
        delivery = current_delivery.get()
        if delivery is not None and not delivery.hindered:
            delivery = None
        named = None if delivery is None else request_id_in(content)
        if delivery is not None and delivery.gone and named in delivery.gone:
            return
        if close or not sends_plainly(consumer_class):
            await super().send_json(content, close)
        elif self._captor is not None and isinstance(content, dict):
            capture = self._captor.capture
            if delivery is None or not delivery.keeps(capture, content, named):
                await capture(content)
        else:
            text = dumps(content)
            if delivery is None or not delivery.keeps(self._carrier.send_text, text, named):
                await self._carrier.send_text(text)
        if call is not None:
            call.note(content)

    async def base_send(self, message: Any) -> None:
        """Send a message, unless the delivery that it comes from keeps it."""
        delivery = current_delivery.get()
        if delivery is None or not delivery.keeps(self._carrier.send, message):
            await self._carrier.send(message)

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        """Frames as JSON, with DRF's encoding of dates, decimals, UUIDs and lazy strings."""
        return dumps(content)


@cache
def sends_plainly(consumer_class: Any) -> bool:
    """Whether nothing but ours encodes and sends the frames of a class; decided once."""
    return all(
        getattr(getattr(consumer_class, name), "__func__", getattr(consumer_class, name)) is ours
        for name, ours in (
            ("encode_json", Sending.encode_json.__func__),  # type: ignore[attr-defined]
            ("send", Sending.send),
        )
    )


def request_id_in(content: Any) -> Any:
    """The request_id of a frame; None where it has none."""
    return content.get("request_id") if isinstance(content, Mapping) else None
