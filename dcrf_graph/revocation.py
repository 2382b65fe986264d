"""
What ends the connections of a user, said in one process and heard in all.

``revoke(user)`` is for the application to call. What Django says itself is heard
too: a logout, and that a user or its token was saved or deleted. It goes the way
of events, through the hub; whoever is connected then ends, or asks the
authenticators again. It must not know what a connection is.

Source: docs/decisions/0014-asked-again-when-something-was-said.md
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from dcrf_graph.authentication import key_of
from dcrf_graph.changes.change import Event, Gap
from dcrf_graph.changes.hub import hub
from dcrf_graph.changes.journal import surely_on_commit

logger = logging.getLogger(__name__)

GROUP = "dcrf_graph.users"
REVOKED = "Your access was revoked."
LOGGED_OUT = "You have logged out."


class Present(Protocol):
    """A connection of a user."""

    @property
    def key(self) -> str | None:
        """The user's, as text."""

    @property
    def session_key(self) -> str | None:
        """That of the session which named the user, if one did."""

    @property
    def askable(self) -> bool:
        """Whether asking again tells a logout."""

    def leave(self, reason: str, *, at_once: bool) -> None:
        """End; ``at_once`` leaves no time for what still runs."""

    def doubt(self) -> None:
        """Ask who this is again, before anything else is told."""


class Roll:
    """Who is connected on one event loop. It is in the hub's group while somebody is."""

    counts: ClassVar[bool] = False
    observer_id = GROUP
    pending = 0

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._present: defaultdict[str, set[Present]] = defaultdict(set)
        self._joined = False

    async def enter(self, present: Present) -> None:
        """Hear what is said about a user. What is said after this returns is heard."""
        assert present.key is not None
        self._present[present.key].add(present)
        if not self._joined:
            try:
                await hub.join(GROUP, self)
            except Exception:
                logger.exception("The channel layer failed; a logout elsewhere may not be heard")
            else:
                self._joined = bool(self._present)

    def leave(self, present: Present, key: str) -> None:
        """Hear nothing more; harmless when repeated."""
        self._present[key].discard(present)
        if not self._present[key]:
            del self._present[key]
        if not self._present:
            self._joined = False
            rolls.pop(self.loop, None)
            hub.leave(GROUP, self)

    def push(self, event: Event) -> None:
        """Do what was said."""
        said = json.loads(event.message)
        for present in self._of(said["user"], said["session"]):
            if event.action == "revoked":
                present.leave(REVOKED, at_once=True)
            elif event.action == "logged out" and (
                present.session_key == said["session"] or not present.askable
            ):
                present.leave(LOGGED_OUT, at_once=False)
            else:
                present.doubt()

    def gap(self, gap: Gap) -> None:
        """Something may have been said that was not heard: doubt everybody."""
        for group in self._present.values():
            for present in list(group):
                present.doubt()

    def _of(self, user: str | None, session: str | None) -> Iterable[Present]:
        if user is not None:
            return list(self._present.get(user, ()))
        everybody = [each for group in self._present.values() for each in group]
        return [each for each in everybody if session and each.session_key == session]


rolls: dict[asyncio.AbstractEventLoop, Roll] = {}
"""Those on which somebody is."""


def roll() -> Roll:
    """The roll of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in rolls:
        rolls[loop] = Roll()
    return rolls[loop]


def revoke(user: Any = None, *, session: str | None = None, using: str | None = None) -> None:
    """
    End the connections of a user, in every process, with 4403 and whatever runs on them.

    Their subscriptions over HTTP end with an error. It does not keep the user from
    coming back: take away what would let it in first. In a transaction it waits
    for the commit, but not where autocommit is off: nobody would say when that is.

    Args:
        user: the user, or its key.
        session: instead of a user, the key of a session: only what it has opened.
        using: the database whose transaction counts; the default one if left out.
    """
    if (user is None) is (session is None):
        raise TypeError("revoke() takes a user or a session")
    key = None if user is None else str(getattr(user, "pk", user))
    say("revoked", key, session, using)


def say(what: str, user: str | None, session: str | None = None, using: str | None = None) -> None:
    """Tell every process about a user, or a session, when the transaction has been committed."""
    message = json.dumps({"user": user, "session": session})
    event = Event(observer=GROUP, group=GROUP, message=message, action=what)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        connection = transaction.get_connection(using)
        surely_on_commit(connection, lambda: hub.publish([event]))
    else:  # a coroutine is in no transaction
        hub.publish([event])


# -- what Django says --------------------------------------------------------------------


def logged_out(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Somebody has logged out: its session ends, its other credentials are asked again."""
    key = None if user is None else key_of(user)
    session = getattr(getattr(request, "session", None), "session_key", None)
    if key is not None or session is not None:
        say("logged out", key, session)


def saved(sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any) -> None:
    """A user may have lost its rights, its activity, or its password."""
    if not created and not raw and set(kwargs.get("update_fields") or ()) != {"last_login"}:
        say("changed", str(instance.pk), using=using)


def deleted(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """A user is gone."""
    say("revoked", str(instance.pk), using=using)


def token_deleted(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """A token is gone."""
    say("changed", str(instance.user_id), using=using)


def listen() -> None:
    """Hear what Django says, from now on; harmless when repeated."""
    user_logged_out.connect(logged_out, dispatch_uid="dcrf_graph.logged_out")
    if apps.is_installed("django.contrib.auth"):
        user: Any = get_user_model()
        post_save.connect(saved, sender=user, dispatch_uid="dcrf_graph.user_saved")
        post_delete.connect(deleted, sender=user, dispatch_uid="dcrf_graph.user_deleted")
    if apps.is_installed("rest_framework.authtoken"):
        from rest_framework.authtoken.models import Token, TokenProxy

        for model in (Token, TokenProxy):  # the admin deletes by the proxy
            uid = f"dcrf_graph.{model.__name__}"
            post_delete.connect(token_deleted, sender=model, dispatch_uid=uid)
