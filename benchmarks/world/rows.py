"""
What the rows hold, known to servers and clients alike.

Needs no Django: the client verifies with it what it was sent.
"""

from __future__ import annotations

from typing import Any

FIELDS = ("id", "title", "text", "board", "position", "done", "due")
"""What an event carries of a card: about 300 bytes as a native frame."""
TEXT = "A card of a board, with a text that is as long as such texts are. " * 2


def card(id: int, position: int) -> dict[str, Any]:
    """A card as JSON; ``position`` is the number of the event that it is seen in."""
    return {
        "id": id,
        "title": f"Card {id}: write the manual",
        "text": TEXT,
        "board": 1,
        "position": position,
        "done": id % 2 == 0,
        "due": "2026-12-24",
    }


def owner(id: int) -> dict[str, Any]:
    """A user as JSON."""
    return {"id": id, "username": f"user-{id}", "email": f"user-{id}@example.org"}


def listed(id: int, owners: int) -> dict[str, Any]:
    """A card as an item of a list, with the user whose it is nested in it."""
    return {**card(id, 0), "owner": owner((id - 1) % owners + 1)}
