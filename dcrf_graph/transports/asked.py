"""What resolvers find in their context of a socket, as it is when an execution begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcrf_graph.streams import Streams


class Asked(Mapping[str, Any]):
    """
    ``request`` (None), ``scope``, ``streams`` and ``user``.

    A view and no dict, because a subscription keeps it, and its user may become another.
    """

    __slots__ = ("_streams",)

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def __getitem__(self, key: str) -> Any:
        presence = self._streams.connection.presence
        assert presence is not None
        match key:
            case "request":
                return None
            case "scope":
                return presence.scope
            case "streams":
                return self._streams
            case "user":
                return presence.identity.user
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("request", "scope", "streams", "user"))

    def __len__(self) -> int:
        return 4
