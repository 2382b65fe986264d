"""A Redis of the benchmark's own, and what it says that it has sent."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotYet

PATIENCE = 20.0
"""Seconds until it must answer."""


class RedisServer:
    """A server that keeps nothing on disk."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.client: Any = Redis(host="127.0.0.1", port=port)
        self._asking = 0

    async def sent(self) -> int:
        """Bytes that it has sent so far, without its answers to this question."""
        total = int((await self.client.info("stats"))["total_net_output_bytes"])
        own = total - self._asking
        again = int((await self.client.info("stats"))["total_net_output_bytes"])
        # Two answers, of which the first is in the second's figure.
        self._asking += 2 * (again - total)
        return own


@asynccontextmanager
async def redis_server() -> AsyncGenerator[RedisServer]:
    """Run a Redis on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        options = ("--port", str(port), "--dir", directory, "--save", "", "--appendonly", "no")
        process = await asyncio.create_subprocess_exec(
            *("redis-server", "--bind", "127.0.0.1", *options), stdout=asyncio.subprocess.DEVNULL
        )
        server = RedisServer(port)
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        await server.client.ping()
                        break
                    except NotYet:
                        await asyncio.sleep(0.05)
            yield server
        finally:
            await server.client.aclose()
            process.kill()
            await process.wait()
