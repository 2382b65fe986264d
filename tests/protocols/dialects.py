"""Both GraphQL protocols behind one vocabulary, and what strangers may send in either."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st

from dcrf_graph.protocols import graphql_ws_messages as legacy_messages
from dcrf_graph.protocols import messages
from dcrf_graph.protocols.effects import Effect, Send
from dcrf_graph.protocols.graphql_transport_ws import GraphQLTransportWS
from dcrf_graph.protocols.graphql_ws import GraphQLWS

Machine: TypeAlias = GraphQLTransportWS | GraphQLWS

QUERY = {"query": "{ cards { id } }"}
INIT = json.dumps({"type": "connection_init"})
RESULT: dict[str, Any] = {"data": {"cards": []}}
ERRORS = [{"message": "Cannot query field"}]


@dataclass(frozen=True)
class Dialect:
    """What one of the protocols calls things."""

    name: str
    machine: Callable[[], Machine]
    starting: str
    stopping: str
    result: str
    validate: Callable[[object], object]
    """Reads a message of either direction; raises for what is none."""

    def start(self, id: object = "1", **payload: object) -> str:
        """A client's request for an operation."""
        return json.dumps({"id": id, "type": self.starting, "payload": {**QUERY, **payload}})

    def stop(self, id: object = "1") -> str:
        """A client's end of an operation."""
        return json.dumps({"id": id, "type": self.stopping})

    def ready(self) -> Machine:
        """A conversation whose client has been acknowledged."""
        machine = self.machine()
        machine.receive(INIT)
        machine.acknowledge()
        return machine

    def sent(self, effects: list[Effect]) -> list[dict[str, Any]]:
        """The messages that are sent, each of them one of the protocol."""
        texts = [effect.text for effect in effects if isinstance(effect, Send)]
        found = [json.loads(text, parse_constant=refuse_constant) for text in texts]
        for message in found:
            self.validate(message)
        return found


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


TRANSPORT_WS = Dialect(
    "graphql-transport-ws",
    lambda: GraphQLTransportWS(max_frame_size=1000),
    "subscribe",
    "complete",
    "next",
    messages.validate,
)
LEGACY = Dialect(
    "graphql-ws",
    lambda: GraphQLWS(max_frame_size=1000),
    "start",
    "stop",
    "data",
    legacy_messages.validate,
)
DIALECTS = [TRANSPORT_WS, LEGACY]

# With lone surrogates, which JSON can escape.
ANY_TEXT = st.text(st.characters(), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
TYPES = [
    *("connection_init", "connection_ack", "ping", "pong", "subscribe", "next", "error"),
    *("complete", "start", "stop", "data", "ka", "connection_terminate", "connection_error"),
]
PAYLOADS = VALUES | st.fixed_dictionaries(
    {"query": VALUES | st.just("{ a }")},
    optional=dict.fromkeys(("variables", "operationName", "extensions"), VALUES),
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES) | VALUES},
    optional={"id": st.sampled_from(["1", "2", "", "é" * 80]) | VALUES, "payload": PAYLOADS},
)
FRAMES = st.one_of(
    st.text(st.characters(), max_size=30),
    st.binary(max_size=30),
    (MESSAGES | VALUES).map(json.dumps),
    # A message that breaks off, or goes on.
    st.builds(lambda value, end: json.dumps(value)[:end], MESSAGES, st.integers(0, 60)),
    st.builds(lambda value, more: json.dumps(value) + more, MESSAGES, st.text(max_size=3)),
)
"""Any text and bytes, and any JSON that resembles a message of one protocol or the other."""
