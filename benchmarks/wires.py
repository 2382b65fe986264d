"""
What clients say and read: text only, no socket.

A wire knows how one client subscribes, and what of a frame is the row that changed. It must
know nothing of who serves it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import islice, permutations
from typing import Any

from benchmarks.world import rows

SELECTION = " ".join(rows.FIELDS)


class Wire(ABC):
    """
    The conversation of one client.

    ``path`` and ``subprotocol`` are those of the handshake.
    """

    path: str = "/"
    subprotocol: str | None = None

    @abstractmethod
    def subscribe(self, client: int) -> Generator[str | None, Any, None]:
        """The frames that subscribe; a None is sent the next frame that comes."""

    @abstractmethod
    def row(self, frame: Any, client: int) -> Any:
        """The row that changed, or None for any other frame.

        Raises:
            ValueError: for an error, or an event of somebody else.
        """

    def expected(self, position: int) -> Any:
        """The row that every client has to see."""
        return rows.card(1, position)

    def query(self, client: int) -> str:
        """The query string of a client."""
        return ""


@dataclass
class Bare(Wire):
    """Nothing is said: whoever connects hears everything."""

    path: str = "/"

    def subscribe(self, client: int) -> Generator[str | None, Any, None]:
        yield from ()

    def row(self, frame: Any, client: int) -> Any:
        return frame["data"]


@dataclass
class Chanx(Bare):
    """chanx's frames: whoever connects hears everything, once it has been told who it is."""

    def row(self, frame: Any, client: int) -> Any:
        return frame["payload"] if frame["action"] == "update" else None


@dataclass
class Native(Wire):
    """
    Upstream's frames, or in streams the router's.

    Args:
        call: the action and its arguments.
        per_viewer: how many clients are one user; 0: nobody is logged in.
    """

    path: str = "/"
    call: dict[str, Any] = field(default_factory=lambda: {"action": "subscribe_to_card_activity"})
    stream: str | None = None
    per_viewer: int = 0

    def subscribe(self, client: int) -> Generator[str | None, Any, None]:
        call = {**self.call, "request_id": client}
        yield json.dumps(call if self.stream is None else {"stream": self.stream, "payload": call})

    def row(self, frame: Any, client: int) -> Any:
        payload = frame if self.stream is None else frame["payload"]
        if payload["errors"] or payload["request_id"] != client:
            raise ValueError(f"client {client} got {frame!r}")
        return payload["data"] if payload["action"] == "update" else None

    def query(self, client: int) -> str:
        return viewer(client, self.per_viewer)


@dataclass
class GraphQL(Wire):
    """
    graphql-transport-ws.

    Args:
        document: a subscription with one root field.
        keys: where in the root field's value the row is.
        per_operation: how many clients have the same selection; 0: all of them.
        per_viewer: how many clients are one user; 0: nobody is logged in.
    """

    path: str = "/"
    document: str = f"subscription {{ cardActivity {{ action data {{ {SELECTION} }} }} }}"
    keys: tuple[str, ...] = ("data",)
    per_operation: int = 0
    per_viewer: int = 0
    subprotocol: str | None = "graphql-transport-ws"

    def subscribe(self, client: int) -> Generator[str | None, Any, None]:
        yield '{"type": "connection_init", "payload": {}}'
        while (answer := (yield None))["type"] != "connection_ack":
            if answer["type"] != "ping":
                raise ValueError(f"client {client} got {answer!r} instead of an ack")
        payload = {"query": self.document, "variables": {}}
        if self.per_operation:
            # The same fields in another order are another selection, and equal as JSON.
            order = islice(permutations(rows.FIELDS), client // self.per_operation, None)
            payload["query"] = self.document.replace(SELECTION, " ".join(next(order)))
        yield json.dumps({"id": f"op-{client}", "type": "subscribe", "payload": payload})

    def row(self, frame: Any, client: int) -> Any:
        if frame["type"] == "ping":
            return None
        if frame["type"] != "next" or frame["id"] != f"op-{client}" or "errors" in frame["payload"]:
            raise ValueError(f"client {client} got {frame!r}")
        [value] = frame["payload"]["data"].values()
        for key in self.keys:
            value = value[key]
        return value

    def expected(self, position: int) -> Any:
        return {**rows.card(1, position), "id": "1"}

    def query(self, client: int) -> str:
        return viewer(client, self.per_viewer)


def viewer(client: int, per_viewer: int) -> str:
    """The key of the user that a client is."""
    return str(client // per_viewer + 1) if per_viewer else ""
