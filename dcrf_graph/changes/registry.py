"""
Who listens to what in which process, as Redis keeps it; one connection's worth of it.

Everything in it expires, so that a process which is killed vanishes. Knows the
keys and the commands; ``membership`` knows when to use them.

    publishers             sorted set   process -> when its lease ends (ms, by Redis' clock)
    observers:<process>    set          the observers that are listened to there
    version                integer      goes up whenever one of those sets changes
    receiver:<id>          string       the layer channel of one event loop
    group:<name>           set          the receivers that are in the group
    marks:<receiver>       hash         process -> how far it has counted for this receiver
    control, to:<process>  channels     what is said at once
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from dcrf_graph.changes.interest import LEASE
from dcrf_graph.changes.layers import Redis

RECEIVER_LEASE = 10.0
"""Seconds after which a receiver that does not renew is no receiver any more."""
GROUP_EXPIRY = 86_400
"""Seconds after which a group that nobody has joined anew is gone: what channels_redis takes."""
DEAD = 60.0
"""Seconds for which others can see that a process has ended without saying so."""
CHUNK = 500
"""Commands that are sent at once."""

NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
RENEW = f"""{NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - {int(DEAD * 1000)})
redis.call('ZADD', KEYS[1], now + {int(LEASE * 1000)}, ARGV[1])
redis.call('PEXPIRE', KEYS[2], {int(RECEIVER_LEASE * 1000)})
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
return {{tonumber(redis.call('GET', KEYS[3]) or 0), dead}}
"""
ANNOUNCE = f"""{NOW}
for i = 2, #ARGV do redis.call('SADD', KEYS[2], ARGV[i]) end
redis.call('PEXPIRE', KEYS[2], {int(RECEIVER_LEASE * 1000)})
redis.call('INCR', KEYS[3])
redis.call('PUBLISH', KEYS[4], ARGV[1])
local leases = redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf', 'WITHSCORES')
for i = 2, #leases, 2 do leases[i] = math.floor(leases[i] - now) end
return leases
"""
WANTED = f"""{NOW}
local found = {{}}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')) do
  for _, observer in ipairs(redis.call('SMEMBERS', ARGV[1] .. process)) do found[observer] = 1 end
end
local list = {{}}
for observer in pairs(found) do list[#list + 1] = observer end
return {{tonumber(redis.call('GET', KEYS[2]) or 0), list}}
"""
RENEW_RECEIVER = f"""
if redis.call('PEXPIRE', KEYS[1], {int(RECEIVER_LEASE * 1000)}) == 0 then return false end
local marks = redis.call('HGETALL', KEYS[2])
redis.call('DEL', KEYS[2])
return marks
"""
LOOK_UP = """
local alive, found = {}, {}
for i, group in ipairs(KEYS) do
  local here = {}
  for _, id in ipairs(redis.call('SMEMBERS', group)) do
    if alive[id] == nil then alive[id] = redis.call('EXISTS', ARGV[1] .. id) end
    if alive[id] == 1 then here[#here + 1] = id else redis.call('SREM', group, id) end
  end
  found[i] = here
end
return found
"""


class Registry:
    """The keys of one layer, for one process. Raises redis' errors; then it is to be closed."""

    def __init__(self, at: Redis, process: str) -> None:
        from channels_redis.utils import create_pool
        from redis.asyncio import Redis as Client
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        # Never to connect again on its own: what Redis held may be gone then.
        host = {**at.host, "retry": Retry(NoBackoff(), 0)}
        self.process = process
        self._prefix = at.prefix
        self._redis: Any = Client(connection_pool=create_pool(host), single_connection_client=True)
        self._listening: Any = Client(connection_pool=create_pool({**host, "socket_timeout": None}))
        self._control: Any = self._listening.pubsub()
        scripts = (RENEW, ANNOUNCE, WANTED, RENEW_RECEIVER, LOOK_UP)
        register = self._redis.register_script
        self._renew, self._announce, self._wanted, self._renew_receiver, self._look_up = map(
            register, scripts
        )

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    async def open(self) -> None:
        """Connect, and be told what is said at once from now on."""
        await self._control.subscribe(self._key("control"), self._key("to", self.process))
        for _ in range(2):
            await self._control.get_message(timeout=LEASE)
        await self._redis.ping()

    async def close(self) -> None:
        """Close the connections; nothing is raised."""
        for close in (
            self._control.aclose(),
            self._listening.aclose(close_connection_pool=True),
            self._redis.aclose(close_connection_pool=True),
        ):
            # It is gone, which is what was wanted.
            with suppress(Exception):
                await close

    # -- what is said at once ---------------------------------------------------------

    async def next_message(self) -> dict[str, Any]:
        """What another process says next."""
        while True:
            message = await self._control.get_message(ignore_subscribe_messages=True, timeout=None)
            if message is not None:
                return cast("dict[str, Any]", json.loads(message["data"]))

    async def say(self, content: Mapping[str, Any], to: str | None = None) -> None:
        """Say something at once to a process, or to all."""
        channel = self._key("control") if to is None else self._key("to", to)
        await self._redis.publish(channel, json.dumps(content))

    # -- this process ---------------------------------------------------------------

    async def renew(self) -> tuple[int, list[str]]:
        """Renew the lease; returns the version, and the processes that ended without saying so."""
        keys = [self._key("publishers"), self._key("observers", self.process), self._key("version")]
        version, dead = await self._renew(keys=keys, args=[self.process])
        return version, [process.decode() for process in dead]

    async def wanted(self) -> tuple[int, list[str]]:
        """The version, and every observer that is listened to in a living process."""
        keys = [self._key("publishers"), self._key("version")]
        version, observers = await self._wanted(keys=keys, args=[self._key("observers", "")])
        return version, [observer.decode() for observer in observers]

    async def announce(self, observers: Collection[str], token: str) -> dict[str, float]:
        """Say that observers are listened to here; returns the leases of all, in seconds."""
        keys = [self._key(name) for name in ("publishers", "", "version", "control")]
        keys[1] = self._key("observers", self.process)
        content = json.dumps({"wanted": list(observers), "by": self.process, "token": token})
        found = await self._announce(keys=keys, args=[content, *observers])
        return {
            process.decode(): int(left) / 1000
            for process, left in zip(found[::2], found[1::2], strict=True)
        }

    async def withdraw(self, observers: Collection[str]) -> None:
        """Say that observers are no longer listened to here."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.srem(self._key("observers", self.process), *observers)
            pipe.incr(self._key("version"))
            await pipe.execute()

    async def end(self, receivers: Iterable[str]) -> None:
        """Take this process out: it ends and has said everything."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zrem(self._key("publishers"), self.process)
            pipe.delete(self._key("observers", self.process))
            pipe.incr(self._key("version"))
            for receiver in receivers:
                pipe.delete(self._key("receiver", receiver), self._key("marks", receiver))
            await pipe.execute()

    # -- receivers and groups ------------------------------------------------------------

    async def put(
        self, receiver: str, channel: str, joined: Sequence[str], left: Sequence[str] = ()
    ) -> None:
        """Let a receiver be in groups, and out of others."""
        changes = [("sadd", group) for group in joined] + [("srem", group) for group in left]
        for start in range(0, len(changes) or 1, CHUNK):
            async with self._redis.pipeline(transaction=False) as pipe:
                key = self._key("receiver", receiver)
                pipe.set(key, channel, px=int(RECEIVER_LEASE * 1000))
                for command, group in changes[start : start + CHUNK]:
                    getattr(pipe, command)(self._key("group", group), receiver)
                    if command == "sadd":
                        pipe.expire(self._key("group", group), GROUP_EXPIRY)
                await pipe.execute()

    async def remove(self, receiver: str, groups: Iterable[str]) -> None:
        """Forget a receiver."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(self._key("receiver", receiver), self._key("marks", receiver))
            for group in groups:
                pipe.srem(self._key("group", group), receiver)
            await pipe.execute()

    async def renew_receiver(self, receiver: str) -> dict[str, int] | None:
        """Renew a receiver; returns the marks that are new, None if it had been forgotten."""
        keys = [self._key("receiver", receiver), self._key("marks", receiver)]
        found = await self._renew_receiver(keys=keys)
        if found is None:
            return None
        pairs = zip(found[::2], found[1::2], strict=True)
        return {process.decode(): int(number) for process, number in pairs}

    async def look_up(self, groups: Sequence[str]) -> list[list[str]]:
        """The living receivers of each group."""
        found: list[list[str]] = []
        for start in range(0, len(groups), CHUNK):
            keys = [self._key("group", group) for group in groups[start : start + CHUNK]]
            reply = await self._look_up(keys=keys, args=[self._key("receiver", "")])
            found.extend([receiver.decode() for receiver in here] for here in reply)
        return found

    async def channel_of(self, receiver: str) -> str | None:
        """The layer channel of a receiver; None if it has ended."""
        channel = await self._redis.get(self._key("receiver", receiver))
        return None if channel is None else channel.decode()

    async def mark(self, numbers: Mapping[str, int]) -> None:
        """Write down how far this process has counted for each receiver."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for receiver, number in numbers.items():
                key = self._key("marks", receiver)
                pipe.hset(key, self.process, str(number))
                pipe.pexpire(key, int(DEAD * 1000))
            await pipe.execute()
