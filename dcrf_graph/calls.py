"""
One call: what an action is asked with, and what it has answered so far.

Calls of one consumer share the instance, so nothing about a call lives on
``self``: it lives here and is found through a context variable, which follows
the call into threads and into the tasks that it starts.

Source: docs/decisions/0001-graphql-is-a-typed-client-of-the-native-dispatch.md
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from dcrf_graph.flag import Flag
from dcrf_graph.loading.representation import Selection

RESERVED_ARGUMENTS = frozenset({"self", "scope", "consumer", "action", "request_id"})
"""What a client may never pass as an argument: the library passes these itself."""


@dataclass(eq=False)
class Call:
    """One run of an action, from the frame that asks to the last that answers.

    ``method`` is the HTTP method that DRF's permissions and throttles see.
    ``permissions`` are the instances that ``check_permissions`` asked, so that
    an object permission is asked of the same ones. ``captured`` calls come from
    GraphQL: their request_id is the library's own, unique on the connection.
    ``selection`` is what such a call wants of each row; None is all of it.
    ``cursors`` are those of the rows of a page, after and before each, where
    such a call asked for a page by cursor.
    ``ready`` are rows of its answer that are JSON values already.
    ``ended`` calls were cancelled or timed out, and answered so: what they still send is dropped.
    ``finished`` is set when the call has been answered, or goes on detached:
    what the events of its changes send to its own client goes out after that.
    ``followers`` are called then. ``tasks`` is how many tasks hold the place that the connection
    counts for it: one place, however many.
    """

    action: str | None
    request_id: Any
    arguments: dict[str, Any] = field(default_factory=dict)
    method: str | None = None
    permissions: list[Any] | None = None
    answered: bool = False
    captured: bool = False
    detached: set[asyncio.Task[Any]] = field(default_factory=set)
    selection: Selection | None = None
    paginator: Any = None
    cursors: tuple[tuple[str, str], ...] | None = None
    ready: Any = None
    consumer: Any = None
    finished: Flag = field(default_factory=Flag)
    ended: bool = False
    on_end: Callable[[], None] | None = None
    followers: list[Callable[[], None]] = field(default_factory=list)
    tasks: int = 0

    def finish(self) -> None:
        """Say that the call has been answered; harmless when repeated."""
        self.finished.set()
        followers, self.followers = self.followers, []
        for follow in followers:
            follow()

    def note(self, frame: Any) -> None:
        """Remember that a frame went out under this call's request_id."""
        if isinstance(frame, Mapping) and frame.get("request_id") == self.request_id:
            self.answered = True

    def is_open(self) -> bool:
        """Whether its last answer is still to come."""
        detached = any(not task.done() for task in self.detached)
        return not self.ended and (detached or not self.finished.is_set())

    def end(self) -> None:
        """Say that the call has had its last answer, whatever of it still runs."""
        self.ended = True
        if self.on_end is not None:
            self.on_end()


current_call: ContextVar[Call | None] = ContextVar("dcrf_graph.current_call", default=None)


@contextmanager
def calling(call: Call) -> Iterator[Call]:
    """Make this the current call for the code inside and the tasks it starts."""
    token = current_call.set(call)
    try:
        yield call
    finally:
        current_call.reset(token)


class Turns:
    """Who may run now, among the calls of one consumer: order of arrival.

    A turn that may be shared runs beside its neighbours of the same kind; any
    other runs alone. A turn is taken when it is asked for, synchronously, so
    the order is that of the frames; nobody overtakes anybody of the other kind.

    Cancelling a wait gives the place up, and the ones behind move on.
    """

    __slots__ = ("_alone", "_running", "_waiting")

    def __init__(self) -> None:
        # Lists, which take next to nothing empty: few run, few wait, and not for long.
        self._waiting: list[tuple[bool, asyncio.Future[None]]] = []
        self._running: list[asyncio.Future[None]] = []
        self._alone = False

    @property
    def over(self) -> bool:
        """Whether nobody has a turn or waits for one."""
        return not self._running and not self._waiting

    def ask(self, *, shared: bool) -> asyncio.Future[None]:
        """Take a place in the line; the future is done when the turn has come."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((shared, turn))
        self._advance()
        return turn

    @asynccontextmanager
    async def take(self, turn: asyncio.Future[None]) -> AsyncIterator[None]:
        """Wait for a turn that was asked for, and hold it."""
        try:
            await turn
            yield
        finally:
            self.give_up(turn)

    def give_up(self, turn: asyncio.Future[None]) -> None:
        """Leave the line, or end a turn that has come, taken or not; harmless when repeated."""
        turn.cancel()
        if turn in self._running:
            self._running.remove(turn)
        self._advance()

    def _advance(self) -> None:
        while self._waiting:
            shared, turn = self._waiting[0]
            if turn.cancelled():
                self._waiting.pop(0)
                continue
            if self._running and (self._alone or not shared):
                return
            self._waiting.pop(0)
            self._running.append(turn)
            self._alone = not shared
            turn.set_result(None)
