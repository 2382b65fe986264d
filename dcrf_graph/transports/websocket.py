"""
One WebSocket URL for every protocol: the client's subprotocol chooses.

No subprotocol is native streams, ``graphql-transport-ws`` and the older
``graphql-ws`` are GraphQL, anything else is refused with a reason that names
what is offered. The protocols decide what a frame means (``protocols/``); here
their effects are carried out, as a plain ASGI application, so that no frame and
no event passes through Channels' dispatch, which costs a thread hop each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dcrf_graph.origins import Origins
from dcrf_graph.protocols.effects import Close, CloseCode
from dcrf_graph.protocols.graphql_transport_ws import SUBPROTOCOL as GRAPHQL_TRANSPORT_WS
from dcrf_graph.protocols.graphql_transport_ws import GraphQLTransportWS
from dcrf_graph.protocols.graphql_ws import SUBPROTOCOL as GRAPHQL_WS
from dcrf_graph.protocols.graphql_ws import GraphQLWS
from dcrf_graph.settings import api_settings
from dcrf_graph.transports.graphql_session import GraphQLProtocol, GraphQLSession
from dcrf_graph.transports.host import Host
from dcrf_graph.transports.native_session import NativeSession
from dcrf_graph.transports.socket import Socket

GRAPHQL: dict[str, Callable[..., GraphQLProtocol]] = {
    GRAPHQL_TRANSPORT_WS: GraphQLTransportWS,
    GRAPHQL_WS: GraphQLWS,
}
"""The subprotocols that are GraphQL, the preferred one first."""

OFFERED = f"Offered: {', '.join(GRAPHQL)}, or none for native streams"


class WebSocketTransport:
    """An ASGI application that serves one host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, from its handshake until nothing of it is left."""
        # Whatever this waits in is kept for as long as the client is there: one frame, no copies.
        if scope["type"] != "websocket":
            raise ValueError(f"expected a WebSocket, got a connection of type {scope['type']!r}")
        if not await Origins().admits(scope, receive, send):
            return
        session = await self._session(scope, Socket(send), receive)
        if session is None:
            return
        try:
            if await session.begin():
                while await session.take(await receive()):
                    pass
        finally:
            await session.end()

    async def _session(
        self, scope: Any, socket: Socket, receive: Any
    ) -> NativeSession | GraphQLSession | None:
        if socket.gone(await receive()):
            return None
        offered = scope.get("subprotocols") or []
        chosen = next((each for each in GRAPHQL if each in offered), None)
        if chosen is not None:
            protocol = GRAPHQL[chosen](max_frame_size=api_settings.MAX_FRAME_SIZE)
            await socket.accept(chosen)
            return GraphQLSession(self.host, scope, socket, protocol)
        if not offered:
            return NativeSession(self.host, scope, socket)
        # A browser shows a close reason only where its subprotocol was accepted.
        await socket.accept(offered[0])
        await socket.close(Close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, OFFERED))
        return None
