"""Whether changes and groups reach the other processes."""

from __future__ import annotations

from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from django.core.checks import CheckMessage

from dcrf_graph.apps import TAG
from dcrf_graph.checks.found import named, observers_of, registered_consumers
from dcrf_graph.checks.mentions import mentions
from dcrf_graph.checks.problems import message, problem

JOINING = frozenset({"add_group", "group_add", "group_send"})


def check_channel_layer() -> list[CheckMessage]:
    """Whether changes and groups reach the other processes, where consumers hear them."""
    hearing = named(each for each in registered_consumers() if hears_others(each))
    if not hearing:
        return []
    place = "settings > CHANNEL_LAYERS"
    redis = "Configure one that processes share: channels_redis.core.RedisChannelLayer."
    try:
        layer = get_channel_layer()
    except Exception as error:  # whatever the layer's package raises
        cause = f"the default channel layer cannot be made: {error!r}."
        return [message(problem("E103", place, cause, "No client can connect.", redis))]
    if layer is None:
        cause = f"there is no default channel layer, and {hearing} listen to changes or groups."
        consequence = (
            "What another worker, a management command or a task saves is not heard, and "
            "add_group() fails."
        )
        return [message(problem("W101", place, cause, consequence, redis))]
    if isinstance(layer, InMemoryChannelLayer) and not settings.DEBUG:
        cause = f"the channel layer is in memory, and {hearing} listen to changes or groups."
        consequence = "What another worker, a management command or a task saves is not heard."
        remedy = f"{redis} If one process does everything, silence this check."
        return [message(problem("W102", place, cause, consequence, remedy))]
    return []


def hears_others(consumer: Any) -> bool:
    """Whether a consumer has observers or uses groups of the channel layer."""
    if consumer.groups:
        return True
    if any(observers_of(consumer)):
        return True
    # The library's own classes offer groups; that is no use of them.
    own = (c for c in consumer.__mro__ if c.__module__.split(".")[0] not in (TAG, "channels"))
    return mentions(own, JOINING)
