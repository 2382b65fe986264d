"""
Who is asking: one list of authenticators for every transport.

DRF's authentication classes work as they are. Each is given a DRF request made
of the scope's headers, cookies and user; an ``Authorization`` in what a client
sends after the handshake (the ``payload``: of ``connection_init``, or ``data`` of
a native ``authenticate`` frame) stands in place of the handshake's, and the rest
of it is the request's ``data``. The list may hold callables, too:
``(scope, payload) -> user``, asynchronous in any form. The first that knows
somebody decides; one that answers None leaves it to the next.

Without a list the user is the one that Channels' or Django's middleware has put
into the scope. It must not know any protocol, nor what an operation is.

Source: docs/decisions/0013-one-list-of-authenticators.md
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated

from dcrf_graph.scope_utils import CallRequest, ensure_async, request_from_scope, user_of
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import own_thread

Scope = Mapping[str, Any]
Payload = Mapping[str, Any] | None
Authenticator = Callable[[Scope, Payload], Any]
EXPIRIES = ("expires", "expiry", "expires_at")
"""Where the credentials of other packages say until when they hold: a date, or seconds."""

AUTH_HEADER = "auth_header"
"""The attribute of an exception in which DRF's views keep ``WWW-Authenticate``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking, by which credentials, and until when.

    An authenticator of one's own may return one instead of a user, to say when
    its credentials expire: then the connection ends with 4403.

    Args:
        auth: what DRF calls ``request.auth``, e.g. the token.
        expires: None where nobody knows, or never.
        by_scope: the user is the one that a middleware found; the session, if it
            was that, says until when.
    """

    user: Any
    auth: Any = None
    expires: datetime | None = None
    by_scope: bool = False

    @property
    def key(self) -> str | None:
        """The user's key, as ``revoke`` finds it; None for nobody."""
        return key_of(self.user)


def key_of(user: Any) -> str | None:
    """A user's key as text; None for nobody, and for a user that has none."""
    pk = getattr(user, "pk", None)
    return str(pk) if pk is not None and getattr(user, "is_authenticated", False) else None


async def authenticate(
    own: Authenticator | Sequence[Any] | None, scope: Scope, payload: Payload = None
) -> Identity:
    """
    Ask the authenticators in their order, else take the scope's user.

    Args:
        own: a router's or consumer's: one callable, or a list; None asks the
            settings ``AUTHENTICATOR`` and ``AUTHENTICATION_CLASSES``.

    Raises:
        APIException: the credentials are wrong. ``auth_header`` is what DRF would
            send as ``WWW-Authenticate``, where it would.
    """
    chosen = authenticators(own)
    if chosen is None:
        return Identity(user_of(scope), by_scope=True)
    made = [each() if isinstance(each, type) else each for each in chosen]
    request = None
    async with own_thread():
        try:
            for each in made:
                if not hasattr(each, "authenticate"):
                    found = await call(each, scope, payload)
                else:
                    request = request or request_of(scope, payload)
                    found = await ensure_async(each.authenticate)(request)
                if found is not None:
                    return identity_of(found, each, scope)
        except APIException as error:
            raise await told(error, made, scope) from None
    return Identity(AnonymousUser())


def authenticators(own: Authenticator | Sequence[Any] | None) -> list[Any] | None:
    """Who is asked; None if nobody is, and the user is the scope's."""
    chosen: Any = own
    if chosen is None:
        chosen = api_settings.AUTHENTICATOR
    if chosen is None:
        chosen = api_settings.AUTHENTICATION_CLASSES
    if chosen is None:
        return None
    return list(chosen) if isinstance(chosen, list | tuple) else [chosen]


async def call(authenticator: Any, scope: Scope, payload: Payload) -> Any:
    """Ask a callable, however it is made."""
    # An object is asynchronous if its __call__ is, which ensure_async cannot see.
    asked = authenticator if inspect.isroutine(authenticator) else authenticator.__call__
    return await ensure_async(asked)(scope, payload)


def request_of(scope: Scope, payload: Payload) -> CallRequest:
    """The DRF request whose credentials are the payload's, else the handshake's."""
    authorization = authorization_in(payload)
    if authorization is not None:
        try:
            header = (b"authorization", authorization.encode("latin-1"))
        except UnicodeEncodeError:
            raise AuthenticationFailed("Authorization: expected ASCII.") from None
        others = [each for each in scope.get("headers", ()) if each[0].lower() != header[0]]
        scope = {**scope, "headers": [*others, header]}
    return CallRequest(request_from_scope(scope), None if payload is None else dict(payload))


def authorization_in(payload: Payload) -> str | None:
    """
    What a payload gives as ``Authorization``, in any case, at its top or in its ``headers``.

    ``{"Authorization": "Bearer ..."}``, ``{"headers": {"authorization": "Token ..."}}``
    """
    if payload is None:
        return None
    headers = payload.get("headers")
    for members in (payload, headers if isinstance(headers, Mapping) else {}):
        for name, value in members.items():
            if name.lower() == "authorization" and value is not None:
                if not isinstance(value, str):
                    raise AuthenticationFailed("Authorization: expected a string.")
                return value
    return None


def identity_of(found: Any, authenticator: Any, scope: Scope) -> Identity:
    """What an authenticator returned: an identity, DRF's pair, or a user."""
    if isinstance(found, Identity):
        return replace(found, expires=date_of(found.expires))
    user, auth = found if isinstance(found, tuple) else (found, None)
    by_scope = user is scope.get("user")
    expires = getattr(authenticator, "expires_at", None)
    until = expiry_of(auth) if expires is None else expires(user, auth)
    return Identity(user_of({"user": user}), auth, date_of(until), by_scope)


def expiry_of(auth: Any) -> Any:
    """Until when credentials hold: ``exp`` of a JWT, or what other packages' tokens have."""
    claims = getattr(auth, "payload", auth)
    if isinstance(claims, Mapping):
        return claims.get("exp")
    return next((value for name in EXPIRIES if (value := getattr(auth, name, None))), None)


def date_of(value: Any) -> datetime | None:
    """A date with its time zone; numbers are seconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, datetime):
        return timezone.make_aware(value) if timezone.is_naive(value) else value
    return None


async def told(error: APIException, made: list[Any], scope: Scope) -> APIException:
    """A refusal as DRF's views tell it: 401 only where they would say how to authenticate."""
    if isinstance(error.detail, dict) and "detail" in error.detail:
        error.detail = error.detail["detail"]  # simplejwt's has more, which is no sentence
    describe = getattr(made[0], "authenticate_header", None)
    if describe is not None and isinstance(error, AuthenticationFailed | NotAuthenticated):
        header = await ensure_async(describe)(request_of(scope, None))
        if header:
            setattr(error, AUTH_HEADER, header)
        else:
            error.status_code = 403
    return error
