"""
The least of a WebSocket client, RFC 6455: cheap enough for hundreds in one process.

It connects to this machine only, masks with zeros, and reads frames that are whole, as all
contenders send them; anything else is an error.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

HOST = "127.0.0.1"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)

Handler = Callable[[bytes], None]


class Socket(asyncio.Protocol):
    """
    One connection; ``on_text`` is called with each text, ``on_end`` with why it ended.

    Both may be replaced at any time.
    """

    def __init__(self) -> None:
        self.on_text: Handler = lambda text: None
        self.on_end: Callable[[str], None] = lambda reason: None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()

    @classmethod
    async def connect(
        cls, port: int, path: str, query: str = "", subprotocol: str | None = None
    ) -> Socket:
        """Connect, and shake hands.

        Raises:
            ConnectionError: when the server refuses.
        """
        loop = asyncio.get_running_loop()
        transport, socket = await loop.create_connection(cls, HOST, port)
        more = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
        target = f"{path}?{query}" if query else path
        transport.write(REQUEST.format(path=target, port=port, more=more).encode())
        await socket.opened
        return socket

    def send(self, text: str) -> None:
        """Send a text of up to 64 KiB."""
        self._send(TEXT, text.encode())

    async def close(self) -> None:
        """Say goodbye, and wait for the server to end the connection."""
        if not self.closed.done():
            self.on_end = lambda reason: None
            self._send(CLOSE, struct.pack("!H", 1000))
            await self.closed

    def _send(self, opcode: int, payload: bytes) -> None:
        assert self._transport is not None
        if len(payload) < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload))
        else:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(payload))
        self._transport.write(head + bytes(4) + payload)

    # -- asyncio.Protocol --------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.opened.done():
            self._shake_hands()
        if self.opened.done():
            self._read_frames()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the server hung up during the handshake"))
        if not self.closed.done():
            self.closed.set_result(None)
        self.on_end(f"the connection was lost ({exc})")

    def _shake_hands(self) -> None:
        head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if found:
            if b" 101 " in head.splitlines()[0]:
                self._buffer = bytearray(rest)
                self.opened.set_result(None)
            else:
                self.opened.set_exception(ConnectionError(head.decode("latin1")))

    def _read_frames(self) -> None:
        buffer, begin, end = self._buffer, 0, len(self._buffer)
        while end - begin >= 2:
            length, head = buffer[begin + 1], 2
            if length == 126:
                length, head = int.from_bytes(buffer[begin + 2 : begin + 4], "big"), 4
            elif length == 127:
                length, head = int.from_bytes(buffer[begin + 2 : begin + 10], "big"), 10
            if end - begin < head + length:
                break
            payload = bytes(buffer[begin + head : begin + head + length])
            self._take(buffer[begin], payload)
            begin += head + length
        del buffer[:begin]

    def _take(self, first: int, payload: bytes) -> None:
        if first == 0x80 | TEXT:
            self.on_text(payload)
        elif first == 0x80 | PING:
            self._send(PONG, payload)
        elif first == 0x80 | CLOSE:
            self.on_end(f"the server closed: {payload!r}")
            assert self._transport is not None
            self._transport.close()
        else:
            self.on_end(f"no whole frame of text begins with {first:#x}")
