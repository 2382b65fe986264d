"""
How the frames of a consumer are encoded and sent: to a client, or to who captures them.

This is the path that an event takes once per subscriber; what is rare (a call, a delivery
that may keep what it sends, a way of sending of the application's own) leaves it early.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import cache
from typing import Any

from asgiref.sync import SyncToAsync
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from dcrf_graph.calls import current_call
from dcrf_graph.capture import Captor
from dcrf_graph.carrier import NOBODY, Carrier, Written
from dcrf_graph.changes.change import Event
from dcrf_graph.encoding import dumps
from dcrf_graph.observer.delivery import BY_THREAD, Delivery, current_delivery, delivery_now

# Methods of imported objects are bound anew for each call, but for those that are kept.
call_now = current_call.get
named_now = current_delivery.get
key_now = SyncToAsync.thread_sensitive_context.get


class Sending(AsyncJsonWebsocketConsumer):
    """What a consumer sends by."""

    reply: Any
    _carrier: Carrier = NOBODY
    _captor: Captor | None = None

    async def send_json(self, content: Any, close: bool = False) -> None:
        """Encode a frame and send it; what an ended call still has to say is dropped.

        It looks whether it may where it is awaited, not where it is called.
        """
        # `delivery_now`, written out. A handler may send by another consumer than its own.
        delivery: Any = named_now()
        if delivery is BY_THREAD:
            delivery = key_now(None)
        if (
            type(delivery) is not Delivery
            or not delivery.free
            or (line := delivery.line).held
            or line.consumer is not self
            or close
            or call_now() is not None
        ):
            await self._send_carefully(content, close)
            return
        # What an event says to a subscriber comes here, once for each of them.
        try:
            await self._carrier.tell(content, delivery)
        except Exception as error:
            if not self.has_lost(error):
                raise

    def tell(
        self, row: Written, event: Event, request_id: Any, tail: str
    ) -> Awaitable[None] | None:
        """
        What sends one request the row of an event, where there is no delivery.

        To be called where none of our ways of sending frames has been replaced. Who
        awaits it asks ``has_lost`` about what it raises.

        Args:
            tail: the request_id as JSON, and the end of a frame.

        Returns:
            None where a delivery is needed: for code of the application, or for what has to wait.
        """
        return self._carrier.tell_row(row, event, request_id, tail)

    def has_lost(self, error: BaseException) -> bool:
        """Whether an error of sending says that the client is gone; then nothing more is sent."""
        return self._carrier.has_lost(error)

    @classmethod
    def sends_plainly(cls) -> bool:
        """Whether nothing but ours encodes and sends the frames of this class."""
        consumer_class: Any = cls
        return sends_plainly(consumer_class)

    async def _send_carefully(self, content: Any, close: bool) -> None:
        consumer_class: Any = type(self)
        call = current_call.get()
        if call is not None and call.ended:
            return
        delivery = delivery_now()
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
        delivery = delivery_now()
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
