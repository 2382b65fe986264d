"""
Connects to Django's signals before the application does; knows no capture.

Source: docs/decisions/0045-captures-hear-of-a-save-first.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Model


def connect_first(
    signal: Any, receiver: Callable[..., None], sender: type[Model], uid: str
) -> None:
    """
    Connect a receiver before all others, which may write the row once more.

    A row that a receiver of ``post_save`` saves again was created before that; models
    and their receivers are there before somebody observes them.
    """
    signal.connect(receiver, sender=sender, dispatch_uid=uid)
    key = uid, id(sender)
    with signal.lock:
        # Not sorted in place: a list is empty meanwhile, and another thread may send.
        signal.receivers = sorted(signal.receivers, key=lambda connected: connected[0] != key)
        signal.sender_receivers_cache.clear()
