"""
How a receiver knows what it has missed: publishers number what they send.

A publisher counts its messages, whomever they are for, and each message names
the one that the same receiver got before it. Pure: numbers come in, losses come
out. One that names another message than the last one heard means that something
was lost; a mark, which says what was sent last, finds the loss that nothing
comes after.
"""

from __future__ import annotations

from dataclasses import dataclass

GRACE = 1.0
"""Seconds without anything new from a publisher until a mark is believed: what was sent may still
be on its way."""
MAX_PUBLISHERS = 10_000
"""Publishers whose numbers are kept; one that was quiet longest and speaks again is a loss."""


@dataclass
class Mark:
    """A number that a publisher has reached and this receiver has not."""

    number: int
    heard: int
    since: float


class Sequences:
    """The last number of each publisher.

    Args:
        exact: whether a publisher names no message (0) before its first one; else
            its first number is taken as it comes, because others may have heard
            those before.
    """

    def __init__(self, *, exact: bool = True) -> None:
        self._exact = exact
        self._heard: dict[str, int] = {}
        self._marks: dict[str, Mark] = {}

    def take(self, publisher: str, number: int, after: int) -> bool | None:
        """Whether something was lost before this message; None if it is old, and to be dropped."""
        heard = self._heard.get(publisher, 0 if self._exact else after)
        if number <= heard:
            return None
        self._note(publisher, number)
        mark = self._marks.get(publisher)
        if mark is not None and number >= mark.number:
            del self._marks[publisher]
        return after not in (0, heard)

    def mark(self, publisher: str, number: int, now: float) -> None:
        """Note which message a publisher has sent last."""
        if publisher not in self._heard:
            self._note(publisher, 0 if self._exact else number)
        heard = self._heard[publisher]
        if publisher in self._marks:
            self._marks[publisher].number = max(number, self._marks[publisher].number)
        elif number > heard:
            self._marks[publisher] = Mark(number, heard, now)

    def lost(self, now: float) -> bool:
        """Whether something has surely been lost, by the marks; it is said once."""
        lost = False
        for publisher, mark in list(self._marks.items()):
            heard = self._heard.get(publisher, 0)
            if heard > mark.heard:
                mark.heard, mark.since = heard, now
            elif now - mark.since >= GRACE:
                lost = True
                self._note(publisher, mark.number)
                del self._marks[publisher]
        return lost

    def _note(self, publisher: str, number: int) -> None:
        self._heard.pop(publisher, None)
        self._heard[publisher] = number
        if len(self._heard) > MAX_PUBLISHERS:
            self._heard.pop(next(iter(self._heard)))
