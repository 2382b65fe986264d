"""
A connection as its user's: who it is, until when, and what is known to have changed.

One of these belongs to each socket and to each stream over HTTP. A timer stands
for what the credentials say about their end; everything else is told by
``revocation``. Nothing is polled. How a connection ends is its transport's.

Source: docs/decisions/0014-asked-again-when-something-was-said.md
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.utils import timezone
from rest_framework.exceptions import APIException, NotAuthenticated, PermissionDenied

from dcrf_graph.authentication import Identity, Payload
from dcrf_graph.connection import Connection
from dcrf_graph.flag import Flag
from dcrf_graph.protocols.effects import CloseCode
from dcrf_graph.revocation import Roll, listen, roll
from dcrf_graph.sessions import reread, session_of
from dcrf_graph.threads import in_database_thread, own_thread

logger = logging.getLogger(__name__)

EXPIRED = "Your credentials have expired."
NOT_VALID = "Your credentials are no longer valid."
MARGIN = 0.01
"""Seconds after the end of credentials until they are asked again: they are surely over then."""
FINISH_TIMEOUT = 10.0
"""Seconds that the calls of a connection get to end, whose credentials have expired."""
SOMEBODY_ELSE = "This connection is another user's; open one of your own."


class Owner(Protocol):
    """What serves a connection, as its presence sees it."""

    def identify(self, scope: Mapping[str, Any], payload: Payload) -> Awaitable[Identity]:
        """Ask the authenticators."""

    def leave(self, farewell: Farewell) -> None:
        """End the connection; called once."""

    async def adopt(self) -> None:
        """Make what runs on the connection that of the identity which was found anew."""


async def within(seconds: float, work: Awaitable[Any]) -> None:
    """Wait for something, but no longer."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        pass


@dataclass(frozen=True)
class Farewell:
    """Why a connection ends, and how.

    ``at_once`` leaves no time for the replies that still run, which else have ``patience``
    seconds. ``restart`` says nothing of the user: the process ends.
    """

    reason: str
    at_once: bool = False
    restart: bool = False
    patience: float = FINISH_TIMEOUT

    @property
    def code(self) -> CloseCode:
        """The code that a socket is closed with."""
        return CloseCode.SERVICE_RESTART if self.restart else CloseCode.FORBIDDEN


class Presence:
    """
    Who is on a connection.

    Args:
        handshake: the scope as it came, whose user a middleware has found; nobody changes it.
    """

    __slots__ = (
        "_connection",
        "_doubted",
        "_key",
        "_lock",
        "_owner",
        "_payload",
        "_pending",
        "_roll",
        "_settled",
        "_timer",
        "farewell",
        "handshake",
        "identity",
        "session_key",
    )

    def __init__(self, connection: Connection, owner: Owner, handshake: Mapping[str, Any]) -> None:
        self.handshake = handshake
        self.identity = Identity(AnonymousUser())
        self._key: str | None = None
        self.session_key: str | None = None
        self.farewell: Farewell | None = None
        self._connection = connection
        self._owner = owner
        self._payload: Payload = None
        self._roll: Roll | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lock: asyncio.Lock | None = None
        self._pending = 0
        self._settled: Flag | None = None
        self._doubted = False
        connection.presence = self

    # -- who it is -------------------------------------------------------------------------

    @property
    def key(self) -> str | None:
        """The user's key as text; None for nobody.

        It stays when an action deletes the user, whose own is gone then.
        """
        return self.identity.key if self._key is None else self._key

    @property
    def askable(self) -> bool:
        """Whether asking again tells a logout: not where a foreign middleware named the user."""
        return self.session_key is not None or not self.identity.by_scope

    async def enter(self, payload: Payload = None) -> Identity:
        """
        Find out who is asking, as the connection begins.

        Raises:
            Exception: whatever the authenticators raise; nobody has entered.
        """
        return await self.become(await self._owner.identify(self.handshake, payload), payload)

    async def become(self, identity: Identity, payload: Payload = None) -> Identity:
        """Be somebody, whose credentials the payload had; returns it with what is known now."""
        # At once, so that nothing that is said from now on is missed.
        self.identity, self._payload = identity, payload
        self._key = identity.key
        if self._roll is None and self.key is not None and not self._over:
            listen()
            self._roll = roll()
            await self._roll.enter(self)
        named = self.handshake.get("session") is not None and identity.by_scope
        if named and self.key is not None:
            async with own_thread():
                self.session_key, until = await in_database_thread(session_of)(self.handshake)
            self.identity = replace(identity, expires=until)
        else:
            self.session_key = None
        self._set_timer()
        if self._over:
            self.close()
        return self.identity

    @property
    def known(self) -> dict[str, Any]:
        """What a scope says about who is asking."""
        return {"user": self.identity.user, "auth": self.identity.auth}

    @property
    def scope(self) -> dict[str, Any]:
        """The scope of the connection with who is asking, made anew."""
        return {**self.handshake, **self.known}

    # -- who it is now ---------------------------------------------------------------------

    def renew(self, payload: Payload) -> Awaitable[Identity]:
        """
        Find out who is asking now, on a connection that runs: new credentials, or a new user.

        From the moment of the call nothing is done for the old one; what it
        returns is to be awaited for the outcome.

        Raises:
            NotAuthenticated: nobody was known by these credentials.
            PermissionDenied: the connection is another user's.
            Exception: whatever the authenticators raise.

        Whatever it raises, everything stays as it was. Cancelling the wait changes nothing
        of what becomes of it.
        """
        asking = self._start(partial(self._renew, payload))

        async def outcome() -> Identity:
            # It goes on without whoever waits for it: half of a renewal would be neither.
            found = await asyncio.shield(asking)
            if isinstance(found, Exception):
                raise found
            assert isinstance(found, Identity)
            return found

        return outcome()

    async def _renew(self, payload: Payload) -> Identity | Exception:
        before = self.identity, self._key, self._payload, self.session_key
        try:
            identity = await self._owner.identify(await self._reread(), payload)
            if identity.key is None:
                raise NotAuthenticated()
            if self.key not in (None, identity.key):
                raise PermissionDenied(SOMEBODY_ELSE)
            await self.become(identity, payload)
        except Exception as error:
            if self.identity is not before[0]:
                self._be_again(*before)
            return error
        await self._owner.adopt()
        return self.identity

    def _be_again(
        self, identity: Identity, key: str | None, payload: Payload, session_key: str | None
    ) -> None:
        """Be who it was before: somebody else could not become known to the end."""
        if key is None:
            self._hear_nothing()
        self.identity, self._key = identity, key
        self._payload, self.session_key = payload, session_key

    async def _reread(self) -> Mapping[str, Any]:
        if self.key is not None and self.identity.by_scope:
            return await reread(self.handshake, self.session_key)
        return self.handshake

    def _start(self, work: Callable[[], Awaitable[Any]]) -> asyncio.Task[Any]:
        """Look into who this is, one after the other; all else waits from now on."""
        lock = self._lock
        if lock is None:
            lock = self._lock = asyncio.Lock()

        async def alone() -> Any:
            async with lock:
                return await work()

        self._pending += 1
        self._connection.sure = False
        # An empty context: no request of whoever said something leaks in.
        task = self._connection.start(alone(), context=Context())
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._pending -= 1
        if not self._pending:
            self._connection.sure = not self._over
            self._lock = None
            self._settle()

    def _settle(self) -> None:
        settled, self._settled = self._settled, None
        if settled is not None:
            settled.set()

    @property
    def _over(self) -> bool:
        return self.farewell is not None or self._connection.closed

    # -- until when ------------------------------------------------------------------------

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._connection.sure_until = self.identity.expires
        if self.identity.expires is not None and not self._over:
            left = (self.identity.expires - timezone.now()).total_seconds()
            loop = asyncio.get_running_loop()
            # An empty context: it outlives the request that set it.
            self._timer = loop.call_later(max(left, 0) + MARGIN, self.doubt, context=Context())

    @property
    def expired(self) -> bool:
        """Whether the credentials hold no longer."""
        return self.identity.expires is not None and timezone.now() >= self.identity.expires

    def doubt(self) -> None:
        """Ask who this is again; until that is known, nothing is done and nothing delivered."""
        if not self._over and not self._doubted:
            self._doubted = True
            self._start(self._ask)

    async def _ask(self) -> None:
        self._doubted = False
        try:
            identity = await self._owner.identify(await self._reread(), self._payload)
        except (APIException, DjangoPermissionDenied):
            identity = Identity(AnonymousUser())
        except Exception:
            logger.exception("The authenticator failed; the connection ends")
            identity = Identity(AnonymousUser())
        if identity.key != self.key:
            self.leave(EXPIRED if self.expired else NOT_VALID, at_once=not self.expired)
            return
        try:
            await self.become(identity, self._payload)
        except Exception:
            # Nobody knows until when it is still that user.
            logger.exception("The authenticator failed; the connection ends")
            self.leave(NOT_VALID, at_once=True)
            return
        if self.expired:
            self.leave(EXPIRED, at_once=False)
        elif not self._over:
            await self._owner.adopt()

    async def certain(self) -> None:
        """
        Wait until what was said about the user has been looked into.

        Raises:
            NotAuthenticated: the connection is about to end.
        """
        while not self._connection.closed and (self.farewell is None or self.farewell.restart):
            if self._pending:
                if self._settled is None:
                    self._settled = Flag()
                await self._settled.wait()
            elif self.expired:
                self.doubt()  # the clock went faster than the timer
            else:
                return
        raise NotAuthenticated(None if self.farewell is None else self.farewell.reason)

    # -- its end ---------------------------------------------------------------------------

    def leave(self, reason: str, *, at_once: bool) -> None:
        """Have the connection end, once."""
        self._part(Farewell(reason, at_once))

    def drain(self, reason: str, patience: float) -> None:
        """Have the connection end when it has answered what was asked: the process ends."""
        self._part(Farewell(reason, restart=True, patience=patience))

    def _part(self, farewell: Farewell) -> None:
        if not self._over:
            self.farewell = farewell
            self._connection.sure = False
            self.close()
            self._settle()
            self._owner.leave(self.farewell)

    def close(self) -> None:
        """The connection has ended: hear nothing more. Harmless when repeated."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._hear_nothing()

    def _hear_nothing(self) -> None:
        if self._roll is not None:
            entered, self._roll = self._roll, None
            assert self.key is not None
            entered.leave(self, self.key)
