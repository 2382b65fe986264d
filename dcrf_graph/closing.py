"""
Closing a socket: of a client that has too many, and with a code that its server may not let pass.

daphne gives applications 1000 and 3000 to 4999 only, and raises for RFC 6455's own codes; there a
close of 1012 is one of 4012.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from dcrf_graph.admission import Admission
from dcrf_graph.exceptions import TooManyConnections
from dcrf_graph.protocols.effects import Close, CloseCode

GONE = (OSError, RuntimeError)
"""What servers raise when they are told to send after the client has left: uvicorn one or the
other, by how far it is with that; daphne and hypercorn drop what is sent."""
PRIVATE = 3000
"""What is added to a code of RFC 6455 where a server refuses it: 1011, 1012, 1013 become 4011..."""


async def send_close(send: Callable[[Mapping[str, Any]], Awaitable[None]], close: Close) -> None:
    """
    Send a close.

    Raises:
        OSError, RuntimeError: the socket was gone before, as servers say it.
    """
    code = int(close.code)
    try:
        await send({"type": "websocket.close", "code": code, "reason": close.reason})
    except GONE:
        raise
    except Exception:
        if code == 1000 or code >= PRIVATE:
            raise
        await send({"type": "websocket.close", "code": code + PRIVATE, "reason": close.reason})


def crowded(admission: Admission, scope: Mapping[str, Any]) -> Close | None:
    """How a socket is closed whose client has as many as it may; None where it is counted now."""
    try:
        admission.take(scope)
    except TooManyConnections as full:
        return Close(CloseCode.TRY_AGAIN_LATER, str(full.detail))
    return None
