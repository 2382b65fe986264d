"""The channel layer, as far as it reaches other processes."""

from __future__ import annotations

from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer


def shared_layer() -> Any:
    """The channel layer, if it reaches other processes; else None."""
    layer = get_channel_layer()
    return None if layer is None or isinstance(layer, InMemoryChannelLayer) else layer
