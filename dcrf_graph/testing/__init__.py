"""
Clients for the tests of an application: one per protocol, without a server.

    async with NativeClient(CardConsumer, user=ada) as client:
        reply = await client.call("list")

They run in the event loop of the test, and need nothing but the library: no
server, no ``channels.testing``, which imports daphne.
"""

from __future__ import annotations

from dcrf_graph.testing.graphql import Events, GraphQLClient
from dcrf_graph.testing.native import NativeClient
from dcrf_graph.testing.socket import Closed, NothingCame

__all__ = ["Closed", "Events", "GraphQLClient", "NativeClient", "NothingCame"]
