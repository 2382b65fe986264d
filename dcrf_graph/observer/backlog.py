"""
What waits for a slow reader, and what becomes of it when there is too much.

A queue of one subscription: events and gaps, in order, at most so many. Which of
them go when there is no room is the policy; that some are gone is never silent.

Source: docs/decisions/0023-deliveries-run-until-they-wait.md
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from dcrf_graph.calls import Call
from dcrf_graph.changes.change import Action, Event, Gap, net
from dcrf_graph.changes.envelope import key_of
from dcrf_graph.encoding import dumps

Policy: TypeAlias = Literal["end", "drop_oldest", "latest", "disconnect"]
CHANGED = "changed_fields"
POLICIES: tuple[Policy, ...] = ("end", "drop_oldest", "latest", "disconnect")
Entry: TypeAlias = tuple[Event | Gap, Call | None]


class Backlog(deque[Entry]):
    """Events that wait; a new one is the last."""

    __slots__ = ()

    def make_room(self, limit: int) -> None:
        """Drop the oldest events, and say so in their place, until there is room for one more."""
        while len(self) >= max(limit, 2):
            first, _ = self.popleft()
            gap = first if isinstance(first, Gap) else Gap("slow", 1)
            if isinstance(first, Gap) and self:
                second, _ = self.popleft()
                gap = first.and_(second if isinstance(second, Gap) else Gap("slow", 1))
            self.appendleft((gap, None))

    def latest(self, event: Event, cause: Call | None) -> bool:
        """
        Let an event take the place of the one about the same object that waits; False if none does.

        What both amount to is told: a create that was not heard of stays a create.
        """
        if event.pk is None:
            return False
        key = key_of(event.pk)
        for place in range(len(self) - 1, -1, -1):
            waiting, _ = self[place]
            if isinstance(waiting, Gap):
                return False
            # A group that a row has left hears of no model, and other processes write keys as text.
            if key_of(waiting.pk) == key:
                merged = amounting_to(waiting, event)
                if merged is None:
                    del self[place]
                else:
                    self[place] = (merged, cause)
                return True
        return False


def amounting_to(first: Event, last: Event) -> Event | None:
    """Two events about one object as one; None where they amount to nothing."""
    if first.action is None or last.action is None:
        return last
    action = net(Action(first.action), Action(last.action))
    if action is None:
        return None
    if action.value == last.action and CHANGED not in last.message:
        return last
    message: dict[str, Any] = {**json.loads(last.message), "action": action.value}
    changed = message.pop(CHANGED, None)
    if changed is not None and first.action == last.action == action.value:
        before = json.loads(first.message).get(CHANGED)
        if before is not None:
            message[CHANGED] = sorted({*before, *changed})
    return replace(last, action=action.value, message=dumps(message), memo={})
