"""An observer of a Django signal (upstream's module and name)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.dispatch import Signal

from dcrf_graph.changes.change import Event, lost
from dcrf_graph.changes.hub import hub
from dcrf_graph.encoding import JSONEncoder
from dcrf_graph.observer.backlog import Policy
from dcrf_graph.observer.base_observer import BaseObserver

logger = logging.getLogger(__name__)


class Observer(BaseObserver):
    """
    Calls the handler of each subscribed consumer when a signal is sent.

    What is sent goes out at once: a signal is not a change of a row, so it does
    not wait for a commit. Nothing is serialized while nobody listens.

    Args:
        signal: the signal.
        kwargs: passed to ``signal.connect``, e.g. ``{"sender": Card}``.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        signal: Signal,
        kwargs: Mapping[str, Any] | None = None,
        partition: str = "*",
        policy: Policy | None = None,
    ) -> None:
        super().__init__(func, partition=partition, policy=policy)
        self.signal = signal
        self.signal_kwargs = dict(kwargs or {})
        self.signal.connect(self.handle, **self.signal_kwargs)

    def handle(self, signal: Signal, *args: Any, **kwargs: Any) -> None:
        """Receive the signal and publish one event to each of its groups.

        What the observer raises is logged, and told as a gap: whoever sends the signal has no
        part in it.
        """
        if not hub.wants(self.stable_id):
            return
        try:
            message = self.serialize(signal, *args, **kwargs)
            about = row_of(kwargs.get("instance"))
            events = [
                Event(
                    observer=self.stable_id,
                    group=group,
                    message=json.dumps({**message, "group": group}, cls=JSONEncoder),
                    **about,
                )
                for group in self.group_names_for_signal(*args, message=message, **kwargs)
            ]
        except Exception:
            logger.exception("The observer %s failed on a signal", self.stable_id)
            events = [lost(self.stable_id)]
        hub.publish(events)

    def group_names(self, *args: Any, **kwargs: Any) -> Any:
        """One group for all that the signal says."""
        yield f"{self.stable_id}-{self.func.__name__.replace('_', '.')}-signal"


def row_of(instance: Any) -> dict[str, Any]:
    """What an event says of the row that a signal is about: its ``instance``, where it is one.

    The object permission is asked of it before the event is delivered.
    """
    if not isinstance(instance, Model) or instance.pk is None:
        return {}
    return {
        "pk": instance.pk,
        "using": instance._state.db or DEFAULT_DB_ALIAS,
        "model": instance._meta.label_lower,
        "instance": instance,
    }
