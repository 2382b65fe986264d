"""
One native client on the router's socket: its streams, and the frames between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from contextvars import Context
from typing import Any

from dcrf_graph.admission import Admission
from dcrf_graph.authentication import Identity, Payload
from dcrf_graph.carrier import nothing
from dcrf_graph.closing import crowded
from dcrf_graph.connection import Connection
from dcrf_graph.exceptions import TooManyFrames
from dcrf_graph.observer.delivery import delivery_now
from dcrf_graph.presence import Farewell, Presence, within
from dcrf_graph.protocols.effects import (
    Close,
    CloseCode,
    Dispatch,
    Send,
)
from dcrf_graph.protocols.frames import encode
from dcrf_graph.protocols.native import NativeStreams
from dcrf_graph.renewal import is_renewal, renewed
from dcrf_graph.settings import api_settings
from dcrf_graph.streams import Streams
from dcrf_graph.transports.host import Host
from dcrf_graph.transports.refusals import INTERNAL_ERROR, refusal_of
from dcrf_graph.transports.socket import Socket


class NativeSession:
    """One native client: its streams, and the frames between."""

    __slots__ = (
        "admission",
        "connection",
        "host",
        "presence",
        "protocol",
        "socket",
        "streams",
    )

    def __init__(self, host: Host, scope: Mapping[str, Any], socket: Socket) -> None:
        self.host = host
        self.socket = socket
        self.connection = Connection()
        self.connection.socket = socket
        self.streams = Streams({}, scope, self.connection)
        self.admission = Admission()
        self.presence = Presence(self.connection, self, scope)
        self.protocol = NativeStreams(
            host.stream_names(), max_frame_size=api_settings.MAX_FRAME_SIZE
        )

    async def begin(self) -> bool:
        """Let the client in; False where it is refused."""
        refusal = await self._authenticate()
        await self.socket.accept(None)
        if refusal is not None:
            await self.socket.close(refusal)
            return False
        full = crowded(self.admission, self.presence.scope)
        if full is not None:
            await self.socket.close(full)
            return False
        self.streams = self.host.streams(self.presence.handshake, self.connection, self._frame)
        return True

    async def take(self, message: Mapping[str, Any]) -> bool:
        """Do what a frame asks for; False when the client has gone."""
        if self.socket.gone(message):
            return False
        if self.presence.farewell is None:
            await self._receive(message, allowed=self.connection.frames.take())
        return True

    async def end(self) -> None:
        """Leave no task and no subscription behind."""
        self.socket.closed = True
        self.admission.close()
        await self.streams.close()

    async def _receive(self, frame: Mapping[str, Any], *, allowed: bool) -> None:
        for effect in self.protocol.receive(frame.get("text"), frame.get("bytes")):
            match effect:
                case Dispatch(stream=stream, payload=payload) if not allowed:
                    # Here: who floods and does not read is read no further.
                    await self.streams.refuse(stream, payload, TooManyFrames())
                case Dispatch(stream=stream, payload=payload):
                    consumer_class = self.streams.applications[stream].consumer_class
                    if is_renewal(payload.get("action"), consumer_class):
                        self._renew(stream, payload)
                    else:
                        await self.streams.receive(stream, payload)
                case Send(text=text):
                    await self.socket.send(text)

    async def _authenticate(self) -> Close | None:
        try:
            await self.presence.enter()
        except Exception as error:
            reason = refusal_of(error)
            return INTERNAL_ERROR if reason is None else Close(CloseCode.FORBIDDEN, reason)
        return None

    def _renew(self, stream: str, payload: dict[str, Any]) -> None:
        answer = renewed(self.presence, payload)

        async def reply() -> None:
            await self._frame(stream, encode(await answer))

        self.connection.start(reply())

    def identify(self, scope: Mapping[str, Any], payload: Payload) -> Awaitable[Identity]:
        """Ask the host."""
        return self.host.authenticate(scope, payload)

    async def adopt(self) -> None:
        """Go on as the user that is known now."""
        full = crowded(self.admission, self.presence.scope)
        if full is not None:
            await self.socket.close(full)
            return
        await self.streams.adopt(self.presence.known)

    def leave(self, farewell: Farewell) -> None:
        """End the connection."""
        self.connection.start(self._part(farewell), context=Context())

    async def _part(self, farewell: Farewell) -> None:
        if not farewell.at_once:
            self.streams.hush()
            await within(farewell.patience, self.connection.idle())
        await self.socket.close(Close(farewell.code, farewell.reason))
        self.connection.over.set()

    def _frame(self, stream: str, text: str) -> Awaitable[None]:
        if self.presence.farewell is not None and delivery_now() is not None:
            return nothing()  # an event that was on its way
        return self.socket.send(self.protocol.enveloped(stream, text))
