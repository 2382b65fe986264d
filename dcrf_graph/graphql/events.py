"""The types of events: ``CardEvent``, with what happened, the key and the object."""

from __future__ import annotations

from dcrf_graph.graphql.definitions import (
    EnumDefinition,
    EnumValue,
    FieldDefinition,
    TypeDefinition,
)
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


def event_type(types: Types, data: str) -> str:
    """``Card`` -> ``CardEvent``, ``[Card!]`` -> ``CardListEvent``, of JSON ``ChangeEvent``."""
    noun = data.strip("[]!") + "List" * data.count("[")
    name = "ChangeEvent" if data == "JSON" else f"{noun}Event"
    if types.definitions.reserve(name, ("event", data), f"the events of {data}", RENAME):
        change_action(types)
        fields = (
            FieldDefinition("action", "ChangeAction!", "action"),
            FieldDefinition("id", "ID!", "id", "The key of the object."),
            FieldDefinition("data", data, "data", "The object; null when a deletion carries none."),
        )
        description = "A change of an object." if data == "JSON" else f"A change of one `{data}`."
        types.definitions.add(TypeDefinition("type", name, fields, description))
    return name


def change_action(types: Types) -> None:
    name = CHANGE_ACTIONS.name
    if types.definitions.reserve(name, name, f"this library's own {name}", RENAME):
        types.definitions.add(CHANGE_ACTIONS)
