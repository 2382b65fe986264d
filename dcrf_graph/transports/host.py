"""What a WebSocket is served by, as the sessions see it; the router is one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from dcrf_graph.authentication import Identity
from dcrf_graph.connection import Connection
from dcrf_graph.graphql.subscriptions import Results
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.stream import Outlet
from dcrf_graph.streams import Streams

Result = dict[str, Any]


class Host(Protocol):
    """What serves the frames of a socket; the router is one."""

    def stream_names(self) -> Collection[str]:
        """The streams of native clients."""

    def streams(
        self, scope: Mapping[str, Any], connection: Connection, outlet: Outlet | None
    ) -> Streams:
        """Make the consumers of this connection, none of them connected yet."""

    async def authenticate(
        self, scope: Mapping[str, Any], payload: Mapping[str, Any] | None
    ) -> Identity:
        """Say who is asking; an ``APIException`` or Django's ``PermissionDenied`` refuses."""

    async def operate(
        self, request: OperationRequest, context: Mapping[str, Any]
    ) -> list[dict[str, Any]] | Result | Results:
        """Run an operation: errors if it was refused, a result, or results over time."""
