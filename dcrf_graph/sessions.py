"""
The session of a scope: until when it holds, and whether it still says the same.

Sessions are Django's. What is read here is read anew from their store, because a
connection outlives what it was told at its handshake.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any

from channels.auth import get_user
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser

from dcrf_graph.scope_utils import user_of
from dcrf_graph.threads import in_database_thread


def session_of(scope: Mapping[str, Any]) -> tuple[str | None, datetime | None]:
    """The key of the session that names the scope's user, and until when it holds; or nothing.

    Blocking: it may read the database.
    """
    session = scope.get("session")
    if session is None or SESSION_KEY not in session:
        return None, None
    key: str | None = session.session_key
    model = getattr(session, "model", None)
    until = None
    if model is not None:
        # What the store has: the session does not know when it was saved.
        rows = model.objects.filter(session_key=key)
        until = rows.values_list("expire_date", flat=True).first()
    return key, until or session.get_expiry_date()


async def reread(scope: Mapping[str, Any], session_key: str | None) -> dict[str, Any]:
    """
    The scope with its user found anew: in the session that named it, else in the database.

    An ``AnonymousUser`` where the session is gone or names nobody any more, and
    where the user is gone or not active.
    """
    if session_key is not None:
        engine = import_module(settings.SESSION_ENGINE)
        session = engine.SessionStore(session_key)
        anew: Any = {**scope, "session": session}
        return {**anew, "user": await get_user(anew)}
    return {**scope, "user": await in_database_thread(found_anew)(user_of(scope))}


def found_anew(user: Any) -> Any:
    """The row of a user as it is now; what is no row, or nobody, as it is."""
    manager = getattr(type(user), "_default_manager", None)
    if manager is None or user.pk is None:
        return user
    row = manager.filter(pk=user.pk).first()
    return row if row is not None and getattr(row, "is_active", True) else AnonymousUser()
