"""
What the GraphQL conversations over a WebSocket have in common: their states and their operations.

Which messages there are, and what each of them means, is the protocols' own.
"""

from __future__ import annotations

from enum import Enum, auto

from .effects import Close, CloseCode, Effect, Run


class State(Enum):
    """How far a client has come."""

    WAITING = auto()  # for connection_init
    INITIALISING = auto()  # connection_init came, its answer is pending
    READY = auto()
    CLOSED = auto()


class Conversation:
    """
    One client's state, and the operations that it runs.

    After a ``Close`` has been returned every method returns ``[]``.
    """

    __slots__ = ("_max_frame_size", "_operations", "_state")

    def __init__(self, max_frame_size: int | None = None) -> None:
        self._max_frame_size = max_frame_size
        self._state = State.WAITING
        # The id of each running operation, with the run itself.
        self._operations: dict[str, Run] = {}

    @property
    def closed(self) -> bool:
        """Whether the conversation is over."""
        return self._state is State.CLOSED

    def init_timeout(self) -> list[Effect]:
        """Say that the time to introduce oneself is over; closes only who has not done so."""
        if self._state is not State.WAITING:
            return []
        return self.close(CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout")

    def close(self, code: int, reason: str = "") -> list[Effect]:
        """End the conversation from the server's side, e.g. with ``CloseCode.SERVER_ERROR``."""
        if self.closed:
            return []
        self.disconnected()
        return [Close(code, reason)]

    def disconnected(self) -> None:
        """Say that the socket is gone: late reports of operations are ignored from now on."""
        self._state = State.CLOSED
        for id in list(self._operations):
            self._end(id)

    def _begin(self, id: str) -> Run:
        """Reserve an id, before anybody awaits anything."""
        run = self._operations[id] = Run()
        return run

    def _end(self, id: str) -> Run | None:
        """Free an id; what its run still reports is ignored from now on."""
        run = self._operations.pop(id, None)
        if run is not None:
            run.over = True
        return run
