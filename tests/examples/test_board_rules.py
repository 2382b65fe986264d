"""What people do on the board keeps it whole: dense positions, one board per card, a history."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError

from examples.board import rules
from examples.board.models import Activity, Board, Card, Column, Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def board() -> Board:
    return Board.objects.create(name="Kitchen", public=True)


def column_of(board: Board, *titles: str) -> Column:
    column = Column.objects.create(board=board, title="a column", position=board.columns.count())
    for position, title in enumerate(titles):
        Card.objects.create(board=board, column=column, title=title, position=position)
    return column


def cards_of(column: Column) -> list[tuple[int, str]]:
    return list(Card.objects.filter(column=column).values_list("position", "title"))


def move(title: str, column: Column, position: int) -> None:
    rules.move_card(Card.objects.get(title=title), column, position, AnonymousUser())


@pytest.mark.parametrize(
    ("title", "position", "order"),
    [("a", 2, "bca"), ("c", 0, "cab"), ("b", 1, "abc"), ("a", 99, "bca"), ("c", -5, "cab")],
)
def test_a_move_inside_a_column_keeps_its_positions_dense(
    board: Board, title: str, position: int, order: str
) -> None:
    column = column_of(board, *"abc")
    move(title, column, position)
    assert cards_of(column) == list(enumerate(order))


@pytest.mark.parametrize(("position", "order"), [(0, "bxy"), (1, "xby"), (2, "xyb"), (50, "xyb")])
def test_a_move_to_another_column_closes_the_gap_and_opens_a_place(
    board: Board, position: int, order: str
) -> None:
    source, target = column_of(board, *"abc"), column_of(board, *"xy")
    move("b", target, position)
    assert cards_of(source) == [(0, "a"), (1, "c")]
    assert cards_of(target) == list(enumerate(order))


def test_a_card_goes_with_its_column_to_another_board(board: Board) -> None:
    column_of(board, "a")
    elsewhere = column_of(Board.objects.create(name="Garden"))
    move("a", elsewhere, 0)
    assert Card.objects.get(title="a").board == elsewhere.board


def test_a_move_that_lost_the_race_starts_from_where_the_card_is_now(board: Board) -> None:
    left, middle, right = column_of(board, *"abc"), column_of(board, "x"), column_of(board)
    seen_before = Card.objects.get(title="a")
    move("a", middle, 0)
    rules.move_card(seen_before, right, 0, AnonymousUser())
    assert cards_of(left) == [(0, "b"), (1, "c")]
    assert cards_of(middle) == [(0, "x")]
    assert cards_of(right) == [(0, "a")]


def test_a_move_to_where_the_card_is_writes_nothing(board: Board) -> None:
    column = column_of(board, *"ab")
    move("b", column, 1)
    assert not Activity.objects.exists()


def test_a_card_is_added_at_the_end(board: Board) -> None:
    column = column_of(board, *"ab")

    def save(**values: object) -> Card:
        return Card.objects.create(column=column, title="c", **values)

    assert rules.add_card(save, column, AnonymousUser()).position == 2


def test_deleting_a_card_closes_the_gap(board: Board) -> None:
    column = column_of(board, *"abc")
    rules.delete_card(Card.objects.get(title="a"), AnonymousUser())
    assert cards_of(column) == [(0, "b"), (1, "c")]


def test_a_card_that_is_edited_into_another_column_goes_to_its_end(board: Board) -> None:
    column_of(board, *"ab")
    target = column_of(board, *"x")
    card = Card.objects.get(title="a")
    rules.edit_card(card.save, card, target, AnonymousUser())
    assert cards_of(target) == [(0, "x"), (1, "a")]


def test_who_moved_a_card_is_in_the_history(board: Board) -> None:
    column_of(board, "a")
    ada = User.objects.create(username="ada")
    rules.move_card(Card.objects.get(title="a"), column_of(board), 0, ada)
    line = Activity.objects.get()
    assert (line.actor, line.verb, line.subject) == (ada, "moved", "a")


def test_a_card_counts_its_comments(board: Board) -> None:
    column_of(board, "a")
    card = Card.objects.get(title="a")
    ada = User.objects.create(username="ada")
    comment = rules.add_comment(lambda **more: card.comments.create(text="Yes.", **more), ada)
    assert Card.objects.get(title="a").comment_count == 1
    rules.delete_comment(comment)
    assert Card.objects.get(title="a").comment_count == 0


@pytest.mark.django_db(transaction=True)
def test_a_message_is_said_once_it_is_committed(board: Board) -> None:
    heard: list[Message] = []

    def listen(instance: Message, **kwargs: object) -> None:
        heard.append(instance)

    rules.message_posted.connect(listen)
    try:
        said = rules.post_message(board, "Tea?", User.objects.create(username="ada"))
    finally:
        rules.message_posted.disconnect(listen)
    assert heard == [said]


@pytest.mark.django_db(transaction=True)
def test_a_message_that_cannot_be_written_is_not_said() -> None:
    heard: list[object] = []

    def listen(**kwargs: object) -> None:
        heard.append(kwargs)

    rules.message_posted.connect(listen)
    try:
        with pytest.raises(IntegrityError):
            rules.post_message(Board(pk=999), "Tea?", AnonymousUser())
    finally:
        rules.message_posted.disconnect(listen)
    assert heard == []


def test_the_summary_names_every_card_under_its_column(board: Board) -> None:
    columns = [column_of(board, *"ab"), column_of(board, "c")]
    assert rules.summary(board, columns) == (
        "# Kitchen\n\n## a column\n- a\n- b\n\n## a column\n- c\n"
    )
