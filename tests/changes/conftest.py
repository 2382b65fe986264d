"""Channel layers that reach other processes: a recording one, and Redis by both of its layers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis
from channels.layers import channel_layers
from django.test import override_settings

from dcrf_graph.changes.hub import hub
from tests.changes.layers import RecordingLayer

REDIS_LAYERS = {
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}


@pytest.fixture
def layer() -> Iterator[RecordingLayer]:
    """The default channel layer."""
    layer = RecordingLayer()
    before = channel_layers.set("default", cast(Any, layer))
    yield layer
    hub.close()
    if before is None:
        del channel_layers.backends["default"]
    else:
        channel_layers.set("default", before)


@pytest.fixture(params=list(REDIS_LAYERS.values()), ids=list(REDIS_LAYERS))
def redis_layer(request: pytest.FixtureRequest, redis_url: str) -> Iterator[dict[str, Any]]:
    """The default channel layer is on a real Redis, under a prefix of its own: its settings."""
    # redis 8 gives up a read after 5 s, which is how long channels_redis waits for a message.
    host = {"address": redis_url, "socket_timeout": None}
    config = {"hosts": [host], "prefix": f"dcrf-graph-test-{uuid.uuid4().hex}"}
    settings = {"BACKEND": request.param, "CONFIG": config}
    with override_settings(CHANNEL_LAYERS={"default": settings}):
        yield settings
        hub.close()
    with redis.Redis.from_url(redis_url) as client:
        for key in client.scan_iter(f"{config['prefix']}*"):
            client.delete(key)
