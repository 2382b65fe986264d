"""
Another process of the same project: a script that changes rows and ends at once.

    python -m tests.changes.another_process '{"database": ..., "layer": ..., "act": "parcels"}'

``act`` names one of the functions below.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import sys
from collections.abc import Callable
from typing import Any

import django

from tests import settings


def parcels() -> None:
    """Let parcels come to place 1, each in a transaction of its own."""
    from tests.testapp.models import Parcel

    for number in range(5):
        Parcel.objects.create(place=1, title=f"{number} from another process")


def parcels_from_a_coroutine() -> None:
    """The same, by the asynchronous ORM."""
    from tests.testapp.models import Parcel

    async def create() -> None:
        for number in range(5):
            await Parcel.objects.acreate(place=1, title=f"{number} from another process")

    asyncio.run(create())


def parcels_of_a_worker() -> None:
    """The same, by a worker that this process forks: it ends without ``atexit``."""
    worker = multiprocessing.get_context("fork").Process(target=parcels)
    worker.start()
    worker.join()
    assert worker.exitcode == 0


def a_bell() -> None:
    """Send a signal."""
    from tests.observer.test_observer import House, rang

    rang.send(sender=House, door="front", who="another process")


def a_valuable() -> None:
    """Make a row whose message holds what JSON has no type for."""
    from tests.testapp.models import KeyedByUUID

    KeyedByUUID.objects.create(title="valuable")


def and_a_note(leave: Callable[[Any], None]) -> None:
    """Have the one user that there is leave, and write a note that it would have heard of."""
    from django.contrib.auth.models import User

    from tests.testapp.models import Note

    importlib.import_module("tests.transports.listeners")
    leave(User.objects.get())
    Note.objects.create(text="after")


def a_revocation() -> None:
    """Revoke a user's access."""
    from dcrf_graph.revocation import revoke

    and_a_note(revoke)


def a_logout() -> None:
    """Log out of the one session that there is."""
    from django.contrib.auth import logout
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.http import HttpRequest

    def leave(user: Any) -> None:
        request = HttpRequest()
        request.user = user
        request.session = SessionStore(Session.objects.get().session_key)
        logout(request)

    and_a_note(leave)


def a_deactivation() -> None:
    """Deactivate a user."""

    def leave(user: Any) -> None:
        user.is_active = False
        user.save()

    and_a_note(leave)


ACTS = {
    act.__name__: act
    for act in (
        parcels,
        parcels_from_a_coroutine,
        parcels_of_a_worker,
        a_bell,
        a_valuable,
        a_revocation,
        a_logout,
        a_deactivation,
    )
}


def main(order: dict[str, Any]) -> None:
    settings.DATABASES["default"]["NAME"] = order["database"]
    settings.CHANNEL_LAYERS["default"] = order["layer"]
    django.setup()
    # A process knows the observers of the consumers that it imports.
    importlib.import_module("tests.changes.test_processes")
    ACTS[order["act"]]()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
