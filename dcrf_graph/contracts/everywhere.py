"""
What every stream takes beside its actions: the frames that cancel and that authenticate.

A consumer which has an action of such a name itself has that one instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dcrf_graph.cancelling import CANCEL
from dcrf_graph.contracts.actions import NativeAction
from dcrf_graph.contracts.definitions import Schemas
from dcrf_graph.contracts.keywords import Schema, closed, nullable, opened
from dcrf_graph.renewal import ACTION as AUTHENTICATE


@dataclass(frozen=True)
class General:
    """One of them: its name, the names of its schemas, and what it does on a stream."""

    action: str
    request: str
    reply: str
    does: str


GENERALS = (
    General(CANCEL, "cancel_frame", "cancelled_frame", "cancel a request"),
    General(
        AUTHENTICATE, "authenticate_frame", "authenticated_frame", "authenticate the connection"
    ),
)
NAMES = tuple(name for each in GENERALS for name in (each.request, each.reply))
"""Of the schemas."""


def generals_of(actions: Sequence[NativeAction]) -> list[General]:
    """Those that a stream of these actions takes."""
    own = {action.action for action in actions}
    return [each for each in GENERALS if each.action not in own]


def define_generals(schemas: Schemas) -> None:
    """Define their schemas."""
    request_id = schemas.ref("request_id")
    schemas.define(
        "cancel_frame",
        closed(
            {"action": {"const": CANCEL}, "request_id": request_id},
            ["action", "request_id"],
            "Cancel the calls and the subscriptions under this request_id.",
        ),
    )
    schemas.define(
        "cancelled_frame",
        reply(
            CANCEL,
            {"type": "null"},
            204,
            request_id,
            # The cancelled call itself is answered by an error frame of 499.
            "What was under way under this request_id has been cancelled.",
        ),
    )
    schemas.define("authenticate_frame", authenticate_frame(request_id))
    until = {"type": ["string", "null"], "format": "date-time"}
    until["description"] = "Until when the credentials hold, if that is known."
    schemas.define(
        "authenticated_frame",
        reply(
            AUTHENTICATE,
            opened({"expires": until}, ["expires"]),
            200,
            request_id,
            "The connection is this user's from now on, on all of its streams.",
        ),
    )


def authenticate_frame(request_id: Schema) -> Schema:
    """New credentials of the connection, whatever the stream."""
    authorization = {
        "type": "string",
        "description": "What the Authorization header would be: Bearer, and the token.",
    }
    data = opened({"Authorization": authorization}, ())
    data["description"] = "What the payload of connection_init is in GraphQL."
    return closed(
        {
            "action": {"const": AUTHENTICATE},
            "request_id": request_id,
            "data": nullable(data),
        },
        ["action"],
        "Show new credentials. They are the connection's, on all of its streams.",
    )


def reply(
    action: str, data: Mapping[str, object], status: int, request_id: Schema, text: str
) -> Schema:
    """What acknowledges one of them."""
    return opened(
        {
            "errors": {"type": "array", "maxItems": 0},
            "data": dict(data),
            "action": {"const": action},
            "response_status": {"const": status},
            "request_id": request_id,
        },
        ["errors", "data", "action", "response_status", "request_id"],
        text,
    )
