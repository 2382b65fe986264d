"""
How a client asks for the list of cards, and what of an answer is the list.

Text only, no socket, as in `wires`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.wires import SELECTION
from benchmarks.world import rows

QUERY = f"{{ cards {{ {SELECTION} owner {{ id username email }} }} }}"
Transport = Literal["socket", "http"]


@dataclass(frozen=True)
class Ask:
    """
    What a client says to get the list.

    Args:
        path: of the handshake or of the request.
        transport: a WebSocket, or HTTP with the connection kept.
    """

    path: str = "/"
    transport: Transport = "socket"
    subprotocol: str | None = None

    def opening(self) -> str | None:
        """What a socket says first, and waits for an answer to."""
        return None

    def request(self, number: int) -> str:
        """The text that asks; for HTTP the body of a POST, empty for a GET."""
        return json.dumps({"request_id": number})

    def cards(self, answer: Any) -> Any:
        """The list in an answer; None if this frame is not yet it."""
        return answer["data"]

    def expected(self, cards: int, owners: int) -> list[dict[str, Any]]:
        """The list that has to come."""
        return [rows.listed(id, owners) for id in range(1, cards + 1)]


@dataclass(frozen=True)
class BareHTTP(Ask):
    """A GET whose answer is ``{"data": [...]}``."""

    transport: Transport = "http"

    def request(self, number: int) -> str:
        return ""


@dataclass(frozen=True)
class REST(BareHTTP):
    """A GET whose answer is the list."""

    def cards(self, answer: Any) -> Any:
        return answer


@dataclass(frozen=True)
class Action(Ask):
    """Upstream's frames."""

    def request(self, number: int) -> str:
        return json.dumps({"action": "list", "request_id": number})

    def cards(self, answer: Any) -> Any:
        if answer["errors"]:
            raise ValueError(f"got {answer!r}")
        return answer["data"]


@dataclass(frozen=True)
class GraphQLAsk(Ask):
    """Lists in GraphQL, where keys are strings."""

    query: str = QUERY

    def cards(self, answer: Any) -> Any:
        if answer.get("errors"):
            raise ValueError(f"got {answer!r}")
        return answer["data"]["cards"]

    def expected(self, cards: int, owners: int) -> list[dict[str, Any]]:
        return [graphql_card(card) for card in super().expected(cards, owners)]


@dataclass(frozen=True)
class GraphQLHTTP(GraphQLAsk):
    """A POST."""

    transport: Transport = "http"

    def request(self, number: int) -> str:
        return json.dumps({"query": self.query})


@dataclass(frozen=True)
class GraphQLSocket(GraphQLAsk):
    """graphql-transport-ws."""

    subprotocol: str | None = "graphql-transport-ws"

    def opening(self) -> str | None:
        return '{"type": "connection_init", "payload": {}}'

    def request(self, number: int) -> str:
        payload = {"query": self.query, "variables": {}}
        return json.dumps({"id": str(number), "type": "subscribe", "payload": payload})

    def cards(self, answer: Any) -> Any:
        if answer["type"] in ("ping", "complete"):
            return None
        if answer["type"] != "next":
            raise ValueError(f"got {answer!r}")
        return super().cards(answer["payload"])


def graphql_card(card: dict[str, Any]) -> dict[str, Any]:
    """A card with its keys as GraphQL writes them."""
    owner = {**card["owner"], "id": str(card["owner"]["id"])}
    return {**card, "id": str(card["id"]), "owner": owner}
