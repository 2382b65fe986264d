"""Who may do what on a board; what is visible at all is the querysets' business."""

from __future__ import annotations

from typing import Any

from channels.db import database_sync_to_async

from dcrf_graph.permissions import BasePermission
from examples.board.models import Board, Card, Comment, Visitor

Scope = dict[str, Any]
READING = frozenset({"list", "list_cancel", "retrieve", "subscribe_instance", "subscribe_list"})
CHANGING = frozenset({"update", "patch", "delete"})


class VisitorsMayLook(BasePermission):
    """Everybody reads, and does what the consumer names as `visitor_actions`; else log in."""

    async def has_permission(self, scope: Scope, consumer: Any, action: str, **kwargs: Any) -> bool:
        open_to_all = READING | getattr(consumer, "visitor_actions", frozenset())
        # Leaving is open to whoever could enter.
        if action in open_to_all or action.startswith("unsubscribe_"):
            return True
        return bool(scope["user"].is_authenticated)


class SeesTheBoard(BasePermission):
    """Asked again for each event, so that a former member hears nothing more of a private board."""

    async def has_permission(self, scope: Scope, consumer: Any, action: str, **kwargs: Any) -> bool:
        return True

    async def has_object_permission(
        self, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        return await database_sync_to_async(sees_board_of)(scope["user"], obj)


class MembersMayChange(SeesTheBoard):
    """Boards and columns are changed by the members, also those that anybody may see."""

    async def has_object_permission(
        self, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        if action not in CHANGING:
            return await super().has_object_permission(scope, consumer, action, obj, **kwargs)
        return await database_sync_to_async(is_member)(scope["user"], board_of(obj))


class AuthorsMayChange(SeesTheBoard):
    """Comments are changed by whoever wrote them."""

    async def has_object_permission(
        self, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        if action in CHANGING and obj.author_id != scope["user"].pk:
            return False
        return await super().has_object_permission(scope, consumer, action, obj, **kwargs)


def board_of(row: Any) -> int | None:
    """The key of the board on which a row is; None for a comment that went with its board."""
    if isinstance(row, Board):
        return row.pk
    if not isinstance(row, Comment):
        board: int = row.board_id
        return board
    try:
        return row.card.board_id
    except Card.DoesNotExist:
        return None


def sees_board_of(user: Visitor, row: Any) -> bool:
    """Whether this user sees the board on which a row is."""
    board = board_of(row)
    return board is not None and Board.objects.visible_to(user).filter(pk=board).exists()


def is_member(user: Visitor, board: int | None) -> bool:
    """Whether this user is a member of the board, which may be public."""
    return board is not None and Board.objects.filter(pk=board, members=user.pk).exists()
