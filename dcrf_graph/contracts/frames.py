"""
The JSON Schema (2020-12) of the native frames of a router's socket.

``client_frame`` is what a client may send, ``server_frame`` what it gets; each
wraps a payload in the envelope of its stream. Where one consumer is served alone
the payloads travel as they are. ``streams`` is sent by nobody: it says which
request, reply and event belong together, for code generators.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from dcrf_graph.changes.change import GAP
from dcrf_graph.contracts.actions import REQUEST_ID, NativeAction, native_actions
from dcrf_graph.contracts.definitions import Schemas
from dcrf_graph.contracts.everywhere import NAMES, define_generals, generals_of
from dcrf_graph.contracts.keywords import REFUSAL, Schema, any_of, closed, nullable, opened
from dcrf_graph.graphql.operations import Registered
from dcrf_graph.graphql.types import RENAME, Types

DIALECT = "https://json-schema.org/draft/2020-12/schema"
GENERAL = (
    "request_id",
    *NAMES,
    "error_frame",
    "gap_frame",
    "client_frame",
    "server_frame",
    "streams",
)
DESCRIPTION = (
    "Frames on the WebSocket of a router without a subprotocol. docs/protocol.md of dcrf_graph "
    "says when each is sent."
)


def frames(name: str, registrations: Iterable[Registered]) -> str:
    """The JSON Schema of a router's native frames, as a file.

    Args:
        name: of the application, for the title.

    Raises:
        ConfigurationError: where two serializers want one name, or one cannot be made.
    """
    schemas = schemas_at("#/$defs/")
    actions = described_actions(registrations, schemas)
    schemas.define("client_frame", client_frame(actions, schemas))
    schemas.define("server_frame", server_frame(actions, schemas))
    schemas.define("streams", streams(actions, schemas))
    document: dict[str, Any] = {
        "$schema": DIALECT,
        "title": f"{name} native frames",
        "description": DESCRIPTION,
        "anyOf": [schemas.ref("client_frame"), schemas.ref("server_frame")],
        "$defs": dict(sorted(schemas.definitions.items())),
    }
    return text_of(document)


def text_of(document: dict[str, Any]) -> str:
    """A document as a file: ASCII, with one newline at the end."""
    return json.dumps(document, indent=2) + "\n"


def schemas_at(root: str) -> Schemas:
    """No schemas yet but those that every router has."""
    schemas = Schemas(root, Types())
    for name in GENERAL:
        schemas.types.definitions.reserve(name, name, f"this library's own {name}", RENAME)
    schemas.define("request_id", REQUEST_ID)
    define_generals(schemas)
    schemas.define("error_frame", error_frame(schemas))
    schemas.define("gap_frame", gap_frame(schemas))
    return schemas


def described_actions(
    registrations: Iterable[Registered], schemas: Schemas
) -> tuple[NativeAction, ...]:
    """Every action, with the schemas of its payloads defined as ``cards.move.request``."""
    actions = native_actions(registrations, schemas)
    for action in actions:
        for part, schema in parts_of(action):
            schemas.define(f"{action.name}.{part}", schema)
    return actions


def parts_of(action: NativeAction) -> list[tuple[str, Schema]]:
    """The payloads of an action by what they are."""
    parts = [("request", action.request), ("reply", action.reply)]
    return parts if action.event is None else [*parts, ("event", action.event)]


def error_frame(schemas: Schemas) -> Schema:
    """A refusal, in the shape of every frame that a consumer sends."""
    return opened(
        {
            "errors": {
                "type": "array",
                "items": {"type": ["string", "object", "array"]},
                "description": "Sentences, or messages by argument or field.",
            },
            "data": {"type": "null"},
            "action": {"type": ["string", "null"]},
            "response_status": REFUSAL,
            "request_id": schemas.ref("request_id"),
        },
        ["errors", "data", "action", "response_status", "request_id"],
        "A request was refused, or a subscription has ended.",
    )


def gap_frame(schemas: Schemas) -> Schema:
    """What a subscription hears of events that it did not get."""
    missed = {"type": ["integer", "null"], "description": "How many, if that is known."}
    return opened(
        {
            "errors": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "data": opened(
                {"reason": {"type": "string", "description": "lost or slow"}, "missed": missed},
                ["reason", "missed"],
            ),
            "action": {"const": GAP},
            "response_status": {"const": 410},
            "request_id": schemas.ref("request_id"),
        },
        ["errors", "data", "action", "response_status", "request_id"],
        "Events of a subscription were lost: fetch again what is shown. The subscription goes on.",
    )


def by_stream(actions: Sequence[NativeAction]) -> list[tuple[str, list[NativeAction]]]:
    return [(name, list(each)) for name, each in groupby(actions, key=lambda a: a.stream)]


def envelope(stream: Schema, payload: Schema) -> dict[str, Schema]:
    return {"stream": stream, "payload": payload}


def client_frame(actions: Sequence[NativeAction], schemas: Schemas) -> Schema:
    """A request: the stream says which consumer is asked, ``action`` what for."""
    found = []
    for stream, its in by_stream(actions):
        requests = [schemas.ref(f"{action.name}.request") for action in its]
        requests += [schemas.ref(each.request) for each in generals_of(its)]
        payload = requests[0] if len(requests) == 1 else {"oneOf": requests}
        found.append(closed(envelope({"const": stream}, payload), ("stream", "payload")))
    return {"oneOf": found, "description": "What a client sends."}


def server_frame(actions: Sequence[NativeAction], schemas: Schemas) -> Schema:
    """
    A reply, an event or a refusal.

    Their order of arrival does not tell them apart, ``request_id`` does: an
    event of ``create`` has the shape of a reply to it.
    """
    error = schemas.ref("error_frame")
    found = []
    for stream, its in by_stream(actions):
        payloads = [
            schemas.ref(f"{action.name}.{part}")
            for action in its
            for part, _ in parts_of(action)
            if part != "request"
        ]
        gaps = [schemas.ref("gap_frame")] if any(action.event is not None for action in its) else []
        replies = [schemas.ref(each.reply) for each in generals_of(its)]
        payload = {"anyOf": [*payloads, *replies, error, *gaps]}
        found.append(opened(envelope({"const": stream}, payload), ("stream", "payload")))
    unread = opened(envelope(nullable({"type": "string"}), error), ("stream", "payload"))
    unread["description"] = "An envelope that names no stream of this router, or none at all."
    return {**any_of([*found, unread]), "description": "What a server sends."}


def streams(actions: Sequence[NativeAction], schemas: Schemas) -> Schema:
    """Each action of each stream with its request, reply and event."""
    found: dict[str, Schema] = {}
    for stream, its in by_stream(actions):
        found[stream] = whole(
            {
                action.action: whole(
                    {part: schemas.ref(f"{action.name}.{part}") for part, _ in parts_of(action)}
                )
                for action in its
            }
        )
    text = "Which request, reply and event belong together. Nothing of this shape is sent."
    return {**whole(found), "description": text}


def whole(properties: dict[str, Schema]) -> Schema:
    """An object of exactly these keys."""
    return closed(properties, properties)
