"""A public board is everybody's to see, a private one its members', with all that is on it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User

from examples.board.models import (
    Activity,
    Board,
    BoardedQuerySet,
    BoardQuerySet,
    Card,
    Column,
    Comment,
    CommentQuerySet,
    Message,
)

pytestmark = pytest.mark.django_db

Rows = BoardQuerySet | CommentQuerySet | BoardedQuerySet[Column]


@pytest.fixture
def ada() -> User:
    return User.objects.create(username="ada")


@pytest.fixture
def grace() -> User:
    return User.objects.create(username="grace")


@pytest.fixture
def boards(ada: User) -> dict[str, Board]:
    """A public and a private board with one row of each kind; ada is a member of both."""
    made = {}
    for name in ("public", "private"):
        board = Board.objects.create(name=name, public=name == "public")
        board.members.add(ada)
        column = Column.objects.create(board=board, title=name)
        card = Card.objects.create(board=board, column=column, title=name)
        Comment.objects.create(card=card, text=name)
        Message.objects.create(board=board, text=name)
        Activity.objects.create(board=board, verb=Activity.Verb.ADDED, subject=name)
        made[name] = board
    return made


KINDS = [Board, Column, Card, Comment, Message, Activity]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("boards")
def test_a_visitor_sees_the_public_board_only(kind: type[Card]) -> None:
    assert kind.objects.visible_to(AnonymousUser()).count() == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("boards")
def test_who_is_no_member_sees_the_public_board_only(kind: type[Card], grace: User) -> None:
    assert kind.objects.visible_to(grace).count() == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("boards")
def test_a_member_sees_everything_once(kind: type[Card], ada: User) -> None:
    assert kind.objects.visible_to(ada).count() == 2


def test_who_is_no_member_any_more_sees_nothing_more(boards: dict[str, Board], ada: User) -> None:
    boards["private"].members.remove(ada)
    assert list(Board.objects.visible_to(ada)) == [boards["public"]]
