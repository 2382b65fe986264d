"""
How many connections each client has open in this process.

A client is its user, or, where nobody is logged in, its address. Counted are sockets and results
that stream over HTTP; a plain request is over before the next would matter. It must not know how a
transport says no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from dcrf_graph.exceptions import TooManyConnections
from dcrf_graph.scope_utils import user_of
from dcrf_graph.settings import api_settings

Client: TypeAlias = tuple[str, Any]

open_for: Counter[Client] = Counter()
"""The connections of each client; one that has none is not in it."""


def client_of(scope: Mapping[str, Any]) -> tuple[Client | None, int | None]:
    """Who is counted, and how many connections it may have; None where nobody can be told apart.

    ``("user", 7)`` or ``("address", "192.0.2.1")``.
    """
    user = user_of(scope)
    key = getattr(user, "pk", None)
    if key is not None and getattr(user, "is_authenticated", False) is True:
        return ("user", key), api_settings.MAX_CONNECTIONS_PER_USER
    address = (scope.get("client") or [None])[0]
    if not address:
        return None, None
    return ("address", address), api_settings.MAX_CONNECTIONS_PER_ADDRESS


class Admission:
    """The place of one connection among its client's, until it is closed."""

    __slots__ = ("_client",)

    def __init__(self) -> None:
        self._client: Client | None = None

    def take(self, scope: Mapping[str, Any]) -> None:
        """
        Be counted, or counted anew where the user has become known.

        Args:
            scope: the connection's, with its user as it is known now.

        Raises:
            TooManyConnections: if the client has as many as it may; nothing is counted.
        """
        self.close()
        client, limit = client_of(scope)
        if client is None:
            return
        if limit is not None and open_for[client] >= limit:
            raise TooManyConnections()
        open_for[client] += 1
        self._client = client

    def close(self) -> None:
        """Be counted no more; harmless when repeated."""
        client, self._client = self._client, None
        if client is not None:
            open_for[client] -= 1
            if not open_for[client]:
                del open_for[client]


@contextmanager
def admitted(scope: Mapping[str, Any]) -> Iterator[None]:
    """
    Count a connection while it is open.

    Raises:
        TooManyConnections: if its client has as many as it may; nothing was counted.
    """
    admission = Admission()
    admission.take(scope)
    try:
        yield
    finally:
        admission.close()
