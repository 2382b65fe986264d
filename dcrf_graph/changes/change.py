"""What happened to one row, and the event that one observer makes of it for one group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from django.db.models import Model


class Action(Enum):
    """What a change did to a row (upstream's names and values)."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Event:
    """One thing that an observer says to one group.

    ``message`` is the observer's message as JSON text: each reader decodes its
    own copy. ``instance`` is the row itself, where the event was made in this
    process; it never crosses the channel layer. ``model`` is None where the row
    is nobody's business any more: an event for a group that the row has left.
    ``memo`` is what its readers have found out about it and share, for as long
    as it is read, and ``reading`` the message as they have read it.
    """

    observer: str
    group: str
    message: str
    action: str | None = None
    pk: Any = None
    using: str = "default"
    model: str | None = None
    instance: Any = None
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    reading: Any = field(default=None, init=False, compare=False, repr=False)


GAP = "gap"
"""The ``action`` of a frame that tells a gap."""


@dataclass(frozen=True)
class Gap:
    """Events that a subscription did not get: whoever reads this fetches anew what it shows.

    ``reason`` is ``"lost"`` for what was lost between processes or could not be
    said, ``"slow"`` for what was dropped because it was not read in time. ``missed`` is how many
    events, where that is known.
    """

    reason: str = "lost"
    missed: int | None = None

    def and_(self, other: Gap) -> Gap:
        """Two gaps with nothing heard in between, as one."""
        if self.missed is None or other.missed is None:
            return Gap(self.reason)
        return Gap(self.reason, self.missed + other.missed)


def lost(observer: str, group: str = "") -> Event:
    """That an event could not be made: it is told as a gap, in its place among the others.

    Without a group it is told to all groups of the observer, for nobody knows which it concerns.
    """
    return Event(observer, group, message="{}", action=GAP)


UNKNOWN = frozenset({""})
"""The groups of a row that nobody could name: whichever they are, they are to hear of a gap."""


class Source(Protocol):
    """An observer of a model, as capture sees it."""

    @property
    def stable_id(self) -> str:
        """The same in every process: module and qualified name."""

    @property
    def grouped(self) -> bool:
        """Whether its groups depend on the row, so that a row can move between them."""

    @property
    def many_to_many(self) -> bool:
        """Whether it hears of changed relations too."""

    def group_names_for_signal(self, *, instance: Any) -> Iterable[str]:
        """The groups that hear of this row."""

    def serialize(self, instance: Any, action: Action) -> dict[str, Any]:
        """The message about this row."""

    def serialize_key(self, pk: Any, action: Action) -> dict[str, Any]:
        """The message about a row of which nothing may be said, or is known, but its key."""

    def group_called(self, name: str) -> str:
        """The group that an observer's own name for it, e.g. ``"board-1"``, stands for."""


@dataclass(frozen=True)
class Change:
    """What one transaction did to one row, for one observer.

    ``before`` and ``after`` are the groups that the row belonged to and
    belongs to: the ones it left hear a delete, the ones it joined a create.
    """

    model: type[Model]
    pk: Any
    action: Action
    before: frozenset[str]
    after: frozenset[str]
    using: str

    def by_group(self) -> Iterable[tuple[Action, frozenset[str]]]:
        """What to tell which groups: leavers first, then those that stay, then joiners."""
        for action, groups in (
            (Action.DELETE, self.before - self.after),
            (Action.UPDATE, self.before & self.after),
            (Action.CREATE, self.after - self.before),
        ):
            if groups:
                yield action, groups


def net(first: Action, last: Action) -> Action | None:
    """The one action that two in a row amount to; None if they amount to nothing.

    ``create`` then ``delete`` is nothing, ``create`` then ``update`` a create,
    ``delete`` then ``create`` an update. A row that was there before a change
    and is created by the next has been deleted unseen: that is an update too.
    """
    match first, last:
        case Action.CREATE, Action.DELETE:
            return None
        case Action.CREATE, _:
            return Action.CREATE
        case _, Action.DELETE:
            return Action.DELETE
        case _:
            return Action.UPDATE
