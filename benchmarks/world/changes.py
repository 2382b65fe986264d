"""The change that is measured, the same in every contender: one `save()` in a thread."""

from __future__ import annotations

from functools import cache

from asgiref.sync import sync_to_async

from benchmarks.world.models import Card


@cache
def first() -> Card:
    """The card that changes."""
    return Card.objects.get(pk=1)


def save(position: int) -> Card:
    """Save the first card with another position."""
    card = first()
    card.position = position
    card.save()
    return card


async def event(position: int) -> None:
    """`save` from a coroutine."""
    await sync_to_async(save)(position)
