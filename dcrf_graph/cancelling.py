"""
Cancelling a call from the client's side: ``{"action": "cancel", "request_id": 7}``.

The frame takes no turn, or it would wait for what it is to end. Synchronous code cannot be
interrupted, but its statement in the database can (``threads``); the call's turn and slot are free
when its code has ended. GraphQL's ``complete`` cancels the operation's task instead.

Source: docs/protocol.md, section "Cancelling"
"""

from __future__ import annotations

import asyncio
from typing import Any

from dcrf_graph.calls import Call
from dcrf_graph.threads import own_thread

CANCEL = "cancel"
"""The action that every consumer has, unless it has one of this name itself."""
CANCELLED = "The call was cancelled."
CANCELLED_STATUS = 499
"""What a cancelled call is answered with: nginx's status of a client that closed its request."""
NOTHING_TO_CANCEL = "Nothing is under way under this request_id."
REQUIRED = "This field is required."
NO_CALLS: dict[asyncio.Task[Any], Call] = {}
"""Those of a consumer that has none, of all such consumers: it stays empty."""
REQUEST_ID_TYPE = "A request_id must be a string or a number."


class Cancelling:
    """
    What of a consumer can be cancelled.

    Attributes:
        calls_under_way: the calls of its own client that wait for their turn or run.
    """

    calls_under_way: dict[asyncio.Task[Any], Call] = NO_CALLS
    detached_calls: dict[asyncio.Task[Any], Call] = NO_CALLS
    subscriptions: Any
    reply: Any

    async def cancel_request(self, request_id: Any, *, found: bool = False) -> None:
        """
        End what a request has under way, and say so: 204, or 404 where there is nothing.

        Args:
            found: something of this request has been cancelled before it came here.
        """
        async with own_thread():  # like a call's: a reply may ask the database
            found = (is_request_id(request_id) and await self.cancel_calls(request_id)) or found
            errors, status = cancelling_answer(request_id, found)
            await self.reply(
                action=CANCEL, errors=errors, status=status, request_id=request_id_of(request_id)
            )

    async def cancel_calls(self, request_id: Any) -> bool:
        """
        Cancel the calls under a request_id, waiting, running or detached, and its subscriptions.

        Each call is answered with 499, at once, and what it still sends is dropped. False if
        there was nothing.
        """
        found: bool = self.subscriptions.end(request_id)
        asked = {
            call
            for call in (*self.calls_under_way.values(), *self.detached_calls.values())
            if call.request_id == request_id and call.is_open()
        }
        running = [task for task, call in self.calls_under_way.items() if call in asked]
        for task in (*running, *(task for call in asked for task in call.detached)):
            task.cancel()
        for call in asked:
            call.end()
        for call in asked:
            await self.reply(
                action=call.action,
                errors=[CANCELLED],
                status=CANCELLED_STATUS,
                request_id=request_id,
            )
        return found or bool(asked)


def cancelling_answer(request_id: Any, found: bool) -> tuple[list[Any], int]:
    """What a frame that cancels is told: the errors and the status."""
    if request_id is None:
        return [{"request_id": [REQUIRED]}], 400
    if not is_request_id(request_id):
        return [{"request_id": [REQUEST_ID_TYPE]}], 400
    return ([], 204) if found else ([NOTHING_TO_CANCEL], 404)


def is_request_id(value: Any) -> bool:
    """Whether something can be under way under this value."""
    return isinstance(value, str | int | float)


def request_id_of(value: Any) -> Any:
    """The value, if it can be a request_id; None if it cannot."""
    return value if isinstance(value, str | int | float) or value is None else None
