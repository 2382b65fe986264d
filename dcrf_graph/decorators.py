"""
Marks methods as actions (upstream's module and names).

``@action()`` takes upstream's ``atomic``, ``detached`` and ``name``; the other
options say what the signature cannot: how the action appears in the derived
schema, which observer it subscribes, and whether it may overlap others.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from django.conf import settings
from django.db import transaction

from dcrf_graph.calls import Call, calling, current_call
from dcrf_graph.threads import in_database_thread, own_thread


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
    streams: bool = False


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
    streams: bool = False,
    **kwargs: Any,
) -> Callable[[Callable[..., Any]], Any]:
    """
    Mark a method, ``async`` or not, as an action that clients ask for by name.

    A synchronous method runs on the call's database thread. An ``async``
    generator streams: each item that it yields is a reply under the call's
    request_id, and the end is one with status 204. It is detached, unless told otherwise.

    Args:
        atomic: run in a transaction; only synchronous methods. By default what
            ``DATABASES["default"]["ATOMIC_REQUESTS"]`` says.
        detached: do not make later calls wait; only ``async`` methods. The
            client is answered when the task ends, and disconnecting cancels it.
        kind: ``"query"`` or ``"mutation"``, where the name does not say it.
        input: what the ``data`` argument is checked against, for every client: a serializer
            class, a list of one, or any other annotation. The method gets it as it was sent.
        output: what is returned: a serializer class, ``list[Serializer]``, any other
            annotation; several, ``(CardSerializer, NoteSerializer)``, for one of them.
        subscribes: the observer, or its name, that this action subscribes.
        concurrent: the action keeps nothing on ``self`` and may overlap others
            that are declared so.
        graphql: False keeps the action out of the derived schema.
        graphql_name: the GraphQL field's name.
        deprecated: the reason, where the GraphQL field is deprecated.
        streams: the method sends several replies itself, with ``reply()``: the field is
            a subscription, each reply one event. Generators need not say so.
        kwargs: ``name``, if the action is not called like the method.

    Raises:
        ValueError: for an ``async`` method that is atomic, or a synchronous one that is detached.

    Source: upstream's ``decorators.action``.
    """

    def decorator(func: Callable[..., Any]) -> Any:
        generates = inspect.isasyncgenfunction(func)
        asynchronous = generates or asyncio.iscoroutinefunction(func)
        if asynchronous and atomic:
            raise ValueError("Only synchronous actions can be atomic")
        if detached and not asynchronous:
            raise ValueError("Only asynchronous actions can be detached")
        in_transaction = bool(atomic)
        if atomic is None and not asynchronous:
            default = getattr(settings, "DATABASES", {}).get("default", {})
            in_transaction = bool(default.get("ATOMIC_REQUESTS", False))
        apart = generates if detached is None else bool(detached)
        method: Any = each_replied(func) if generates else func
        if not asynchronous:
            method = in_thread(transaction.atomic(func) if in_transaction else func)
        elif apart:
            method = detached_action(method)
        method.action = True
        method.kwargs = kwargs
        method.options = ActionOptions(
            name=kwargs.get("name", func.__name__),
            atomic=in_transaction,
            detached=apart,
            kind=kind,
            input=input,
            output=output,
            subscribes=subscribes,
            concurrent=concurrent,
            graphql=graphql,
            graphql_name=graphql_name,
            deprecated=deprecated,
            streams=streams or generates,
        )
        return method

    return decorator


def in_thread(func: Callable[..., Any]) -> Callable[..., Any]:
    """An ``async`` form of a synchronous method, run on the call's database thread."""

    run: Any = in_database_thread(func)

    @wraps(func)
    async def run_method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await run(self, *args, **kwargs)

    return run_method


def each_replied(func: Callable[..., Any]) -> Callable[..., Any]:
    """An ``async`` generator as a method that replies with each item, then says that it ends.

    Cancelling closes the generator.
    """

    @wraps(func)
    async def run(self: Any, *args: Any, **kwargs: Any) -> tuple[None, int]:
        call = current_call.get() or Call(kwargs.get("action"), kwargs.get("request_id"))
        async with aclosing(func(self, *args, **kwargs)) as items:
            async for item in items:
                await self.reply(action=call.action, data=item, request_id=call.request_id)
        return None, 204

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
