"""
The least that two processes do for an event: `limit`, and one message of Redis' pub/sub.

Who saves publishes the text once, and sends it to its own sockets itself; whoever hears it sends it
to theirs. Nothing is lost only because nothing fails.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from asgiref.sync import sync_to_async
from redis.asyncio import Redis

from benchmarks.apps import limit
from benchmarks.world.changes import save

CHANNEL = "events"
host, _, port = os.environ["BENCH_REDIS"].partition(":")
redis: Any = Redis(host=host, port=int(port), socket_timeout=None)
me = str(os.getpid())
hearing: set[asyncio.Task[None]] = set()


async def application(scope: Any, receive: Any, send: Any) -> None:
    if not hearing:
        hearing.add(asyncio.create_task(hear()))
    await limit.application(scope, receive, send)


async def hear() -> None:
    """Send what the other process publishes."""
    async with redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(CHANNEL)
        async for message in heard.listen():
            sender, _, text = message["data"].decode().partition(" ")
            if sender != me:
                await limit.tell(text)


async def event(position: int) -> None:
    await sync_to_async(save)(position)
    text = limit.text_of(position)
    await redis.publish(CHANNEL, f"{me} {text}")
    await limit.tell(text)


commands = {"event": event}
