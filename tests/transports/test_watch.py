"""The user of a stream of results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcrf_graph.authentication import Identity
from dcrf_graph.connection import Connection
from dcrf_graph.streams import Streams
from dcrf_graph.transports.watch import Watch


class Somebody:
    pk = None
    is_authenticated = False


async def test_what_the_stream_goes_on_with_is_the_user_as_it_is_known_now() -> None:
    async def identify(scope: Mapping[str, Any], payload: Any) -> Identity:
        raise AssertionError(scope)

    now = Somebody()
    context: dict[str, Any] = {"scope": {"user": Somebody()}, "user": Somebody()}
    streams = Streams({}, context["scope"], Connection())
    watch = Watch(context, streams, identify, {})
    await watch.presence.become(Identity(now, auth="a token"))
    await watch.adopt()
    assert context == {"scope": {"user": now, "auth": "a token"}, "user": now}
    await streams.close()
