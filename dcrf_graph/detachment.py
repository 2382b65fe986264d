"""Tasks that outlive the call that started them, and end with the connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from functools import cached_property
from typing import Any

from rest_framework.exceptions import APIException

from dcrf_graph.calls import Call
from dcrf_graph.cancelling import NO_CALLS
from dcrf_graph.connection import Connection

logger = logging.getLogger(__name__)


class Detachment:
    """
    The detached tasks of a consumer.

    Attributes:
        detached_calls: the calls that some of them will answer.
    """

    detached_calls: dict[asyncio.Task[Any], Call]

    @cached_property
    def detached_tasks(self) -> list[asyncio.Task[Any]]:
        """All of them, by upstream's name; made when first asked for, as few consumers have any."""
        return []

    @property
    def connection(self) -> Connection:
        """What owns the tasks."""
        raise AttributeError("a consumer has a connection")

    def start_detached(
        self, work: Coroutine[Any, Any, Any], call: Call | None = None
    ) -> asyncio.Task[Any]:
        """Run a task until it ends or the client disconnects; ``call`` is answered by its end.

        Raises:
            TooManyCalls: if ``call`` is given, has no place yet, and ``MAX_PENDING_CALLS``
                are unanswered already.
        """
        if call is not None:
            try:
                self.connection.admit(call)
            except APIException:
                work.close()
                raise
        task = asyncio.get_running_loop().create_task(work)
        self.connection.own(task)
        self.detached_tasks.append(task)
        if call is not None:
            if not self.detached_calls:
                self.detached_calls = {}
            self.detached_calls[task] = call
            call.detached.add(task)

        def ended(_: object) -> None:
            if call is not None:
                self.connection.release(call)
            if task in self.detached_tasks:
                self.connection.start(self.handle_detached_task_completion(task))

        task.add_done_callback(ended)
        return task

    async def handle_detached_task_completion(self, task: asyncio.Task[Any]) -> None:
        """Forget a detached task that has ended; what it raised is logged."""
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
        except Exception as error:
            logger.error("A detached task failed", exc_info=error)
        finally:
            self.detached_calls.pop(task, None)
            if not self.detached_calls:
                self.detached_calls = NO_CALLS
            if task in self.detached_tasks:
                self.detached_tasks.remove(task)

    def cancel_detached(self, action: str, request_id: Any) -> bool:
        """Cancel the detached calls of an action under a request_id; False if there are none."""
        asked = [
            task
            for task, call in self.detached_calls.items()
            if call.action == action and call.request_id == request_id
        ]
        for task in asked:
            task.cancel()
        return bool(asked)
