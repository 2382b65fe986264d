"""
From a call to its one reply: run the action, answer what it returns or raises.

Kept apart from how a frame becomes a call: GraphQL's calls are answered here too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http.response import Http404
from rest_framework.exceptions import (
    APIException,
    MethodNotAllowed,
    NotFound,
    PermissionDenied,
)

from dcrf_graph.access import Access
from dcrf_graph.arguments import bind, signature_of
from dcrf_graph.calls import Call, calling, current_call
from dcrf_graph.carrier import Carrier
from dcrf_graph.changes.change import GAP, Event, Gap
from dcrf_graph.exceptions import ExecutionTimeout
from dcrf_graph.observer.delivery import Subscriber, delivering
from dcrf_graph.scope_utils import forget_permissions, user_of
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import in_database_thread

logger = logging.getLogger(__name__)

INTERNAL_ERROR = "Internal server error"
GAP_STATUS = 410
"""Gone, which is what a watch of Kubernetes answers when it has lost its place."""
EVENTS_LOST = "Events were lost. Fetch again what you show."


async def in_time(timer: asyncio.Timeout, work: Awaitable[Any]) -> Any:
    """Wait for what an action returns, as long as the timer allows.

    Raises:
        ExecutionTimeout: when the time is up; the action has been cancelled.
    """
    try:
        async with timer:
            return await work
    except TimeoutError:
        if not timer.expired():
            raise
        raise ExecutionTimeout() from None


class Answers(Access):
    """What every call of a consumer goes through, whoever made it."""

    available_actions: ClassVar[dict[str, str]]
    _carrier: Carrier
    send_json: Any

    async def handle_action(self, action: str, request_id: Any, **kwargs: Any) -> None:
        """
        Run an action and answer it: permissions, throttles, arguments, the method, the reply.

        Whatever is raised becomes a reply too (``handle_exception``). An action
        that returned None and sent nothing under its request_id is
        acknowledged with 204. One that takes longer than ``EXECUTION_TIMEOUT`` is
        cancelled and answered with 504; what it subscribed or detached goes on.
        """
        call = current_call.get()
        if call is None or call.method is not None:
            call = Call(action, request_id)
        call.action, call.request_id, call.arguments = action, request_id, kwargs
        call.method, call.consumer = self.http_method_of(action), self
        timer = asyncio.timeout(api_settings.EXECUTION_TIMEOUT)
        try:
            with calling(call):
                work = self.run_surely(action, request_id, kwargs)
                await self.answer_call(call, in_time(timer, work))
        finally:
            if timer.expired():
                call.end()
            call.finish()

    async def run_surely(self, action: str, request_id: Any, kwargs: dict[str, Any]) -> Any:
        """Run an action as a user of whom nothing is in doubt, nor remembered from before."""
        await self.connection.certain()
        forget_permissions(user_of(self.scope))
        return await self.run_action(action, request_id, kwargs)

    async def run_action(self, action: str, request_id: Any, kwargs: dict[str, Any]) -> Any:
        """Check that the client may, and run the method; returns what the method returns."""
        await self.check_permissions(action, **kwargs)
        if action not in self.available_actions:
            raise MethodNotAllowed(method=action)
        await self.check_throttles(action, **kwargs)
        method = getattr(self, self.available_actions[action])
        function = getattr(type(self), self.available_actions[action])
        own = {"action": action, "request_id": request_id}
        if signature_of(function).blocking:
            bound = await in_database_thread(bind)(function, kwargs, **own)
        else:
            bound = bind(function, kwargs, **own)
        return await method(**bound)

    async def answer_call(self, call: Call, response: Awaitable[Any]) -> None:
        """Wait for what a method returns and reply with it, once per call."""
        try:
            result = await response
            data, status = result if isinstance(result, tuple) else (result, None)
            if status is None:
                still_running = call.detached - {asyncio.current_task()}
                if call.answered or still_running:
                    return
                status = 204 if data is None else 200
            await self.reply(
                data=data, status=status, action=call.action, request_id=call.request_id
            )
        except Exception as error:
            await self.handle_exception(error, action=call.action, request_id=call.request_id)

    async def handle_exception(self, exc: Exception, action: str | None, request_id: Any) -> None:
        """
        Answer an exception: DRF's with their own status, Django's with 403 and 404.

        Anything else is logged with its traceback and answered with 500 and no details.
        """
        if isinstance(exc, Http404):
            exc = NotFound("Not found")
        elif isinstance(exc, DjangoPermissionDenied):
            exc = PermissionDenied(str(exc) or None)
        if isinstance(exc, APIException):
            errors, status = self._format_errors(exc.detail), exc.status_code
        else:
            logger.error("Error in action %s, request %s", action, request_id, exc_info=exc)
            errors, status = [INTERNAL_ERROR], 500
        await self.reply(action=action, errors=errors, status=status, request_id=request_id)

    def _format_errors(self, errors: Any) -> list[Any]:
        return list(errors) if isinstance(errors, list) else [errors]

    def reply(
        self,
        action: str | None,
        data: Any = None,
        errors: list[Any] | None = None,
        status: int = 200,
        request_id: Any = None,
    ) -> Coroutine[Any, Any, None]:
        """Send a frame in the shape that clients match to their request by ``request_id``.

        To be awaited, as if it were an ``async def``, which it is where it is overridden.
        """
        sending: Coroutine[Any, Any, None] = self.send_json(
            {
                "errors": errors or [],
                "data": data,
                "action": action,
                "response_status": status,
                "request_id": request_id,
            }
        )
        return sending

    async def end_subscription(
        self, subscriber: Subscriber, action: str | None, refusal: Exception
    ) -> None:
        """Tell a subscriber why its subscription has ended."""
        self._carrier.subscription_ended(subscriber.reply_id)
        await self.handle_exception(refusal, action=action, request_id=subscriber.reply_id)

    async def fail_event(
        self, subscriber: Subscriber, action: str | None, error: Exception
    ) -> None:
        """Tell a subscriber that an event could not be delivered; its subscription goes on."""
        with delivering(Event("", "", "", action), subscriber):
            await self.handle_exception(error, action=action, request_id=subscriber.reply_id)

    async def tell_gap(self, subscriber: Subscriber, gap: Gap) -> None:
        """Tell a subscriber that it has missed events; its subscription goes on."""
        with delivering(Event("", "", "", GAP), subscriber):
            await self.reply(
                action=GAP,
                data={"reason": gap.reason, "missed": gap.missed},
                errors=[EVENTS_LOST],
                status=GAP_STATUS,
                request_id=subscriber.reply_id,
            )
