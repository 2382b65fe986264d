"""
Observers as consumers declare them (upstream's module and names).

    @model_observer(Comment, serializer_class=CommentSerializer)
    async def comment_activity(self, message, action=None, subscribing_request_ids=(), **kwargs):
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @action(subscribes="comment_activity")
    async def subscribe_comment_activity(self, request_id, **kwargs):
        await self.comment_activity.subscribe(request_id=request_id)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import Model
from django.dispatch import Signal

from dcrf_graph.changes.bulk import ObservedManager, ObservedQuerySet, ObservedQuerySetMixin
from dcrf_graph.changes.publish import publish
from dcrf_graph.observer.backlog import Policy
from dcrf_graph.observer.model_observer import ModelObserver
from dcrf_graph.observer.observer import Observer

__all__ = [
    "ModelObserver",
    "ObservedManager",
    "ObservedQuerySet",
    "ObservedQuerySetMixin",
    "Observer",
    "model_observer",
    "observer",
    "publish",
]


def observer(
    signal: Signal, *, policy: Policy | None = None, **kwargs: Any
) -> Callable[[Callable[..., Any]], Any]:
    """
    Observe a Django signal: the decorated method becomes the handler.

    Args:
        signal: e.g. ``user_logged_in``.
        policy: what happens when a client reads too slowly: ``"end"``, ``"drop_oldest"``,
            ``"latest"`` or ``"disconnect"``; by default what ``SLOW_READERS`` says.
        kwargs: passed to ``signal.connect``, e.g. ``sender=Card``.

    Source: upstream's ``observer.observer``.
    """
    return partial(Observer, signal=signal, kwargs=kwargs, policy=policy)


def model_observer(
    model: type[Model],
    serializer_class: Any = None,
    many_to_many: bool = False,
    **kwargs: Any,
) -> Callable[[Callable[..., Any]], Any]:
    """
    Observe the rows of a model: the decorated method becomes the handler.

    Args:
        model: the model.
        serializer_class: makes the message; without it the message is ``{"pk": ...}``.
        many_to_many: also when many-to-many relations of a row change.
        kwargs: passed to ``ModelObserver``, e.g. ``policy="latest"``.

    Source: upstream's ``observer.model_observer``.
    """
    return partial(
        ModelObserver,
        model_cls=model,
        serializer_class=serializer_class,
        many_to_many=many_to_many,
        **kwargs,
    )
