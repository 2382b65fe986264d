"""
Which rows two publishers have written to at almost the same time.

The order in which their events arrive is not the order of their commits, so what
was told last may be old. Pure bookkeeping; ``hub`` has the rows read again.

Source: docs/decisions/0022-publishers-send-to-receivers.md
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from dcrf_graph.changes.change import Event
from dcrf_graph.changes.envelope import key_of

WINDOW = 2.0
"""Seconds after which what another publisher says of a row is surely later."""
MAX_ROWS = 8_192
"""Rows that are remembered, the latest."""
NAMED = "changed_fields"
"""Where a message names what an update wrote."""

Row = tuple[str, str, str]
"""An observer, an alias and a key: one observer's view of a row."""


def row_of(event: Event) -> Row | None:
    """The row that an event is about; None if it is about none."""
    return None if event.pk is None else (event.observer, event.using, str(key_of(event.pk)))


def say_the_same(one: str, other: str) -> bool:
    """Whether two messages say the same of a row; which fields were written says nothing of it."""
    if one == other:
        return True
    if NAMED not in one and NAMED not in other:
        return False
    rows = [json.loads(message) for message in (one, other)]
    for row in rows:
        row.pop(NAMED, None)
    return bool(rows[0] == rows[1])


@dataclass
class Told:
    """What was told of a row: who said it last and when, and the last event of each group."""

    by: Hashable
    at: float
    events: dict[str, Event] = field(default_factory=dict)
    amended: bool = False


class Contests:
    """What was told of the rows that changed last; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[Row, Told] = OrderedDict()
        self._doubted = 0.0

    def note(self, events: Iterable[Event], by: Hashable, now: float) -> set[Row]:
        """Note what somebody says of rows; returns those that another one spoke of just before."""
        contested = set()
        with self._lock:
            for event in events:
                row = row_of(event)
                if row is None:
                    continue
                told = self._rows.get(row)
                if told is None or now - told.at > WINDOW:
                    told = self._rows[row] = Told(by, now)
                elif told.by != by:
                    contested.add(row)
                if now < self._doubted:
                    contested.add(row)
                told.by, told.at = by, now
                told.events[event.group] = event
                self._rows.move_to_end(row)
            while len(self._rows) > MAX_ROWS:
                self._rows.popitem(last=False)
        return contested

    def amend(self, events: Iterable[Event]) -> None:
        """Replace what was told of rows by what was read of them, whoever told it."""
        with self._lock:
            for event in events:
                row = row_of(event)
                if row is not None and row in self._rows:
                    self._rows[row].events[event.group] = event
                    self._rows[row].amended = True

    def news(self, events: Iterable[Event]) -> list[Event]:
        """Without what was told already: a row that was read again may have been ahead of it."""
        with self._lock:
            return [event for event in events if not self._is_told(event)]

    def _is_told(self, event: Event) -> bool:
        told = self._rows.get(row) if (row := row_of(event)) is not None else None
        if told is None or not told.amended:
            return False
        last = told.events.get(event.group)
        return last is not None and say_the_same(last.message, event.message)

    def doubt(self, now: float) -> None:
        """Something was lost: for a while, whatever is said may be older than what was."""
        self._doubted = now + WINDOW

    def told_of(self, row: Row) -> list[Event]:
        """The last event of each group."""
        with self._lock:
            told: Any = self._rows.get(row)
            return [] if told is None else list(told.events.values())
