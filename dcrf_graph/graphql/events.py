"""The types of events: ``CardEvent``, with what happened, the key and the object."""

from __future__ import annotations

from dcrf_graph.graphql.definitions import (
    EnumDefinition,
    EnumValue,
    FieldDefinition,
    TypeDefinition,
)
from dcrf_graph.graphql.naming import camel
from dcrf_graph.graphql.types import RENAME, Types

CHANGE_ACTIONS = EnumDefinition(
    "ChangeAction",
    (
        EnumValue("CREATE", "create", "It was created, or came into view."),
        EnumValue("UPDATE", "update", "It was changed."),
        EnumValue("DELETE", "delete", "It was deleted, or left the view."),
    ),
    "What happened to an object.",
)

LIST_ACTIONS = EnumDefinition(
    "ListAction",
    (
        EnumValue("SNAPSHOT", "snapshot", "All rows of the list, which replace those before."),
        EnumValue("CREATE", "create", "A row came into the list."),
        EnumValue("UPDATE", "update", "A row of the list was changed."),
        EnumValue("DELETE", "delete", "A row left the list, or was deleted."),
    ),
    "What happened to a list.",
)


def list_event_type(types: Types, data: str) -> str:
    """``Card`` -> ``CardListUpdate``: first the list, then each change of it."""
    name = "ListUpdate" if data == "JSON" else f"{data}ListUpdate"
    if types.definitions.reserve(name, ("list update", data), f"the live lists of {data}", RENAME):
        own_enum(types, LIST_ACTIONS)
        rows = "[JSON]" if data == "JSON" else f"[{data}!]"
        fields = (
            FieldDefinition("action", "ListAction!", "action"),
            FieldDefinition("rows", rows, "rows", "All rows; null but in a snapshot."),
            FieldDefinition("id", "ID", "id", "The key of the row; null in a snapshot."),
            FieldDefinition("data", data, "data", "The row that came or was changed."),
            changed_fields(),
        )
        what = "rows" if data == "JSON" else f"`{data}`"
        description = f"A list of {what} as it is, or a change of it."
        types.definitions.add(TypeDefinition("type", name, fields, description))
    return name


def event_type(types: Types, data: str) -> str:
    """``Card`` -> ``CardEvent``, ``[Card!]`` -> ``CardListEvent``, of JSON ``ChangeEvent``."""
    noun = data.strip("[]!") + "List" * data.count("[")
    name = "ChangeEvent" if data == "JSON" else f"{noun}Event"
    if types.definitions.reserve(name, ("event", data), f"the events of {data}", RENAME):
        own_enum(types, CHANGE_ACTIONS)
        fields = (
            FieldDefinition("action", "ChangeAction!", "action"),
            FieldDefinition("id", "ID!", "id", "The key of the object."),
            FieldDefinition("data", data, "data", "The object; null when a deletion carries none."),
            changed_fields(),
        )
        description = "A change of an object." if data == "JSON" else f"A change of one `{data}`."
        types.definitions.add(TypeDefinition("type", name, fields, description))
    return name


def changed_fields() -> FieldDefinition:
    """What an update has changed, as handlers are told it."""
    return FieldDefinition(
        camel("changed_fields"),
        "[String!]",
        "changed_fields",
        "The fields of `data` that an update wrote; null where that is not known.",
    )


def own_enum(types: Types, enum: EnumDefinition) -> None:
    """Define an enum of the library's, once."""
    if types.definitions.reserve(enum.name, enum.name, f"this library's own {enum.name}", RENAME):
        types.definitions.add(enum)
