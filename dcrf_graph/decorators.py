"""
Marks methods as actions (upstream's module and names).

``@action()`` takes upstream's ``atomic``, ``detached`` and ``name``; the other
options say what the signature cannot: how the action appears in the derived
schema, which observer it subscribes, and whether it may overlap others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import transaction

from dcrf_graph.calls import Call, calling, current_call
from dcrf_graph.threads import own_thread


@dataclass(frozen=True)
class ActionOptions:
    """What ``@action(...)`` was told; ``method.options`` on the decorated method."""

    name: str
    atomic: bool = False
    detached: bool = False
    kind: Literal["query", "mutation"] | None = None
    input: Any = None
    output: Any = None
    subscribes: Any = None
    concurrent: bool = False
    graphql: bool = True
    graphql_name: str | None = None
    deprecated: str | None = None


def action(
    atomic: bool | None = None,
    detached: bool | None = None,
    *,
    kind: Literal["query", "mutation"] | None = None,
    input: Any = None,
    output: Any = None,
    subscribes: Any = None,
    concurrent: bool = False,
    graphql: bool = True,
    graphql_name: str | None = None,
    deprecated: str | None = None,
    **kwargs: Any,
) -> Callable[[Callable[..., Any]], Any]:
    """
    Mark a method, ``async`` or not, as an action that clients ask for by name.

    A synchronous method runs on the call's database thread.

    Args:
        atomic: run in a transaction; only synchronous methods. By default what
            ``DATABASES["default"]["ATOMIC_REQUESTS"]`` says.
        detached: do not make later calls wait; only ``async`` methods. The
            client is answered when the task ends, and disconnecting cancels it.
        kind: ``"query"`` or ``"mutation"``, where the name does not say it.
        input: the serializer class of the ``data`` argument.
        output: the serializer class, or ``list[Serializer]``, of what is returned.
        subscribes: the observer, or its name, that this action subscribes.
        concurrent: the action keeps nothing on ``self`` and may overlap others
            that are declared so.
        graphql: False keeps the action out of the derived schema.
        graphql_name: the GraphQL field's name.
        deprecated: the reason, where the GraphQL field is deprecated.
        kwargs: ``name``, if the action is not called like the method.

    Raises:
        ValueError: for an ``async`` method that is atomic, or a synchronous one that is detached.

    Source: upstream's ``decorators.action``.
    """

    def decorator(func: Callable[..., Any]) -> Any:
        asynchronous = asyncio.iscoroutinefunction(func)
        if asynchronous and atomic:
            raise ValueError("Only synchronous actions can be atomic")
        if detached and not asynchronous:
            raise ValueError("Only asynchronous actions can be detached")
        in_transaction = bool(atomic)
        if atomic is None and not asynchronous:
            default = getattr(settings, "DATABASES", {}).get("default", {})
            in_transaction = bool(default.get("ATOMIC_REQUESTS", False))
        method: Any = func
        if not asynchronous:
            method = in_thread(transaction.atomic(func) if in_transaction else func)
        elif detached:
            method = detached_action(func)
        method.action = True
        method.kwargs = kwargs
        method.options = ActionOptions(
            name=kwargs.get("name", func.__name__),
            atomic=in_transaction,
            detached=bool(detached),
            kind=kind,
            input=input,
            output=output,
            subscribes=subscribes,
            concurrent=concurrent,
            graphql=graphql,
            graphql_name=graphql_name,
            deprecated=deprecated,
        )
        return method

    return decorator


def in_thread(func: Callable[..., Any]) -> Callable[..., Any]:
    """An ``async`` form of a synchronous method, run on the call's database thread."""

    @wraps(func)
    async def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await database_sync_to_async(func)(self, *args, **kwargs)

    return run


def detached(func: Callable[..., Any]) -> Callable[..., Any]:
    """
    Let an ``async`` method go on in a task of its own.

    Calling it returns at once, with None. What it sends while it runs reaches
    the client; what it raises is logged. Disconnecting cancels it.

    Source: upstream's ``decorators.detached``.
    """

    @wraps(func)
    async def start(self: Any, *args: Any, **kwargs: Any) -> None:
        async def work() -> None:
            async with own_thread(detached=True):
                await func(self, *args, **kwargs)

        self.start_detached(work())

    return start


def detached_action(func: Callable[..., Any]) -> Callable[..., Any]:
    """An action that runs in a task of its own and is answered when that ends."""

    @wraps(func)
    async def start(self: Any, *args: Any, **kwargs: Any) -> None:
        call = current_call.get()
        if call is None:
            call = Call(kwargs.get("action"), kwargs.get("request_id"))

        async def work() -> None:
            async with own_thread(detached=True):
                with calling(call):
                    await self.answer_call(call, func(self, *args, **kwargs))

        self.start_detached(work(), call)

    return start
