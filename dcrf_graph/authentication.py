"""
Who is asking: the one hook through which every transport gets its user.

By default the user is the one that Channels' or Django's middleware has put
into the scope. ``Router(authenticate=...)`` or the setting ``AUTHENTICATOR``
replaces that: ``async def authenticate(scope, payload) -> user``, where
``payload`` is the ``connection_init`` payload of a GraphQL socket, else None.
It may be synchronous, and asynchronous in any form: a function, a method, or an
object with ``__call__``. An ``APIException`` or Django's ``PermissionDenied``
refuses the connection; whatever else it raises is a failure of the server.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from dcrf_graph.scope_utils import ensure_async, user_of
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import own_thread

Authenticator = Callable[[Mapping[str, Any], Mapping[str, Any] | None], Any]


async def authenticate(
    authenticator: Authenticator | None,
    scope: Mapping[str, Any],
    payload: Mapping[str, Any] | None,
) -> Any:
    """Ask the authenticator, else the setting's, else take the scope's user."""
    chosen: Any = authenticator or api_settings.AUTHENTICATOR
    if chosen is None:
        return user_of(scope)
    async with own_thread():
        # An object is asynchronous if its __call__ is, which ensure_async cannot see.
        asked = chosen if inspect.isroutine(chosen) else chosen.__call__
        user = await ensure_async(asked)(scope, payload)
    return user_of({"user": user})
