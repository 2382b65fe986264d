"""
What people do on a board.

Each function is one transaction and leaves the positions of the cards dense: 0, 1, 2, ... in
every column. The consumers decide who may; these functions do not ask. They know nothing of
either protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.dispatch import Signal
from django.http import Http404

from examples.board.models import Activity, Board, Card, Column, Comment, Message, Visitor

message_posted = Signal()
"""Sent with `instance`, a `Message`, when its transaction has been committed."""


def person(user: Visitor) -> User | None:
    """Who did it, for the record; None for a visitor who is not logged in."""
    return user if isinstance(user, User) else None


def record(card: Card, verb: Activity.Verb, user: Visitor) -> None:
    """Write a line of the board's history."""
    Activity.objects.create(
        board_id=card.board_id, actor=person(user), verb=verb, subject=card.title
    )


def lock(*boards: int) -> None:
    """Hold the boards until the transaction ends; in one order, so that no two moves deadlock.

    SQLite holds the whole database instead, from the beginning of the transaction.
    """
    list(Board.objects.select_for_update().filter(pk__in=boards).order_by("pk"))


def hold(card: Card, *boards: int) -> None:
    """Lock the card's board, and others; then read where the card is: a move may have been faster.

    Raises:
        Http404: when the card has been deleted meanwhile.
    """
    lock(card.board_id, *boards)
    try:
        card.refresh_from_db(fields=["column", "board", "position", "comment_count"])
    except Card.DoesNotExist:
        raise Http404 from None


def number(cards: Iterable[Card]) -> None:
    """Give the cards their places, saving only those that are elsewhere.

    One by one and not by one UPDATE: each shifted card is a change that its observers want to hear.
    """
    for position, card in enumerate(cards):
        if card.position != position:
            card.position = position
            card.save(update_fields=["position"])


@transaction.atomic
def add_card(save: Callable[..., Card], column: Column, user: Visitor) -> Card:
    """Add a card at the end of a column; `save` is what writes it, a serializer's `save`."""
    lock(column.board_id)
    card = save(board=column.board, position=column.cards.count())
    record(card, Activity.Verb.ADDED, user)
    return card


@transaction.atomic
def edit_card(save: Callable[[], object], card: Card, column: Column | None, user: Visitor) -> Card:
    """Write changes of a card; into another column it goes at the end."""
    hold(card)
    if column is not None and column.pk != card.column_id:
        move_card(card, column, column.cards.count(), user)
    save()
    record(card, Activity.Verb.EDITED, user)
    return card


@transaction.atomic
def move_card(card: Card, column: Column, position: int, user: Visitor) -> Card:
    """Put a card at a position of a column; what is past the end is the end, what is negative 0."""
    hold(card, column.board_id)
    source = list(Card.objects.filter(column=card.column_id).exclude(pk=card.pk))
    same = card.column_id == column.pk
    target = source if same else list(Card.objects.filter(column=column))
    position = max(0, min(position, len(target)))
    if same and card.position == position:
        return card
    card.column, card.board, card.position = column, column.board, position
    card.save(update_fields=["column", "board", "position"])
    number([*target[:position], card, *target[position:]])
    if not same:
        number(source)
    record(card, Activity.Verb.MOVED, user)
    return card


@transaction.atomic
def delete_card(card: Card, user: Visitor) -> None:
    """Delete a card and close the gap.

    Its comments go first, each with the card at hand: who may hear of it is asked afterwards.
    """
    hold(card)
    record(card, Activity.Verb.DELETED, user)
    for comment in card.comments.all():
        comment.delete()
    card.delete()
    number(Card.objects.filter(column=card.column_id))


@transaction.atomic
def add_comment(save: Callable[..., Comment], user: Visitor) -> Comment:
    """Comment on a card, which counts its comments."""
    comment = save(author=person(user))
    hold(comment.card)
    count_comments(comment.card)
    record(comment.card, Activity.Verb.COMMENTED, user)
    return comment


@transaction.atomic
def delete_comment(comment: Comment) -> None:
    """Delete a comment."""
    card = comment.card
    hold(card)
    comment.delete()
    count_comments(card)


def count_comments(card: Card) -> None:
    """Write down how many comments there are; saved, so that whoever watches the card sees it."""
    card.comment_count = card.comments.count()
    card.save(update_fields=["comment_count"])


@transaction.atomic
def post_message(board: Board, text: str, user: Visitor) -> Message:
    """Say something in a board's chat."""
    message = Message.objects.create(board=board, author=person(user), text=text)
    transaction.on_commit(lambda: message_posted.send(sender=Message, instance=message))
    return message


def summary(board: Board, columns: Sequence[Column]) -> str:
    """A board as text, for a mail or a note; the cards of each column under its title."""
    lines = [f"# {board.name}"]
    for column in columns:
        lines += ["", f"## {column.title}"]
        lines += [line(card) for card in column.cards.all()]
    return "\n".join(lines) + "\n"


def line(card: Card) -> str:
    """One card of the summary."""
    facts: list[Any] = [card.assignee and card.assignee.username]
    facts += [card.estimate and f"{card.estimate} d", card.due and f"due {card.due}"]
    known = ", ".join(fact for fact in facts if fact)
    return f"- {card.title}" + (f" ({known})" if known else "")
