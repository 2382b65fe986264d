"""
What is native alone, and why; everything else must have a case.

Actions that the schema leaves out on purpose, and things that a native frame can say and a GraphQL
document cannot. Each entry is driven by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ENDS_A_SUBSCRIPTION = "In GraphQL `complete` ends a subscription, by its id."
ENDS_A_STREAM = "In GraphQL `complete` ends the stream of pages, by its id."

ACTIONS: dict[tuple[str, str], str] = {
    ("boards", "unsubscribe_instance"): ENDS_A_SUBSCRIPTION,
    ("columns", "unsubscribe_instance"): ENDS_A_SUBSCRIPTION,
    ("cards", "unsubscribe_instance"): ENDS_A_SUBSCRIPTION,
    ("cards", "unsubscribe_list"): ENDS_A_SUBSCRIPTION,
    ("cards", "unsubscribe_card_activity"): ENDS_A_SUBSCRIPTION,
    ("comments", "unsubscribe_comment_activity"): ENDS_A_SUBSCRIPTION,
    ("chat", "leave"): ENDS_A_SUBSCRIPTION,
    ("activities", "list_cancel"): ENDS_A_STREAM,
}


@dataclass(frozen=True)
class Inexpressible:
    """A native frame whose like GraphQL's own rules refuse, before anything is called.

    ``status`` is the native reply's, ``document`` the nearest thing in GraphQL, ``code`` its error.
    """

    title: str
    stream: str
    payload: dict[str, Any]
    status: int
    document: str
    code: str
    reason: str


UNVALIDATED = "GRAPHQL_VALIDATION_FAILED"

FRAMES = (
    Inexpressible(
        "an argument that the action does not name",
        "cards",
        {"action": "retrieve", "pk": 101, "colour": "red"},
        200,
        '{ card(id: 101, colour: "red") { id } }',
        UNVALIDATED,
        "Actions take `**kwargs`, as upstream's do; a field of GraphQL has a fixed set of them.",
    ),
    Inexpressible(
        "a field that the serializer does not have",
        "labels",
        {"action": "patch", "pk": 1, "data": {"weight": 3}},
        200,
        "mutation { labelPatch(id: 1, data: {weight: 3}) { id } }",
        UNVALIDATED,
        "Serializers leave out what they do not know; an input type has a fixed set of fields.",
    ),
    Inexpressible(
        "a field that is read only",
        "cards",
        {"action": "patch", "pk": 101, "data": {"position": 3}},
        200,
        "mutation { cardPatch(id: 101, data: {position: 3}) { id } }",
        UNVALIDATED,
        "Serializers leave it out without a word; an input type does not have it.",
    ),
    Inexpressible(
        "a number as text",
        "cards",
        {"action": "move", "pk": 101, "column": "12"},
        200,
        'mutation { cardMove(id: 101, column: "12") { id } }',
        UNVALIDATED,
        "DRF reads numbers from text; GraphQL's Int takes numbers alone.",
    ),
    Inexpressible(
        "a filter by something that is no choice",
        "cards",
        {"action": "list", "query": {"status": "late"}},
        400,
        "{ cards(filter: {status: LATE}) { count } }",
        UNVALIDATED,
        "The names of an enum are in the schema.",
    ),
    Inexpressible(
        "an ordering by what cannot be sorted by",
        "cards",
        {"action": "list", "query": {"ordering": "colour"}},
        200,
        "{ cards(ordering: [COLOUR_ASC]) { count } }",
        UNVALIDATED,
        "DRF passes over it; the names of an enum are in the schema.",
    ),
    Inexpressible(
        "an action that does not exist",
        "cards",
        {"action": "burn", "pk": 101},
        405,
        "mutation { cardBurn(id: 101) { id } }",
        UNVALIDATED,
        "What a client may ask for is in the schema.",
    ),
    Inexpressible(
        "an action of another stream",
        "labels",
        {"action": "move", "pk": 1, "column": 12},
        405,
        "mutation { labelMove(id: 1, column: 12) { id } }",
        UNVALIDATED,
        "What a client may ask for is in the schema.",
    ),
    Inexpressible(
        "a stream that does not exist",
        "walls",
        {"action": "list"},
        404,
        "{ walls { id } }",
        UNVALIDATED,
        "What a client may ask for is in the schema.",
    ),
    Inexpressible(
        "an argument that the library keeps for itself",
        "cards",
        {"action": "retrieve", "pk": 101, "scope": {"user": 1}},
        400,
        "{ card(id: 101, scope: {user: 1}) { id } }",
        UNVALIDATED,
        "No field has an argument of that name.",
    ),
)
