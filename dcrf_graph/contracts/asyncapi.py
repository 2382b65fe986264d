"""
The native protocol of a router as an AsyncAPI 3 document.

A channel for the socket and one for each stream on it. Each action is an
operation that the server receives, with its replies; each subscribing action is
also one that sends events. The schemas are those of ``frames``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dcrf_graph.changes.change import GAP
from dcrf_graph.contracts.actions import NativeAction
from dcrf_graph.contracts.definitions import Schemas
from dcrf_graph.contracts.everywhere import General, generals_of
from dcrf_graph.contracts.frames import (
    by_stream,
    described_actions,
    envelope,
    parts_of,
    schemas_at,
    text_of,
)
from dcrf_graph.contracts.keywords import Schema, nullable, opened
from dcrf_graph.graphql.operations import Operation, Registered

VERSION = "1.0.0"
"""Of the native protocol, which has had one version since upstream's first release."""

DESCRIPTION = (
    "The native protocol of dcrf_graph: JSON text frames on one WebSocket without a subprotocol, "
    'each wrapped as {"stream": ..., "payload": {...}}. A client chooses request_id; whatever '
    "answers carries it. docs/protocol.md of dcrf_graph says when each message is sent."
)
CORRELATION = {
    "description": "Which request a message answers, or which subscription it belongs to.",
    "location": "$message.payload#/payload/request_id",
}
ERROR = "error"
UNREAD = "unread"
TITLES = {"request": "Request", "reply": "Reply", "event": "Event"}
Document = dict[str, Any]


def asyncapi(
    name: str, registrations: Iterable[Registered], operations: Iterable[Operation] = ()
) -> str:
    """The AsyncAPI document of a router, as a file.

    Args:
        name: of the application, for the title.
        operations: the GraphQL fields, named beside the actions that they call.

    Raises:
        ConfigurationError: where two serializers want one name, or one cannot be made.
    """
    schemas = schemas_at("#/components/schemas/")
    actions = described_actions(registrations, schemas)
    fields = {(each.stream, each.action): each for each in operations}
    return text_of(
        {
            "asyncapi": "3.0.0",
            "info": {"title": name, "version": VERSION, "description": DESCRIPTION},
            "defaultContentType": "application/json",
            "channels": channels(actions),
            "operations": dict(all_operations(actions, fields)),
            "components": {
                "schemas": dict(sorted(schemas.definitions.items())),
                "messages": messages(actions, schemas),
                "correlationIds": {"request_id": CORRELATION},
            },
        }
    )


def reference(*path: str) -> Schema:
    return {"$ref": "#/" + "/".join(path)}


# -- channels --------------------------------------------------------------------------------------


def channels(actions: Sequence[NativeAction]) -> Document:
    """The socket, and the streams on it."""
    found: Document = {
        "socket": {
            "address": None,
            "title": "The socket",
            "description": "The URL that serves the router. Streams share it.",
            "messages": {UNREAD: reference("components", "messages", UNREAD)},
            "bindings": {"ws": {"method": "GET"}},
        }
    }
    for stream, its in by_stream(actions):
        names = [f"{action.name}.{part}" for action in its for part, _ in parts_of(action)]
        names.append(f"{stream}.{ERROR}")
        for general in generals_of(its):
            names += [f"{stream}.{general.action}.request", f"{stream}.{general.action}.reply"]
        if any(action.event is not None for action in its):
            names.append(f"{stream}.{GAP}")
        found[f"streams.{stream}"] = {
            "address": stream,
            "title": stream,
            "description": f'The stream {stream}: envelopes with "stream": "{stream}".',
            "messages": {each: reference("components", "messages", each) for each in names},
        }
    return found


# -- messages --------------------------------------------------------------------------------------


def messages(actions: Sequence[NativeAction], schemas: Schemas) -> Document:
    """Every message with its envelope."""
    found: Document = {}
    for stream, its in by_stream(actions):
        for action in its:
            for part, _ in parts_of(action):
                name = f"{action.name}.{part}"
                title = f"{TITLES[part]}: {action.action} of {stream}"
                found[name] = message(name, title, {"const": stream}, schemas.ref(name))
                if part == "request" and action.description:
                    found[name]["summary"] = action.description
        for general in generals_of(its):
            found |= general_messages(stream, general, schemas)
        name = f"{stream}.{ERROR}"
        title = f"Error: a request of {stream} was refused, or a subscription has ended"
        found[name] = message(name, title, {"const": stream}, schemas.ref("error_frame"))
        if any(action.event is not None for action in its):
            name = f"{stream}.{GAP}"
            title = f"Gap: events of a subscription of {stream} were lost"
            found[name] = message(name, title, {"const": stream}, schemas.ref("gap_frame"))
    title = "Error: a frame that could not be read, or that names no stream"
    found[UNREAD] = message(UNREAD, title, nullable({"type": "string"}), schemas.ref("error_frame"))
    return found


def general_messages(stream: str, general: General, schemas: Schemas) -> Document:
    """What asks a stream for something general, and what acknowledges that."""
    found = {}
    for part, schema in (("request", general.request), ("reply", general.reply)):
        name = f"{stream}.{general.action}.{part}"
        title = f"{TITLES[part]}: {general.does} of {stream}"
        found[name] = message(name, title, {"const": stream}, schemas.ref(schema))
    return found


def message(name: str, title: str, stream: Schema, payload: Schema) -> Document:
    return {
        "name": name,
        "title": title,
        "contentType": "application/json",
        "correlationId": reference("components", "correlationIds", "request_id"),
        "payload": opened(envelope(stream, payload), ("stream", "payload")),
    }


# -- operations ------------------------------------------------------------------------------------


def all_operations(
    actions: Sequence[NativeAction], fields: Mapping[tuple[str, str], Operation]
) -> Iterable[tuple[str, Document]]:
    """What clients ask for, and what they then hear."""
    yield (
        UNREAD,
        {
            "action": "send",
            "channel": reference("channels", "socket"),
            "title": "Refuse what cannot be read",
            "messages": [reference("channels", "socket", "messages", UNREAD)],
        },
    )
    for action in actions:
        yield action.name, request_operation(action, fields.get((action.stream, action.action)))
        if action.event is not None:
            yield f"{action.name}.events", event_operation(action)
    for stream, its in by_stream(actions):
        for general in generals_of(its):
            yield f"{stream}.{general.action}", general_operation(stream, general)


def request_operation(action: NativeAction, field: Operation | None) -> Document:
    """An action: its request, and what answers it."""
    found: Document = {
        "action": "receive",
        "channel": reference("channels", f"streams.{action.stream}"),
        "title": f"{action.action} of {action.stream}",
        "summary": action.description,
        "messages": [of_stream(action, f"{action.name}.request")],
        "reply": {
            "channel": reference("channels", f"streams.{action.stream}"),
            "messages": [
                of_stream(action, f"{action.name}.reply"),
                of_stream(action, f"{action.stream}.{ERROR}"),
            ],
        },
    }
    if action.many:
        found["description"] = "Answered with several replies under one request_id."
    if field is not None:
        found["x-graphql"] = {"type": field.kind.capitalize(), "field": field.name}
    return {key: value for key, value in found.items() if value}


def general_operation(stream: str, general: General) -> Document:
    """The frame that asks, and its acknowledgement."""
    channel = ("channels", f"streams.{stream}")
    return {
        "action": "receive",
        "channel": reference(*channel),
        "title": f"{general.does.capitalize()} of {stream}",
        "messages": [reference(*channel, "messages", f"{stream}.{general.action}.request")],
        "reply": {
            "channel": reference(*channel),
            "messages": [
                reference(*channel, "messages", f"{stream}.{general.action}.reply"),
                reference(*channel, "messages", f"{stream}.{ERROR}"),
            ],
        },
    }


def event_operation(action: NativeAction) -> Document:
    """What a subscription brings, until it is ended or refused."""
    return {
        "action": "send",
        "channel": reference("channels", f"streams.{action.stream}"),
        "title": f"Events of {action.action} of {action.stream}",
        "messages": [
            of_stream(action, f"{action.name}.event"),
            of_stream(action, f"{action.stream}.{GAP}"),
            of_stream(action, f"{action.stream}.{ERROR}"),
        ],
    }


def of_stream(action: NativeAction, name: str) -> Schema:
    return reference("channels", f"streams.{action.stream}", "messages", name)
