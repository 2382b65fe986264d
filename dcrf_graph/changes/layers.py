"""The channel layer, as far as it reaches other processes, and the Redis behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer

MESSAGE_TYPE = "dcrf.graph.changes"
EVERYBODY = "dcrf-graph.everybody"
"""The one group of a layer that has no registry: all processes are in it."""


def shared_layer() -> Any:
    """The channel layer, if it reaches other processes; else None."""
    layer = get_channel_layer()
    return None if layer is None or isinstance(layer, InMemoryChannelLayer) else layer


@dataclass(frozen=True)
class Redis:
    """Where the registry is kept: the first host of the layer, under the layer's prefix.

    ``binary`` says whether the layer's messages may hold bytes.
    """

    prefix: str
    binary: bool
    host: dict[str, Any] = field(hash=False)


def redis_of(layer: Any) -> Redis | None:
    """The Redis of a layer of channels_redis, as its settings say; None of any other layer."""
    modules = {each.__module__.partition(".")[0] for each in type(layer).__mro__}
    if "channels_redis" not in modules:
        return None
    from channels_redis.utils import decode_hosts  # optional: only where it is in use

    config = channel_layers.configs.get(DEFAULT_CHANNEL_LAYER, {}).get("CONFIG", {})
    [host, *_] = decode_hosts(config.get("hosts"))
    return Redis(
        prefix=f"{config.get('prefix', 'asgi')}:dcrf-graph:",
        binary=config.get("serializer_format", "msgpack") == "msgpack",
        host=host,
    )
